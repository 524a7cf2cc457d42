//! The forms of keys and values in a trace state.

/// Whether this is a key of W3C's list: `name` or `tenant@system`.
pub fn is_key(key: &str) -> bool {
    match key.split_once('@') {
        Some((tenant, system)) => {
            begins(tenant, |first| first.is_ascii_lowercase() || first.is_ascii_digit())
                && begins(system, |first| first.is_ascii_lowercase())
                && tenant.len() <= 241
                && system.len() <= 14
        }
        None => begins(key, |first| first.is_ascii_lowercase()) && key.len() <= 256,
    }
}

fn begins(name: &str, with: impl Fn(u8) -> bool) -> bool {
    let other = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-*/".contains(&c);
    name.bytes().next().is_some_and(with) && name.bytes().skip(1).all(other)
}

/// Whether this is a value of W3C's list: visible characters without `,` and `=`, and blanks between them.
pub fn is_value(value: &str) -> bool {
    let visible = |c: u8| (0x21..=0x7e).contains(&c) && c != b',' && c != b'=';
    !value.is_empty()
        && value.len() <= 256
        && value.bytes().all(|c| c == b' ' || visible(c))
        && value.bytes().last().is_some_and(visible)
}

/// Whether this is a key of OpenTelemetry's own list.
pub fn is_own_key(key: &str) -> bool {
    let mut all = key.bytes();
    all.next().is_some_and(|first| first.is_ascii_lowercase())
        && all.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// Whether this is a value of OpenTelemetry's own list.
pub fn is_own_value(value: &str) -> bool {
    value.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c))
}
