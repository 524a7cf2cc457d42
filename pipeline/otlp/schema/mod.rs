//! OTLP's messages as a table: number, JSON name, kind and presence of every field.
//!
//! Source: the proto files of OTLP 1.11 (`opentelemetry/proto/*`). A test compares every row with the
//! descriptors that the `opentelemetry-proto` crate publishes.

mod common;
mod logs;
mod metrics;
mod profiles;
mod traces;

pub use common::KEY_VALUE;
pub use logs::LOGS_REQUEST;
pub use metrics::METRICS_REQUEST;
pub use profiles::PROFILES_REQUEST;
pub use traces::TRACES_REQUEST;

/// A message: its name and fields in order of their numbers.
#[derive(Debug)]
pub struct Message {
    /// The name without package, outer messages before a dot (`Span.Event`).
    pub name: &'static str,
    /// Fields, ascending by number.
    pub fields: &'static [Field],
}

/// One field of a message.
#[derive(Debug)]
pub struct Field {
    /// The wire number.
    pub number: u32,
    /// The lowerCamelCase name of OTLP/JSON.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// How often, and whether its default is worth writing.
    pub presence: Presence,
    /// Whether one of these is one item of a batch (span, data point, record, sample).
    pub item: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// varint, JSON true or false
    Bool,
    /// varint, JSON number
    Int32,
    /// varint, JSON number
    Uint32,
    /// zigzag varint, JSON number
    Sint32,
    /// varint, JSON number; names are understood when read
    Enum(&'static [(&'static str, i32)]),
    /// varint, JSON decimal string
    Int64,
    /// varint, JSON decimal string
    Uint64,
    /// 4 bytes, JSON number
    Fixed32,
    /// 8 bytes, JSON decimal string
    Fixed64,
    /// 8 bytes, JSON decimal string
    Sfixed64,
    /// 8 bytes, JSON number or "NaN", "Infinity", "-Infinity"
    Double,
    /// UTF-8 text
    String,
    /// bytes, JSON base64
    Bytes,
    /// an id of this many bytes (or none), JSON hex
    Id(usize),
    /// a nested message
    Message(&'static Message),
}

/// How often a field may stand, and what its absence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Once; absent and zero are the same and not written as JSON.
    Implicit,
    /// Once; zero is worth writing (`optional`).
    Explicit,
    /// One of the fields like it in its message (a `oneof`): the last one counts. Zero is worth writing.
    OneOf,
    /// Once; written as `{}` in JSON when absent, as the Collector does.
    Always,
    /// A list.
    Repeated,
}

impl Message {
    /// The field with this number.
    pub fn field(&self, number: u32) -> Option<&Field> {
        // Most messages are numbered without gaps, so the place is known.
        let near = usize::try_from(number).ok()?.checked_sub(1)?;
        match self.fields.get(near) {
            Some(field) if field.number == number => Some(field),
            _ => self.fields.iter().find(|field| field.number == number),
        }
    }

    /// The field with this JSON name; `snake_case` is understood too, as in the Collector.
    pub fn field_named(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| same_name(field.name, name))
    }
}

/// Whether `given` is `camel`, or its snake_case form.
fn same_name(camel: &str, given: &str) -> bool {
    if camel == given {
        return true;
    }
    let mut given = given.chars();
    for c in camel.chars() {
        let matches = match c.is_ascii_uppercase() {
            true => given.next() == Some('_') && given.next() == Some(c.to_ascii_lowercase()),
            false => given.next() == Some(c),
        };
        if !matches {
            return false;
        }
    }
    given.next().is_none()
}

const fn field(number: u32, name: &'static str, kind: Kind, presence: Presence) -> Field {
    Field { number, name, kind, presence, item: false }
}

const fn one(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, Presence::Implicit)
}

const fn optional(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, Presence::Explicit)
}

const fn either(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, Presence::OneOf)
}

const fn many(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, Presence::Repeated)
}

const fn sub(number: u32, name: &'static str, message: &'static Message) -> Field {
    field(number, name, Kind::Message(message), Presence::Explicit)
}

const fn always(number: u32, name: &'static str, message: &'static Message) -> Field {
    field(number, name, Kind::Message(message), Presence::Always)
}

const fn subs(number: u32, name: &'static str, message: &'static Message) -> Field {
    field(number, name, Kind::Message(message), Presence::Repeated)
}

const fn items(number: u32, name: &'static str, message: &'static Message) -> Field {
    Field { number, name, kind: Kind::Message(message), presence: Presence::Repeated, item: true }
}
