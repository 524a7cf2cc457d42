pub static FIELDS: &[super::Field] = &[];
