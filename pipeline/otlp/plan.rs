//! The schema as the walk wants it: what to do for every tag of one byte, message by message.
//!
//! Nearly all that comes in are fields with numbers up to 15 in the form that they should have. For these one look into a
//! table replaces reading the tag, finding the field and comparing the form. Whatever is out of the ordinary, unknown,
//! packed, long or wrong, is [`Step::Other`] and goes the long way, which alone decides what is damage.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::schema::{Field, KEY_VALUE, Kind, LOGS_REQUEST, METRICS_REQUEST, Message, PROFILES_REQUEST, TRACES_REQUEST};

/// Tags that fit into one byte.
const TAGS: usize = 0x80;

/// What follows a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The long way.
    Other,
    /// A varint of any meaning.
    Varint,
    /// Eight bytes.
    Fixed64,
    /// Four bytes.
    Fixed32,
    /// Length and UTF-8.
    Text,
    /// Length and bytes.
    Bytes,
    /// Length and an id, which is empty or so long.
    Id(u8),
    /// Length and a message.
    Message(u16),
    /// Length and a `KeyValue`, of which there are more than of anything else.
    Attribute(u16),
    /// The same as a message, and it counts.
    Item(u16),
}

/// One message and its table.
#[derive(Clone, Debug)]
pub struct Stage {
    /// As the schema has it.
    pub message: &'static Message,
    /// By tag.
    pub steps: [Step; TAGS],
    /// Places of the messages in it, by field number.
    inner: Vec<(u32, u16)>,
}

impl Stage {
    /// The place of the message that the field with this number holds.
    pub fn inner(&self, number: u32) -> Option<u16> {
        self.inner.iter().find(|(field, _)| *field == number).map(|(_, place)| *place)
    }
}

/// All messages below a root, which is the first.
#[derive(Clone, Debug)]
pub struct Plan(Vec<Stage>);

static PLANS: LazyLock<[Plan; 4]> =
    LazyLock::new(|| [&LOGS_REQUEST, &METRICS_REQUEST, &PROFILES_REQUEST, &TRACES_REQUEST].map(Plan::new));

impl Plan {
    /// The plan of a request.
    pub fn of(root: &'static Message) -> Cow<'static, Self> {
        let known = PLANS.iter().find(|plan| std::ptr::eq(plan.stage(0).message, root));
        known.map_or_else(|| Cow::Owned(Self::new(root)), Cow::Borrowed)
    }

    /// The message with this place.
    #[inline]
    pub fn stage(&self, place: u16) -> &Stage {
        &self.0[usize::from(place)]
    }

    fn new(root: &'static Message) -> Self {
        let mut messages = vec![root];
        let mut stages = Vec::new();
        // Messages are appended while their tables are made, each once: some contain themselves.
        while let Some(message) = messages.get(stages.len()).copied() {
            let (mut steps, mut inner) = ([Step::Other; TAGS], Vec::new());
            for field in message.fields {
                let step = step(field, &mut messages);
                if let Step::Message(place) | Step::Attribute(place) | Step::Item(place) = step {
                    inner.push((field.number, place));
                }
                let tag = (field.number as usize) << 3 | wire_type(step);
                if let Some(slot) = steps.get_mut(tag) {
                    *slot = step;
                }
            }
            stages.push(Stage { message, steps, inner });
        }
        Self(stages)
    }
}

fn step(field: &Field, messages: &mut Vec<&'static Message>) -> Step {
    match field.kind {
        Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => Step::Fixed64,
        Kind::Fixed32 => Step::Fixed32,
        Kind::String => Step::Text,
        Kind::Bytes => Step::Bytes,
        Kind::Id(length) => u8::try_from(length).map_or(Step::Other, Step::Id),
        Kind::Message(inner) => {
            let known = messages.iter().position(|message| std::ptr::eq(*message, inner));
            let place = known.unwrap_or_else(|| {
                messages.push(inner);
                messages.len() - 1
            });
            // OTLP has some fifty messages.
            let place = u16::try_from(place).unwrap_or(u16::MAX);
            match field.item {
                true => Step::Item(place),
                false if std::ptr::eq(inner, &KEY_VALUE) => Step::Attribute(place),
                false => Step::Message(place),
            }
        }
        _ => Step::Varint,
    }
}

fn wire_type(step: Step) -> usize {
    match step {
        Step::Varint | Step::Other => 0,
        Step::Fixed64 => 1,
        Step::Fixed32 => 5,
        Step::Text | Step::Bytes | Step::Id(_) | Step::Message(_) | Step::Attribute(_) | Step::Item(_) => 2,
    }
}
