//! The structural check of received OTLP: wire types, lengths, UTF-8, id lengths, depth; and the item count.

use super::attribute::{self, Plain, Scalar};
use super::plan::{Plan, Stage, Step};
use super::schema::{Field, Kind, Message, Presence};
use super::wire::{self, Error, Fault, Value};

/// Messages may nest this deep; prost, which decodes later, allows 100.
pub const MAX_DEPTH: usize = 96;

/// Messages that an attribute taken whole consists of: itself and its value.
const HIDDEN: usize = 2;

/// Where the walk stands in one message, which has this place in the plan.
#[derive(Clone, Copy)]
struct Frame {
    place: u16,
    end: usize,
}

/// A field that was found sound.
#[derive(Clone, Copy)]
enum Found {
    /// The next one begins here.
    Past(usize),
    /// A message, whose content is next.
    Opened { start: usize, inner: Frame, is_item: bool },
}

/// Checks `bytes` as a request of type `root` and counts its items, in one pass and without recursion.
///
/// # Errors
/// The first damage found, with its place.
pub fn walk(root: &'static Message, bytes: &[u8]) -> Result<u32, Error> {
    let plan = Plan::of(root);
    let mut outer = [Frame { place: 0, end: bytes.len() }; MAX_DEPTH];
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
        let (stage, inside) = (plan.stage(frame.place), &bytes[..frame.end]);
        let fail = |what| Error { message: stage.message.name, offset: at, what };
        // What is taken whole must not hide that it lies too deep.
        let may_hide = depth + HIDDEN < MAX_DEPTH;
        let found = match quick(stage, inside, at, may_hide) {
            Some(found) => found,
            None => thorough(stage, inside, at).map_err(fail)?,
        };
        match found {
            Found::Past(next) => at = next,
            Found::Opened { start, inner, is_item } => {
                outer[depth] = frame;
                depth += 1;
                if depth == MAX_DEPTH {
                    return Err(fail(Fault::Depth));
                }
                items = items.saturating_add(is_item.into());
                frame = inner;
                at = start;
            }
        }
    }
}

/// Takes what is as it nearly always is. `None` decides nothing.
#[inline]
fn quick(stage: &Stage, inside: &[u8], at: usize, may_hide: bool) -> Option<Found> {
    let step = *stage.steps.get(usize::from(*inside.get(at)?))?;
    let value = at + 1;
    let next = match step {
        Step::Other => return None,
        Step::Varint => {
            let mut next = value;
            wire::varint(inside, &mut next).ok()?;
            next
        }
        Step::Fixed64 => value + 8,
        Step::Fixed32 => value + 4,
        Step::Text | Step::Bytes | Step::Id(_) | Step::Message(_) | Step::Attribute(_) | Step::Item(_) => {
            return quick_content(step, inside, value, may_hide);
        }
    };
    (next <= inside.len()).then_some(Found::Past(next))
}

#[inline]
fn quick_content(step: Step, inside: &[u8], at: usize, may_hide: bool) -> Option<Found> {
    // Lengths of one byte, and of two.
    let first = usize::from(*inside.get(at)?);
    let (length, start) = match first {
        0..0x80 => (first, at + 1),
        _ => {
            let second = usize::from(*inside.get(at + 1)?);
            if second >= 0x80 {
                return None;
            }
            (first & 0x7f | second << 7, at + 2)
        }
    };
    let end = start + length;
    let content = inside.get(start..end)?;
    let is_sound = match step {
        Step::Attribute(_) if may_hide && is_plain(content) => true,
        Step::Message(place) | Step::Attribute(place) | Step::Item(place) => {
            let is_item = matches!(step, Step::Item(_));
            return Some(Found::Opened { start, inner: Frame { place, end }, is_item });
        }
        Step::Text => content.is_ascii(),
        Step::Id(wanted) => length == 0 || length == usize::from(wanted),
        _ => true,
    };
    is_sound.then_some(Found::Past(end))
}

/// Whether this is an attribute whose structure is simple and whose texts are ASCII.
#[inline]
fn is_plain(content: &[u8]) -> bool {
    match attribute::plain(content) {
        // Tags and lengths are ASCII too: one look for all.
        Some(Plain { value: Scalar::Text(_), .. }) => content.is_ascii(),
        Some(Plain { key, .. }) => key.is_ascii(),
        None => false,
    }
}

/// Takes everything else, and finds out what is wrong.
fn thorough(stage: &Stage, inside: &[u8], at: usize) -> Result<Found, Fault> {
    let mut next = at;
    let (number, value) = wire::field(inside, &mut next)?;
    let Some(field) = stage.message.field(number) else {
        return Ok(Found::Past(next));
    };
    match (stage.inner(number), value) {
        (Some(place), Value::Bytes(content)) => {
            let inner = Frame { place, end: next };
            Ok(Found::Opened { start: next - content.len(), inner, is_item: field.item })
        }
        _ => check(field, value).map(|()| Found::Past(next)),
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
