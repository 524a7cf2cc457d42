//! An OTLP exporter for own metrics, spans and log records.

use std::sync::Arc;

use config::{Decoder, Map, Node, Value};
use exporters::{otlp_grpc, otlp_http};
use pipeline::component::{BuildContext, Exporter};
use pipeline::{OtlpPush, Protocol, Signal, Telemetry};

/// The exporter that pipelines use, with the settings of what this program says of itself.
pub fn exporter(otlp: &OtlpPush, signal: Signal, telemetry: &Telemetry) -> Result<Arc<dyn Exporter>, String> {
    let factory = match otlp.protocol {
        Protocol::Grpc => &otlp_grpc::FACTORY,
        Protocol::HttpProtobuf | Protocol::HttpJson => &otlp_http::FACTORY,
    };
    let mut decoder = Decoder::default();
    let config = (factory.decode)(&settings(otlp, signal), &mut decoder);
    config.validate(&mut decoder);
    let faults = decoder.finish();
    if !faults.0.is_empty() {
        return Err(faults.to_string());
    }
    let id = factory.name.parse()?;
    config.build(BuildContext::new(id, telemetry.clone())).map_err(|e| e.to_string())
}

fn settings(otlp: &OtlpPush, signal: Signal) -> Node {
    let flag = |value| Node::of(Value::Bool(value));
    let tls = Node::map([
        // The scheme decides, also where a pipeline's exporter would not heed it.
        ("insecure", flag(otlp.url().starts_with("http://"))),
        ("ca_file", Node::text(&otlp.certificate)),
        ("cert_file", Node::text(&otlp.client_certificate)),
        ("key_file", Node::text(&otlp.client_key)),
    ]);
    let headers: Map = otlp.all_headers().into_iter().map(|(name, value)| (name, Node::text(value))).collect();
    let compression = if otlp.compression.is_empty() { "none" } else { &otlp.compression };
    let url = otlp.url();
    let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.trim_end_matches('/').contains('/'));
    let own = match signal {
        Signal::Metrics => "metrics_endpoint",
        Signal::Logs => "logs_endpoint",
        Signal::Traces => "traces_endpoint",
        Signal::Profiles => "profiles_endpoint",
    };
    let endpoint = if otlp.protocol != Protocol::Grpc && has_path { own } else { "endpoint" };
    let mut settings = vec![
        (endpoint, Node::text(url)),
        ("tls", tls),
        ("headers", Node::of(Value::Map(headers))),
        ("compression", Node::text(compression)),
        ("timeout", Node::text(format!("{}ms", otlp.timeout))),
    ];
    if otlp.protocol == Protocol::HttpJson {
        settings.push(("encoding", Node::text("json")));
    }
    Node::map(settings)
}
