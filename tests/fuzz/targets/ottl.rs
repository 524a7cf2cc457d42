//! Any text as a statement and as a condition of OTTL, in every context: it is refused or it ends, whatever the item.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use ottl::walk::{self, Tree};
use ottl::{Context, Prefix};
use pipeline::otlp::{json, schema};
use pipeline::proto::{LogsRequest, MetricsRequest, ProfilesRequest, TracesRequest};
use prost::Message;

/// The items of the table of cases: every kind of value, and all kinds of metrics.
static LOGS: LazyLock<LogsRequest> =
    LazyLock::new(|| read(&schema::LOGS_REQUEST, include_bytes!("../../ottl/logs.json")));
static SPANS: LazyLock<TracesRequest> =
    LazyLock::new(|| read(&schema::TRACES_REQUEST, include_bytes!("../../ottl/traces.json")));
static METRICS: LazyLock<MetricsRequest> =
    LazyLock::new(|| read(&schema::METRICS_REQUEST, include_bytes!("../../ottl/metrics.json")));
static PROFILES: LazyLock<ProfilesRequest> =
    LazyLock::new(|| read(&schema::PROFILES_REQUEST, include_bytes!("../../ottl/profiles.json")));

fn read<T: Message + Default>(schema: &'static schema::Message, text: &[u8]) -> T {
    let bytes = json::read(schema, text).expect("the inputs of the table are OTLP");
    T::decode(&*bytes).expect("the inputs of the table are OTLP")
}

/// Whatever a text says of an item, that it fails included, is an answer.
fn look<T: Tree + Clone>(request: &T, context: Context, text: &str) {
    if let Ok(condition) = ottl::condition(text, context, Prefix::Optional) {
        walk::retain(&mut request.clone(), context, &mut |target| condition.holds(target).unwrap_or(false));
    }
    if let Ok(statement) = ottl::statement(text, context, Prefix::Optional) {
        // Metrics that make metrics without end are stopped by the walk; this is about one round.
        let mut rounds = 0;
        let _ = walk::visit(&mut request.clone(), context, &mut |target| {
            rounds += 1;
            let _ = statement.apply(target);
            if rounds < 100 { Ok(()) } else { Err("enough".to_owned()) }
        });
    }
}

fuzz_target!(|text: &str| {
    let _ = ottl::infer(&Context::ALL, &[text.to_owned()], &[text.to_owned()]);
    for context in Context::ALL {
        match context {
            Context::Log | Context::Scope | Context::Resource => look(&*LOGS, context, text),
            Context::Span | Context::SpanEvent => look(&*SPANS, context, text),
            Context::Metric | Context::DataPoint => look(&*METRICS, context, text),
            Context::Profile => look(&*PROFILES, context, text),
        }
    }
});
