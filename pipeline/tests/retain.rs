//! Dropping items on the wire form.

use std::sync::Arc;

use prost::Message;

use crate::proto::trace::v1::Span;
use crate::proto::{LogsRequest, TracesRequest};
use crate::*;

const TRACES: &str = r#"{"resourceSpans":[
  {"resource":{"attributes":[{"key":"a"}]},"scopeSpans":[{"scope":{"name":"s"},"spans":[{"name":"one"},{"name":"two"}]},
    {"scope":{"name":"t"},"spans":[{"name":"three"}]}],"schemaUrl":"u"},
  {"scopeSpans":[{"spans":[{"name":"three"}]}]}]}"#;

fn traces() -> Batch {
    let bytes = otlp::json::read(Signal::Traces.schema(), TRACES.as_bytes()).unwrap();
    Batch::received(Signal::Traces, bytes.into(), Arc::default()).unwrap()
}

#[test]
fn what_stays_is_as_it_was_written_and_what_is_empty_goes() {
    let mut batch = traces();
    batch.prepared().keep("gzip", bytes::Bytes::new());
    let outcome = batch.retain_items(|content, out| {
        let mut span = Span::decode(content)?;
        span.name.push('!');
        span.encode(out).unwrap();
        Ok(span.name != "three!")
    });
    assert_eq!((outcome, batch.items(), batch.prepared().get("gzip")), (Ok(()), 2, None));
    let request = batch.read::<TracesRequest>().unwrap().unwrap();
    assert_eq!(request.resource_spans.len(), 1);
    assert_eq!(request.resource_spans[0].schema_url, "u");
    assert_eq!(request.resource_spans[0].scope_spans.len(), 1);
    let names: Vec<_> = request.resource_spans[0].scope_spans[0].spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["one!", "two!"]);
}

#[test]
fn a_batch_may_become_empty_and_a_failure_leaves_it_as_it_was() {
    let mut batch = traces();
    batch.retain_items(|_, _| Ok(false)).unwrap();
    assert_eq!((batch.items(), batch.encode().len()), (0, 0));
    let mut batch = traces();
    let before = batch.encode();
    let outcome = batch.retain_items(|_, _| Err(otlp::wire::Fault::Truncated.into()));
    assert_eq!((outcome.unwrap_err().to_string(), batch.encode()), ("cannot decode: truncated".into(), before));
}

#[test]
fn structs_that_were_built_here_can_be_dropped_too() {
    let mut batch = super::batches::logs(3);
    let mut seen = 0;
    batch
        .retain_items(|content, out| {
            out.extend_from_slice(content);
            seen += 1;
            Ok(seen != 2)
        })
        .unwrap();
    assert_eq!(batch.items(), 2);
    assert_eq!(batch.read::<LogsRequest>().unwrap().unwrap().resource_logs[0].scope_logs[0].log_records.len(), 2);
}
