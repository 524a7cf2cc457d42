//! What several connectors' tests are built from.
#![allow(dead_code, reason = "each connector's tests use their own part")]

use std::sync::{Arc, Mutex};

use pipeline::component::BuildContext;
use pipeline::connector::{ConnectorConfig, ConnectorFactory, Outputs};
use pipeline::otlp::json;
use pipeline::{Batch, Next, Signal, Tasks, Telemetry};
use serde_json::Value;

/// A connector in front of pipelines that keep what comes.
pub struct Fed {
    pub edge: Next,
    pub tasks: Tasks,
    pub telemetry: Telemetry,
    pub out: Arc<Mutex<Vec<Batch>>>,
}

pub fn decoded(factory: &ConnectorFactory, text: &str) -> (Box<dyn ConnectorConfig>, String) {
    let mut decoder = config::Decoder::default();
    let config = (factory.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    config.validate(&mut decoder);
    (config, decoder.finish().to_string())
}

/// The connector with these settings, fed with one signal.
pub fn start(factory: &ConnectorFactory, text: &str, from: Signal) -> Fed {
    let (config, faults) = decoded(factory, text);
    assert_eq!(faults, "");
    let out: Arc<Mutex<Vec<Batch>>> = Arc::default();
    let seen = out.clone();
    let next = Next::from_fn(move |batch| {
        seen.lock().unwrap().push(batch);
        async { Ok(()) }
    });
    let (telemetry, mut tasks) = (Telemetry::new("test"), Tasks::default());
    let connector = config.build(BuildContext::new(factory.name.parse().unwrap(), telemetry.clone())).unwrap();
    let edge = connector.edge(from, Outputs::new([(Signal::Metrics, next)]), &mut tasks);
    Fed { edge, tasks, telemetry, out }
}

/// A batch from JSON.
pub fn batch(signal: Signal, text: &str) -> Batch {
    let bytes = json::read(signal.schema(), text.as_bytes()).unwrap();
    Batch::received(signal, bytes.into(), Arc::default()).unwrap()
}

impl Fed {
    /// What has come out since this was asked last, as JSON.
    pub fn out(&self) -> Vec<Value> {
        std::mem::take(&mut *self.out.lock().unwrap()).into_iter().map(json).collect()
    }

    /// The value of one of its own counters, of the points with this label's value.
    pub fn count(&self, metric: &str, label: &str) -> u64 {
        let own = json(Batch::new(self.telemetry.snapshot().unwrap(), Arc::default()));
        let metrics = own["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
        let points = metrics.iter().filter(|found| found["name"] == metric);
        let points = points.flat_map(|found| found["sum"]["dataPoints"].as_array().unwrap());
        let points = points.filter(|point| point["attributes"].to_string().contains(&format!("\"{label}\"")));
        points.map(|point| point["asInt"].as_str().unwrap().parse::<u64>().unwrap()).sum()
    }

    /// Points as `name{attributes} value`, sorted.
    pub fn points(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.out().iter().flat_map(points).collect();
        lines.sort();
        lines
    }
}

fn json(batch: Batch) -> Value {
    let mut text = Vec::new();
    batch.write_json(&mut text).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn points(request: &Value) -> Vec<String> {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let metrics = list(request, "resourceMetrics").into_iter().flat_map(|r| list(&r, "scopeMetrics"));
    let metrics = metrics.flat_map(|scope| list(&scope, "metrics"));
    let line = |metric: Value| {
        let kinds = ["sum", "gauge", "histogram", "exponentialHistogram"];
        let data = kinds.iter().find(|kind| metric.get(**kind).is_some()).unwrap();
        let name = metric["name"].as_str().unwrap().to_owned();
        list(&metric[*data], "dataPoints").into_iter().map(move |point| {
            let attribute = |attribute: &Value| {
                let value = attribute["value"].as_object().unwrap().values().next().unwrap().clone();
                format!(
                    "{}={}",
                    attribute["key"].as_str().unwrap(),
                    value.as_str().map_or(value.to_string(), str::to_owned)
                )
            };
            let attributes: Vec<_> = list(&point, "attributes").iter().map(attribute).collect();
            let value = ["asInt", "asDouble", "count"].iter().find_map(|key| point.get(*key)).unwrap();
            format!("{name}{{{}}} {}", attributes.join(","), value.as_str().map_or(value.to_string(), str::to_owned))
        })
    };
    metrics.flat_map(line).collect()
}
