//! From an event to its line.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use jiff::Zoned;
use pipeline::{Encoding, LogSettings, StartError};
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::fields::Fields;
use super::outputs::Outputs;
use super::sampler::{Sampler, when_on};
use crate::speaker::{Speaker, json};

/// Takes events from `tracing`.
pub struct Lines(pub Arc<RwLock<Writer>>);

/// How lines are written now.
pub struct Writer {
    encoding: Encoding,
    caller: bool,
    /// Fields that every line has.
    common: Vec<(String, Value)>,
    sampler: Option<Mutex<Sampler>>,
    outputs: Outputs,
    error_outputs: Outputs,
}

/// What stands in a line.
pub struct Line<'a> {
    pub time: String,
    pub level: &'static str,
    pub caller: Option<String>,
    pub message: &'a str,
    pub fields: Vec<(&'a str, &'a Value)>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = cx.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, cx: Context<'_, S>) {
        if let Some(span) = cx.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            record.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let mut own = Fields::default();
        event.record(&mut own);
        let writer = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if !writer.takes(*event.metadata().level(), &own.message) {
            return;
        }
        let mut around = Vec::new();
        for span in cx.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<Fields>() {
                around.extend(fields.named.iter().map(|(name, value)| (*name, value.clone())));
            }
        }
        let named = around.iter().chain(&own.named).map(|(name, value)| (*name, value));
        writer.write(event.metadata(), &own.message, named.collect());
    }
}

impl Writer {
    /// Opens the outputs.
    pub fn open(settings: &LogSettings, speaker: &Speaker) -> Result<Self, StartError> {
        let mut initial: Vec<_> =
            settings.initial_fields.iter().map(|(name, node)| (name.clone(), json(&node.value))).collect();
        initial.sort_by(|a, b| a.0.cmp(&b.0));
        if !settings.disable_zap_resource {
            initial.push(("resource".into(), speaker.clone().into_iter().collect()));
        }
        Ok(Self {
            encoding: settings.encoding,
            caller: !settings.disable_caller,
            common: initial,
            sampler: when_on(settings.sampling.get()).map(Mutex::new),
            outputs: Outputs::open(&settings.output_paths)?,
            error_outputs: Outputs::open(&settings.error_output_paths)?,
        })
    }

    fn takes(&self, level: Level, message: &str) -> bool {
        let Some(sampler) = &self.sampler else { return true };
        sampler.lock().unwrap_or_else(PoisonError::into_inner).takes(level, message, Instant::now())
    }

    fn write(&self, metadata: &Metadata<'_>, message: &str, fields: Vec<(&str, &Value)>) {
        let common = self.common.iter().map(|(name, value)| (name.as_str(), value));
        let caller = self.caller.then(|| caller(metadata)).flatten();
        let fields = common.chain(fields).collect();
        let line = Line { time: now(), level: level(*metadata.level()), caller, message, fields };
        let text = match self.encoding {
            Encoding::Console => line.console(),
            Encoding::Json => line.json(),
        };
        if let Err(error) = self.outputs.write(&text) {
            // Nobody is left to tell it to when this fails too.
            let _ = self.error_outputs.write(format!("{} write error: {error}\n", line.time).as_bytes());
        }
    }
}

impl Line<'_> {
    /// Parts between tabs; the fields are a JSON object with spaces.
    pub fn console(&self) -> Vec<u8> {
        let mut text = format!("{}\t{}\t", self.time, self.level);
        if let Some(caller) = &self.caller {
            text += caller;
            text.push('\t');
        }
        text += self.message;
        let mut line = text.into_bytes();
        if !self.fields.is_empty() {
            line.push(b'\t');
            object(&mut line, Spaced, self.fields.iter().copied());
        }
        line.push(b'\n');
        line
    }

    /// One JSON object.
    pub fn json(&self) -> Vec<u8> {
        let (level, time) = (self.level.into(), self.time.as_str().into());
        let (caller, message) = (self.caller.clone().map(Value::from), self.message.into());
        let mut all: Vec<(&str, &Value)> = vec![("level", &level), ("ts", &time)];
        all.extend(caller.as_ref().map(|caller| ("caller", caller)));
        all.push(("msg", &message));
        let mut line = Vec::new();
        object(&mut line, CompactFormatter, all.into_iter().chain(self.fields.iter().copied()));
        line.push(b'\n');
        line
    }
}

/// Writing into memory cannot fail, and every value came from JSON types.
fn object<'v>(out: &mut Vec<u8>, formatter: impl Formatter, fields: impl Iterator<Item = (&'v str, &'v Value)>) {
    use serde::ser::{SerializeMap, Serializer as _};
    let mut serializer = Serializer::with_formatter(out, formatter);
    let Ok(mut map) = serializer.serialize_map(None) else { return };
    for (name, value) in fields {
        let _ = map.serialize_entry(name, value);
    }
    let _ = map.end();
}

/// `{"a": 1, "b": [2, 3]}`
struct Spaced;

impl Formatter for Spaced {
    fn begin_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn begin_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }
}

/// `pipeline/lifecycle.rs:102`: the last folder, the file and the line.
fn caller(metadata: &Metadata<'_>) -> Option<String> {
    let file = metadata.file()?;
    let start = file.rmatch_indices('/').nth(1).map_or(0, |(at, _)| at + 1);
    Some(format!("{}:{}", &file[start..], metadata.line()?))
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        _ => "debug",
    }
}

/// ISO 8601 with milliseconds in the local zone; UTC is `Z`.
fn now() -> String {
    let now = Zoned::now();
    let zone = if now.offset().is_zero() { "Z".to_owned() } else { now.strftime("%z").to_string() };
    format!("{}{zone}", now.strftime("%Y-%m-%dT%H:%M:%S%.3f"))
}
