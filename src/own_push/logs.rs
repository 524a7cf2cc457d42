//! kpulse's own log records: `service::telemetry::logs::processors`.

use std::sync::Arc;
use std::time::Duration;

use pipeline::proto::LogsRequest;
use pipeline::proto::common::v1::{AnyValue, any_value::Value};
use pipeline::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use pipeline::{Batch, PushProcessor, Signal, StartError, Tasks, Telemetry, TelemetrySettings};

use super::PATIENCE;
use super::scope::{scope, together};
use super::sender::{self, Said};
use crate::logging::{Event, Logging, Severity, apart};
use crate::speaker::{self, Speaker, attribute};

/// Begins the fields that say of which component a line is.
const OF_COMPONENT: &str = "otelcol.";

/// Those who send own log records.
pub struct OwnLogs {
    telemetry: Telemetry,
    instance_id: String,
    running: Option<(Vec<PushProcessor>, Speaker, Tasks)>,
}

impl OwnLogs {
    /// None yet.
    pub fn new(telemetry: &Telemetry, instance_id: &str) -> Self {
        Self { telemetry: telemetry.clone(), instance_id: instance_id.to_owned(), running: None }
    }

    /// Goes over to `settings`, if they are others.
    ///
    /// # Errors
    /// When an exporter cannot be opened; then log lines are not sent.
    pub async fn change(&mut self, settings: &TelemetrySettings, logging: &Logging) -> Result<(), StartError> {
        let (processors, speaker) = (&settings.logs.processors, speaker::of(&self.instance_id, &settings.resource));
        if self.running.as_ref().is_some_and(|(old, by, _)| old == processors && *by == speaker) {
            return Ok(());
        }
        self.end(logging).await;
        let (mut tasks, mut takers) = (Tasks::default(), Vec::new());
        for processor in processors {
            // What is said about sending own log records is not sent: it would never end.
            takers.push(sender::start(processor, &speaker, &self.telemetry, apart(), &mut tasks).await?);
        }
        logging.send_to(takers);
        self.running = Some((processors.clone(), speaker, tasks));
        Ok(())
    }

    /// Sends what is there, and ends.
    pub async fn stop(mut self, logging: &Logging) {
        self.end(logging).await;
    }

    async fn end(&mut self, logging: &Logging) {
        // The other ends of their channels are gone with it.
        logging.send_to(Vec::new());
        if let Some((.., tasks)) = self.running.take() {
            tasks.end(PATIENCE).await;
        }
    }
}

impl Said for Arc<Event> {
    const SIGNAL: Signal = Signal::Logs;
    const DROPPED: &'static str = "kpulse_own_logs_dropped";
    const DELAY: Duration = Duration::from_secs(1);

    /// Records of one component stand together.
    fn request(speaker: &Speaker, items: Vec<Self>) -> Batch {
        let component = |event: &Event| event.fields.iter().filter(of_component).cloned().collect::<Vec<_>>();
        let by_component = together(items.iter().map(|event| (component(event), record(event))));
        let scope_logs = by_component.into_iter().map(|(component, log_records)| ScopeLogs {
            scope: Some(scope(component)),
            log_records,
            ..ScopeLogs::default()
        });
        let resource_logs = ResourceLogs {
            resource: Some(speaker::resource(speaker)),
            scope_logs: scope_logs.collect(),
            schema_url: speaker.schema_url.clone(),
        };
        Batch::new(LogsRequest { resource_logs: vec![resource_logs] }, Arc::default())
    }
}

fn of_component((name, _): &&(&'static str, serde_json::Value)) -> bool {
    name.starts_with(OF_COMPONENT)
}

/// The Collector's shape of a line: the place in the source and the fields are attributes.
fn record(event: &Event) -> LogRecord {
    let place = event.caller.iter().flat_map(|(file, line)| {
        [attribute("code.file.path", &(*file).into()), attribute("code.line.number", &(*line).into())]
    });
    let own = event.fields.iter().filter(|field| !of_component(field));
    let fields = own.map(|(name, value)| match *name {
        "error" => attribute("exception.message", value),
        name => attribute(name, value),
    });
    LogRecord {
        time_unix_nano: event.unix_nanos,
        observed_time_unix_nano: event.unix_nanos,
        severity_number: severity(event.severity),
        severity_text: event.severity.word().into(),
        body: Some(AnyValue { value: Some(Value::StringValue(event.message.clone())) }),
        attributes: place.chain(fields).collect(),
        ..LogRecord::default()
    }
}

/// OTLP's number.
fn severity(severity: Severity) -> i32 {
    match severity {
        Severity::Debug => 5,
        Severity::Info => 9,
        Severity::Warn => 13,
        Severity::Error => 17,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pipeline::proto::LogsRequest;
    use serde_json::json;

    use super::Said;
    use crate::logging::{Event, Severity};
    use crate::speaker::Speaker;

    fn event(fields: Vec<(&'static str, serde_json::Value)>) -> Arc<Event> {
        let message = "m".to_owned();
        Arc::new(Event { unix_nanos: 7, severity: Severity::Warn, caller: Some(("src/a.rs", 3)), message, fields })
    }

    #[test]
    fn fields_that_name_the_component_are_the_scope_and_the_others_are_attributes() {
        let of = |id: &str| ("otelcol.component.id", json!(id));
        let items = vec![
            event(vec![of("a"), ("error", json!("no")), ("n", json!(2))]),
            event(vec![of("b")]),
            event(vec![of("a")]),
        ];
        let mut batch = <Arc<Event> as Said>::request(&Speaker::default(), items);
        let request = batch.read::<LogsRequest>().unwrap().unwrap();
        let scopes = &request.resource_logs[0].scope_logs;
        assert_eq!(scopes.iter().map(|scope| scope.log_records.len()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(scopes[0].scope.as_ref().unwrap().attributes[0].key, "otelcol.component.id");
        let record = &scopes[0].log_records[0];
        let keys: Vec<_> = record.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
        assert_eq!(keys, ["code.file.path", "code.line.number", "exception.message", "n"]);
        assert_eq!((record.severity_number, record.severity_text.as_str(), record.time_unix_nano), (13, "warn", 7));
    }
}
