//! The structural check of received OTLP: wire types, lengths, UTF-8, id lengths, depth; and the item count.

use super::schema::{Field, Kind, Message, Presence};
use super::wire::{self, Error, Fault, Value};

/// Messages may nest this deep; prost, which decodes later, allows 100.
pub const MAX_DEPTH: usize = 96;

/// Where the walk stands in one message.
#[derive(Clone, Copy)]
struct Frame {
    message: &'static Message,
    end: usize,
}

/// Checks `bytes` as a request of type `root` and counts its items, in one pass and without recursion.
///
/// # Errors
/// The first damage found, with its place.
pub fn walk(root: &'static Message, bytes: &[u8]) -> Result<u32, Error> {
    let mut outer = [Frame { message: root, end: bytes.len() }; MAX_DEPTH];
    let mut depth = 0;
    let mut frame = outer[0];
    let mut at = 0;
    let mut items: u32 = 0;
    loop {
        while at == frame.end {
            if depth == 0 {
                return Ok(items);
            }
            depth -= 1;
            frame = outer[depth];
        }
        let start = at;
        let fail = |what| Error { message: frame.message.name, offset: start, what };
        let (number, value) = wire::field(&bytes[..frame.end], &mut at).map_err(fail)?;
        let Some(field) = frame.message.field(number) else {
            continue;
        };
        items = items.saturating_add(field.item.into());
        match (field.kind, value) {
            (Kind::Message(inner), Value::Bytes(content)) => {
                outer[depth] = frame;
                depth += 1;
                if depth == MAX_DEPTH {
                    return Err(fail(Fault::Depth));
                }
                at -= content.len();
                frame = Frame { message: inner, end: at + content.len() };
            }
            _ => check(field, value).map_err(fail)?,
        }
    }
}

fn check(field: &Field, value: Value<'_>) -> Result<(), Fault> {
    match (field.kind, value) {
        (Kind::String, Value::Bytes(text)) => match std::str::from_utf8(text) {
            Ok(_) => Ok(()),
            Err(_) => Err(Fault::Utf8(field.name)),
        },
        (Kind::Id(length), Value::Bytes(id)) => match id.len() {
            0 => Ok(()),
            found if found == length => Ok(()),
            found => Err(Fault::IdLength(field.name, found)),
        },
        (Kind::Bytes, Value::Bytes(_)) => Ok(()),
        (kind, Value::Bytes(packed)) if field.presence == Presence::Repeated => packed_values(field, kind, packed),
        (kind, value) if kind.matches(value) => Ok(()),
        _ => Err(Fault::Mismatch(field.name)),
    }
}

/// A packed list of numbers: the length has to come out even.
fn packed_values(field: &Field, kind: Kind, packed: &[u8]) -> Result<(), Fault> {
    let mut at = 0;
    while at < packed.len() {
        kind.unpack(packed, &mut at).map_err(|fault| match fault {
            Fault::Truncated => Fault::Mismatch(field.name),
            other => other,
        })?;
    }
    Ok(())
}

impl Kind {
    /// Whether a scalar of this kind may lie on the wire like `value`.
    pub(super) fn matches(self, value: Value<'_>) -> bool {
        match value {
            Value::Varint(_) => matches!(
                self,
                Kind::Bool | Kind::Int32 | Kind::Uint32 | Kind::Sint32 | Kind::Enum(_) | Kind::Int64 | Kind::Uint64
            ),
            Value::Fixed64(_) => matches!(self, Kind::Fixed64 | Kind::Sfixed64 | Kind::Double),
            Value::Fixed32(_) => matches!(self, Kind::Fixed32),
            Value::Bytes(_) => matches!(self, Kind::String | Kind::Bytes | Kind::Id(_) | Kind::Message(_)),
        }
    }

    /// Reads one number of this kind from a packed list.
    pub(super) fn unpack<'a>(self, packed: &'a [u8], at: &mut usize) -> Result<Value<'a>, Fault> {
        let chunk = |at: &mut usize, n: usize| {
            let slice = packed.get(*at..*at + n).ok_or(Fault::Truncated)?;
            *at += n;
            Ok::<_, Fault>(slice)
        };
        match self {
            Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => {
                let bytes = chunk(at, 8)?.try_into().map_err(|_| Fault::Truncated)?;
                Ok(Value::Fixed64(u64::from_le_bytes(bytes)))
            }
            Kind::Fixed32 => {
                let bytes = chunk(at, 4)?.try_into().map_err(|_| Fault::Truncated)?;
                Ok(Value::Fixed32(u32::from_le_bytes(bytes)))
            }
            Kind::String | Kind::Bytes | Kind::Id(_) | Kind::Message(_) => Err(Fault::Truncated),
            _ => Ok(Value::Varint(wire::varint(packed, at)?)),
        }
    }
}
