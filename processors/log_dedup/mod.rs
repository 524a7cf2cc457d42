//! Sends equal log records once, with their number.
//!
//! ```yaml
//! log_dedup:
//!   interval: 60s
//!   conditions: ['log.severity_number < SEVERITY_NUMBER_ERROR']
//!   exclude_fields: [body.timestamp, 'attributes.host\.name']
//! ```
//!
//! Records are equal when body, attributes, severity, scope and resource are; excluded fields are removed first, and with
//! `include_fields` only these count. The record that goes on after `interval` is the first, with how many there were in
//! `log_count_attribute`, and `first_observed_timestamp` and `last_observed_timestamp`. Records that no condition is true for
//! pass at once. Those that others stand for are counted in `kpulse_processor_dropped_items` with reason `duplicate`, and what the
//! next component refused by its kind. When 100,000 different records wait, all go on at once: memory is bounded and
//! nothing is lost. At a stop everything held goes on. (The Collector forgets URLs of schemas here.)

mod aggregate;
mod counts;
mod fields;
mod stage;
#[cfg(test)]
mod tests;

use std::time::Duration;

use config::{Decode, Decoder, Rules};
use pipeline::component::{BuildContext, Factory, Processor, ProcessorConfig, ProcessorFactory, Stability, decode};
use pipeline::{BuildError, Signal};

use counts::Counts;
use fields::Field;
use ottl::{self, Condition, Context, Failures, Prefix};
use stage::Stage;

config::settings! {
    /// What counts as equal, and for how long.
    pub struct Config {
        /// How long records wait for others.
        pub interval: Duration = Duration::from_secs(10),
        /// The attribute that says how many there were.
        pub log_count_attribute: String = "log_count".into(),
        /// The time zone of the attributes that say when the first and the last was seen.
        pub timezone: String = "UTC".into(),
        /// Fields that are removed before records are compared: below body or attributes, a dot in a key as \..
        pub exclude_fields: Vec<String> = Vec::new(),
        /// The only fields that are compared; not together with exclude_fields.
        pub include_fields: Vec<String> = Vec::new(),
        /// Records that one of these is true for are compared; without conditions all are.
        pub conditions: Vec<String> = Vec::new(),
        /// Client metadata that must not be mixed.
        pub metadata_keys: Vec<String> = Vec::new(),
        /// How many combinations of it there may be; 0 is any number. More are refused.
        pub metadata_cardinality_limit: u32 = 0,
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.interval.is_zero() {
            decoder.at("interval", |d| d.error("must be greater than 0"));
        }
        if self.log_count_attribute.is_empty() {
            decoder.at("log_count_attribute", |d| d.error("must be set"));
        }
        if let Err(message) = fields::zone(&self.timezone) {
            decoder.at("timezone", |d| d.error(message));
        }
        if !self.exclude_fields.is_empty() && !self.include_fields.is_empty() {
            decoder.at("include_fields", |d| d.error("cannot be used together with exclude_fields"));
        }
        for (key, list) in [("exclude_fields", &self.exclude_fields), ("include_fields", &self.include_fields)] {
            decoder.at(key, |decoder| check_fields(list, decoder));
        }
        for (index, text) in self.conditions.iter().enumerate() {
            if let Err(fault) = ottl::condition(text, Context::Log, Prefix::Optional) {
                decoder.at("conditions", |d| d.at(index.to_string(), |d| d.error(fault.show(text))));
            }
        }
        for (index, key) in self.metadata_keys.iter().enumerate() {
            if self.metadata_keys[..index].iter().any(|other| other.eq_ignore_ascii_case(key)) {
                decoder.at("metadata_keys", |d| d.error(format!("duplicate entry {key:?} (case-insensitive)")));
            }
        }
    }
}

fn check_fields(list: &[String], decoder: &mut Decoder) {
    for (index, text) in list.iter().enumerate() {
        decoder.at(index.to_string(), |decoder| {
            if let Err(message) = Field::parse(text) {
                decoder.error(message);
            }
            if list[..index].contains(text) {
                decoder.error("stands in the list twice");
            }
        });
    }
}

impl Config {
    fn compiled(&self) -> Result<Vec<(Condition, String)>, String> {
        let one = |text: &String| match ottl::condition(text, Context::Log, Prefix::Optional) {
            Ok(condition) => Ok((condition, text.clone())),
            Err(fault) => Err(fault.show(text)),
        };
        self.conditions.iter().map(one).collect()
    }
}

/// Its row in the processors' table.
pub static FACTORY: ProcessorFactory = Factory {
    name: "log_dedup",
    alias: Some("logdedup"),
    signals: &[Signal::Logs],
    stability: Stability::Alpha,
    sample: "interval: 60s\nconditions: ['log.severity_number < SEVERITY_NUMBER_ERROR']\n\
             exclude_fields: [body.timestamp, 'attributes.host\\.name']\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ProcessorConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Processor, BuildError> {
        let conditions = self.compiled().map_err(|message| BuildError::of(&cx, message))?;
        let shape = aggregate::Shape::new(self).map_err(|message| BuildError::of(&cx, message))?;
        let (counts, failures, config) = (Counts::new(&cx), Failures::new(&cx), self.clone());
        Ok(Processor::Wrap(Box::new(move |next, tasks| {
            let stage = Stage::new(next, &config, conditions, shape, counts, failures);
            stage.edge(config.interval, &cx.id, tasks)
        })))
    }
}
