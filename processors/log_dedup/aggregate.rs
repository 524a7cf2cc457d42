//! Records that wait for others of their kind.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use indexmap::IndexMap;
use jiff::tz::TimeZone;
use pipeline::proto::LogsRequest;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, InstrumentationScope};
use pipeline::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use pipeline::proto::resource::v1::Resource;
use pipeline::{Attributes, SetKey};

use super::Config;
use super::fields::{self, Field};
use ottl::{Item, Target, plain_text};

/// What makes records equal, and how those that stand for others look.
pub struct Shape {
    exclude: Vec<Field>,
    include: Vec<Field>,
    count_attribute: String,
    zone: TimeZone,
}

impl Shape {
    /// # Errors
    /// What the rules of the settings would have found.
    pub fn new(config: &Config) -> Result<Self, String> {
        let parsed = |list: &[String]| list.iter().map(|text| Field::parse(text)).collect::<Result<_, _>>();
        Ok(Self {
            exclude: parsed(&config.exclude_fields)?,
            include: parsed(&config.include_fields)?,
            count_attribute: config.log_count_attribute.clone(),
            zone: fields::zone(&config.timezone)?,
        })
    }

    /// What equal records have in common; all that they have when none of the fields to compare is there.
    fn key(&self, record: &LogRecord) -> SetKey {
        let mut key = SetKey::default();
        for (index, field) in self.include.iter().enumerate() {
            if let Some(value) = field.get(record) {
                key.number(index as i64);
                key.text(&plain_text(Some(value)));
            }
        }
        if key != SetKey::default() {
            return key;
        }
        key.attributes(&record.attributes);
        key.value(record.body.as_ref());
        key.number(record.severity_number.into());
        key.text(&record.severity_text);
        key
    }
}

/// All that waits.
#[derive(Default)]
pub struct Waiting {
    resources: IndexMap<SetKey, OfResource>,
    records: usize,
}

struct OfResource {
    resource: Resource,
    schema_url: String,
    scopes: IndexMap<SetKey, OfScope>,
}

struct OfScope {
    scope: InstrumentationScope,
    schema_url: String,
    records: IndexMap<SetKey, Counted>,
}

struct Counted {
    record: LogRecord,
    first: u64,
    last: u64,
    count: u64,
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl Waiting {
    /// How many different records wait.
    pub fn len(&self) -> usize {
        self.records
    }

    /// How many records they stand for.
    pub fn items(&self) -> u64 {
        let scopes = self.resources.values().flat_map(|of| of.scopes.values());
        scopes.flat_map(|of| of.records.values()).map(|counted| counted.count).sum()
    }

    /// Takes a record out of its place, and in.
    pub fn add(&mut self, target: &mut Target<'_>, shape: &Shape) {
        let Item::Log(record) = &mut target.item else { return };
        let mut record = std::mem::take(&mut **record);
        shape.exclude.iter().for_each(|field| field.remove(&mut record));
        let of_resource = self.resources.entry(SetKey::of(&target.resource.attributes)).or_insert_with(|| OfResource {
            resource: target.resource.clone(),
            schema_url: target.resource_schema_url.clone(),
            scopes: IndexMap::new(),
        });
        let (scope, schema_url) = target
            .scope
            .as_ref()
            .map_or_else(Default::default, |found| (found.scope.clone(), found.schema_url.clone()));
        let mut key = SetKey::of(&scope.attributes);
        key.text(&scope.name);
        key.text(&scope.version);
        let new = || OfScope { scope, schema_url, records: IndexMap::new() };
        let of_scope = of_resource.scopes.entry(key).or_insert_with(new);
        let (key, now) = (shape.key(&record), now());
        let counted = of_scope.records.entry(key).or_insert_with(|| {
            self.records += 1;
            Counted { record, first: now, last: now, count: 0 }
        });
        (counted.last, counted.count) = (now, counted.count + 1);
    }

    /// One record for all that are equal; `seen` is told how many each stands for.
    pub fn take(&mut self, shape: &Shape, seen: &mut dyn FnMut(u64)) -> LogsRequest {
        let now = now();
        let waiting = std::mem::take(self);
        let mut of_scope = |of: OfScope| ScopeLogs {
            scope: Some(of.scope),
            schema_url: of.schema_url,
            log_records: of.records.into_values().map(|counted| counted.finish(shape, now, seen)).collect(),
        };
        let of_resource = |of: OfResource| ResourceLogs {
            resource: Some(of.resource),
            schema_url: of.schema_url,
            scope_logs: of.scopes.into_values().map(&mut of_scope).collect(),
        };
        LogsRequest { resource_logs: waiting.resources.into_values().map(of_resource).collect() }
    }
}

impl Counted {
    fn finish(self, shape: &Shape, now: u64, seen: &mut dyn FnMut(u64)) -> LogRecord {
        seen(self.count);
        let mut record = self.record;
        (record.time_unix_nano, record.observed_time_unix_nano) = (now, self.first);
        let text = |text| AnyValue { value: Some(Value::StringValue(text)) };
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        record.attributes.put(&shape.count_attribute, AnyValue { value: Some(Value::IntValue(count)) });
        record.attributes.put("first_observed_timestamp", text(fields::moment(self.first, &shape.zone)));
        record.attributes.put("last_observed_timestamp", text(fields::moment(self.last, &shape.zone)));
        record
    }
}

/// A shape that several stages of one processor use.
pub type Shared = Arc<Shape>;
