//! From an event to its line.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use pipeline::{Encoding, LogSettings, StartError};
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::event::{self, Event, Severity, caller};
use super::fields::Fields;
use super::outputs::Outputs;
use super::sampler::{Sampler, when_on};
use super::takers::{self, Takers};
use crate::speaker::{Speaker, json};

/// Takes events from `tracing`.
pub struct Lines {
    /// Writes them.
    pub writer: Arc<RwLock<Writer>>,
    /// Take them too.
    pub takers: Takers,
}

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

    fn on_event(&self, event: &tracing::Event<'_>, cx: Context<'_, S>) {
        let mut own = Fields::default();
        event.record(&mut own);
        let writer = self.writer.read().unwrap_or_else(PoisonError::into_inner);
        let metadata = event.metadata();
        if !writer.takes(*metadata.level(), &own.message) {
            return;
        }
        let (mut fields, mut is_apart) = (Vec::new(), takers::is_of_carrier(metadata.target()));
        for span in cx.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            is_apart |= span.name() == takers::APART;
            if let Some(around) = span.extensions().get::<Fields>() {
                fields.extend(around.named.iter().cloned());
            }
        }
        fields.append(&mut own.named);
        let severity = Severity::from(*metadata.level());
        let caller = writer.caller.then(|| caller(metadata)).flatten();
        let event = Event { unix_nanos: event::now(), severity, caller, message: own.message, fields };
        writer.write(&event);
        if !is_apart {
            self.takers.take(event);
        }
    }
}

impl Writer {
    /// Opens the outputs.
    pub fn open(settings: &LogSettings, speaker: &Speaker) -> Result<Self, StartError> {
        let mut initial: Vec<_> =
            settings.initial_fields.iter().map(|(name, node)| (name.clone(), json(&node.value))).collect();
        initial.sort_by(|a, b| a.0.cmp(&b.0));
        if !settings.disable_zap_resource {
            initial.push(("resource".into(), speaker.attributes.clone().into_iter().collect()));
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

    fn write(&self, event: &Event) {
        let common = self.common.iter().map(|(name, value)| (name.as_str(), value));
        let fields = common.chain(event.fields.iter().map(|(name, value)| (*name, value))).collect();
        let (caller, message) = (event.caller.map(short), event.message.as_str());
        let line = Line { time: time(event.unix_nanos), level: event.severity.word(), caller, message, fields };
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
fn short((file, line): (&str, u32)) -> String {
    let start = file.rmatch_indices('/').nth(1).map_or(0, |(at, _)| at + 1);
    format!("{}:{line}", &file[start..])
}

/// ISO 8601 with milliseconds in the local zone; UTC is `Z`.
fn time(unix_nanos: u64) -> String {
    let time = Timestamp::from_nanosecond(unix_nanos.into()).unwrap_or_default().to_zoned(TimeZone::system());
    let zone = if time.offset().is_zero() { "Z".to_owned() } else { time.strftime("%z").to_string() };
    format!("{}{zone}", time.strftime("%Y-%m-%dT%H:%M:%S%.3f"))
}
