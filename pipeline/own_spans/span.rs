//! One span.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Finished, Tracer, Who};
use crate::proto::common::v1::{AnyValue, KeyValue, any_value::Value};
use crate::proto::trace::v1 as proto;

/// Sampled, and it is known where the parent is.
const FLAGS: u32 = 0x101;
/// The parent is in another process.
const REMOTE: u32 = 0x200;

/// Which span of which trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The trace.
    pub trace: u128,
    /// The span in it.
    pub span: u64,
    /// Whether it is recorded.
    pub is_sampled: bool,
    /// Whether another process began it.
    pub is_remote: bool,
}

impl Context {
    /// A context as W3C's `traceparent` has it: `00-<trace>-<span>-<flags>`, in hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let mut part = |length: usize| {
            let part = parts.next().filter(|part| part.len() == length)?;
            part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)).then_some(part)
        };
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let trace = u128::from_str_radix(trace, 16).ok().filter(|trace| *trace != 0)?;
        let span = u64::from_str_radix(span, 16).ok().filter(|span| *span != 0)?;
        let is_sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        (version != "ff").then_some(Self { trace, span, is_sampled, is_remote: true })
    }
}

/// As [`Context::parse`] reads it.
impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.is_sampled))
    }
}

/// What is told of an event.
#[derive(Clone, Copy, Debug)]
pub enum Detail<'a> {
    /// Its name says all.
    None,
    /// A key and a text.
    Text(&'a str, &'a str),
    /// A key and a number.
    Number(&'a str, u32),
}

/// What goes with a batch: below which span the next one belongs. Usually none.
#[derive(Clone, Debug, Default)]
pub struct Span(Inner);

#[derive(Clone, Debug, Default)]
enum Inner {
    #[default]
    None,
    Known(Context),
    Live(Arc<Live>),
}

#[derive(Debug)]
struct Live {
    context: Context,
    tracer: Tracer,
    who: Arc<Who>,
    /// None when it is over.
    span: Mutex<Option<proto::Span>>,
}

/// Two are the same when they are the same span.
impl PartialEq for Span {
    fn eq(&self, other: &Self) -> bool {
        self.context() == other.context()
    }
}

impl Eq for Span {}

impl Span {
    /// A span that is somewhere else, or over.
    pub fn known(context: Context) -> Self {
        Self(Inner::Known(context))
    }

    /// Which one it is.
    pub fn context(&self) -> Option<Context> {
        match &self.0 {
            Inner::None => None,
            Inner::Known(context) => Some(*context),
            Inner::Live(live) => Some(live.context),
        }
    }

    /// Something that happened in it.
    pub fn event(&self, name: &str, detail: Detail<'_>) {
        self.change(|span| {
            let attributes = match detail {
                Detail::None => Vec::new(),
                Detail::Text(key, value) => vec![text(key, value)],
                Detail::Number(key, value) => vec![number(key.to_owned(), value)],
            };
            span.events.push(proto::span::Event {
                time_unix_nano: now(),
                name: name.into(),
                attributes,
                ..Default::default()
            });
        });
    }

    /// An attribute that is a text.
    pub fn say(&self, key: &str, value: &str) {
        self.change(|span| span.attributes.push(text(key, value)));
    }

    /// An attribute that is a number.
    pub fn count(&self, key: impl FnOnce() -> String, value: u32) {
        self.change(|span| span.attributes.push(number(key(), value)));
    }

    /// It did not do what it was to do.
    pub fn fail(&self, message: &str) {
        let code = proto::status::StatusCode::Error.into();
        self.change(|span| span.status = Some(proto::Status { message: message.to_owned(), code }));
    }

    fn change(&self, change: impl FnOnce(&mut proto::Span)) {
        if let Inner::Live(live) = &self.0
            && let Some(span) = &mut *live.span.lock().unwrap_or_else(PoisonError::into_inner)
        {
            change(span);
        }
    }
}

/// A span that is under way, and is over when this is dropped.
#[derive(Debug)]
pub struct Active(Span);

impl Active {
    pub(super) fn none() -> Self {
        Self(Span::default())
    }

    pub(super) fn unseen(context: Context) -> Self {
        Self(Span::known(context))
    }

    pub(super) fn begin(
        tracer: Tracer,
        who: Arc<Who>,
        name: String,
        context: Context,
        parent: Option<Context>,
    ) -> Self {
        let remote = if parent.is_some_and(|parent| parent.is_remote) { REMOTE } else { 0 };
        let span = proto::Span {
            trace_id: context.trace.to_be_bytes().to_vec(),
            span_id: context.span.to_be_bytes().to_vec(),
            parent_span_id: parent.map_or_else(Vec::new, |parent| parent.span.to_be_bytes().to_vec()),
            flags: FLAGS | remote,
            name,
            kind: proto::span::SpanKind::Internal.into(),
            start_time_unix_nano: now(),
            ..proto::Span::default()
        };
        Self(Span(Inner::Live(Arc::new(Live { context, tracer, who, span: Mutex::new(Some(span)) }))))
    }

    /// What goes with the batch.
    pub fn span(&self) -> &Span {
        &self.0
    }

    /// Whether there is one at all, recorded or not.
    pub fn exists(&self) -> bool {
        !matches!(self.0.0, Inner::None)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let Inner::Live(live) = &self.0.0 else { return };
        if let Some(mut span) = live.span.lock().unwrap_or_else(PoisonError::into_inner).take() {
            span.end_time_unix_nano = now();
            live.tracer.take(Finished { who: live.who.clone(), span });
        }
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key.to_owned(), Value::StringValue(value.to_owned()))
}

fn number(key: String, value: u32) -> KeyValue {
    attribute(key, Value::IntValue(value.into()))
}

fn attribute(key: String, value: Value) -> KeyValue {
    KeyValue { key, value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
