//! An OTLP exporter for own metrics and spans.

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
        ("insecure", flag(otlp.insecure)),
        ("ca_file", Node::text(&otlp.certificate)),
        ("cert_file", Node::text(&otlp.client_certificate)),
        ("key_file", Node::text(&otlp.client_key)),
    ]);
    let headers: Map = otlp.headers.iter().map(|h| (h.name.clone(), Node::text(h.value.reveal()))).collect();
    let compression = if otlp.compression.is_empty() { "none" } else { &otlp.compression };
    let url = otlp.url();
    let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.trim_end_matches('/').contains('/'));
    let own = if signal == Signal::Metrics { "metrics_endpoint" } else { "traces_endpoint" };
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
