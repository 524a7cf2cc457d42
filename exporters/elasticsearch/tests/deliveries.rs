use std::sync::Arc;
use std::time::Duration;

use pipeline::component::{BuildContext, Exporter, ExporterConfig};
use pipeline::proto::LogsRequest;
use pipeline::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use pipeline::{Batch, Origin, Rejected, RejectedKind, Tasks};
use serde_json::{Value, json};
use transport::{Compression, ContentEncoding};

use crate::elasticsearch::settings::{Config, Flush, Switch};
use crate::tests::server::{Reply, Seen, Server, headers};
use crate::tests::{attribute, context};

fn logs(ids: &[&str]) -> Batch {
    let record =
        |id: &&str| LogRecord { attributes: vec![attribute("elasticsearch.document_id", id)], ..LogRecord::default() };
    let scope_logs = vec![ScopeLogs { log_records: ids.iter().map(record).collect(), ..ScopeLogs::default() }];
    let resource_logs = vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }];
    Batch::new(LogsRequest { resource_logs }, Arc::new(Origin::default()))
}

fn answer(statuses: &[u16]) -> Reply {
    let item = |status: &u16| match status {
        200..300 => json!({"create": {"_index": "i", "status": status}}),
        _ => json!({"create": {"_index": "i", "status": status, "error": {"type": "kind", "reason": "because"}}}),
    };
    let items: Vec<_> = statuses.iter().map(item).collect();
    Reply { status: 200, body: json!({ "items": items }).to_string().into(), ..Reply::default() }
}

fn refusal(status: u16) -> Reply {
    let body = json!({"error": {"type": "kind", "reason": "because"}, "status": status});
    Reply { status, body: body.to_string().into(), ..Reply::default() }
}

struct Rig {
    server: Server,
    exporter: Arc<dyn Exporter>,
    cx: BuildContext,
}

impl Rig {
    async fn new(replies: Vec<Reply>, config: Config) -> Self {
        let server = Server::start(false, replies).await;
        let (endpoint, cx) = (format!("http://{}", server.address), context());
        let config = Config { endpoint, logs_dynamic_id: Switch { enabled: true }, ..config };
        let exporter = config.build(cx.clone()).unwrap();
        exporter.start(&mut Tasks::default()).await.unwrap();
        Self { server, exporter, cx }
    }

    async fn plain(replies: Vec<Reply>) -> Self {
        Self::new(replies, Config { compression: Compression::None, ..Config::default() }).await
    }

    /// The ids of the documents in each request.
    fn seen(&self) -> Vec<String> {
        self.server.seen().iter().map(|seen| ids(&seen.body)).collect()
    }

    fn has_counted(&self, name: &str, label: &str, value: u64) -> bool {
        let mut text = Vec::new();
        let batch = Batch::new(self.cx.telemetry.snapshot().unwrap(), Arc::default());
        batch.write_json(&mut text).unwrap();
        let tree: Value = serde_json::from_slice(&text).unwrap();
        let metrics = tree["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap().clone();
        let metric = metrics.iter().find(|metric| metric["name"] == name);
        let points = metric.map(|metric| metric["sum"]["dataPoints"].as_array().unwrap().clone()).unwrap_or_default();
        let value = Value::String(value.to_string());
        points.iter().any(|point| point.to_string().contains(label) && point["asInt"] == value)
    }
}

fn ids(body: &[u8]) -> String {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let actions = text.lines().step_by(2).map(|line| serde_json::from_str::<Value>(line).unwrap());
    actions.map(|action| action["create"]["_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
}

fn items(rejected: &Rejected) -> Option<u32> {
    rejected.rest.as_ref().map(Batch::items)
}

#[tokio::test]
async fn a_batch_is_one_compressed_request_with_the_users_credentials() {
    let config = Config { user: "u".into(), password: config::Opaque::new("p"), ..Config::default() };
    let rig = Rig::new(vec![answer(&[201, 201])], config).await;
    rig.exporter.send(logs(&["a", "b"])).await.unwrap();
    let Seen { path, headers, body, .. } = rig.server.seen().remove(0);
    assert_eq!(path, "/_bulk");
    assert_eq!(
        (&headers["authorization"], &headers["content-type"]),
        (&"Basic dTpw".parse().unwrap(), &"application/x-ndjson".parse().unwrap())
    );
    assert_eq!(ids(&ContentEncoding::Gzip.decompress(&body, 9999).unwrap()), "a b");
    assert!(rig.has_counted("otelcol_elasticsearch_docs_processed", "success", 2));
}

#[tokio::test]
async fn an_api_key_wins_over_a_password() {
    let config = Config { api_key: config::Opaque::new("k"), user: "u".into(), ..Config::default() };
    let rig = Rig::new(vec![answer(&[201])], config).await;
    rig.exporter.send(logs(&["a"])).await.unwrap();
    assert_eq!(rig.server.seen()[0].headers["authorization"], "ApiKey k");
}

#[tokio::test]
async fn only_documents_that_may_be_taken_later_are_sent_again() {
    let rig = Rig::plain(vec![answer(&[201, 429, 400, 503]), answer(&[429, 201]), answer(&[201])]).await;
    let rejected = rig.exporter.send(logs(&["a", "b", "c", "d"])).await.unwrap_err();
    assert_eq!((rejected.kind, items(&rejected)), (RejectedKind::Retryable, Some(2)));
    let rejected = rig.exporter.send(rejected.rest.unwrap()).await.unwrap_err();
    assert_eq!(items(&rejected), Some(1));
    rig.exporter.send(rejected.rest.unwrap()).await.unwrap();
    assert_eq!(rig.seen(), ["a b c d", "b d", "b"]);
    assert!(rig.has_counted("kpulse_exporter_rejected_items", "kind", 1));
}

#[tokio::test]
async fn what_is_left_of_a_batch_is_right_also_when_it_is_made_anew() {
    let rig = Rig::plain(vec![answer(&[201, 429, 429])]).await;
    let rejected = rig.exporter.send(logs(&["a", "b", "c"])).await.unwrap_err();
    let mut rest = rejected.rest.unwrap();
    let request = rest.read::<LogsRequest>().unwrap().unwrap();
    let left = request.resource_logs[0].scope_logs[0].log_records.iter();
    let left: Vec<_> = left.map(|record| format!("{:?}", record.attributes)).collect();
    assert!(left.len() == 2 && left[0].contains("\"b\"") && left[1].contains("\"c\""), "{left:?}");
}

#[tokio::test]
async fn requests_are_bounded_and_one_that_failed_does_not_bring_back_those_before() {
    let config =
        Config { compression: Compression::None, flush: Flush { bytes: 10, ..Flush::default() }, ..Config::default() };
    let rig = Rig::new(vec![answer(&[201]), refusal(503), answer(&[201])], config).await;
    let rejected = rig.exporter.send(logs(&["a", "b", "c"])).await.unwrap_err();
    assert_eq!((rejected.kind, items(&rejected)), (RejectedKind::Retryable, Some(2)));
    assert_eq!(rejected.reason, "bulk request responded with HTTP Status Code 503: kind: because");
    rig.exporter.send(rejected.rest.unwrap()).await.unwrap();
    assert_eq!(rig.seen(), ["a", "b", "b", "c"]);
}

#[tokio::test]
async fn a_request_that_is_too_large_is_sent_as_two_down_to_one_document() {
    let rig = Rig::plain(vec![refusal(413), refusal(413), answer(&[201]), refusal(413), answer(&[201, 201])]).await;
    rig.exporter.send(logs(&["a", "b", "c", "d"])).await.unwrap();
    assert_eq!(rig.seen(), ["a b c d", "a b", "a", "b", "c d"]);
    assert!(rig.has_counted("kpulse_exporter_rejected_items", "document_too_large", 1));
}

#[tokio::test]
async fn a_duplicate_is_an_error_only_where_the_document_was_not_sent_before() {
    let lost = Reply { status: 200, body: vec![b' '; 9], breaks: true, ..Reply::default() };
    let rig = Rig::plain(vec![answer(&[409]), lost, answer(&[409, 201])]).await;
    rig.exporter.send(logs(&["x"])).await.unwrap();
    assert!(rig.has_counted("kpulse_exporter_rejected_items", "kind", 1));
    let batch = logs(&["a", "b"]);
    assert_eq!(rig.exporter.send(batch.clone()).await.unwrap_err().kind, RejectedKind::Retryable);
    rig.exporter.send(batch).await.unwrap();
    assert!(rig.has_counted("kpulse_exporter_rejected_items", "kind", 1));
    assert!(rig.has_counted("otelcol_elasticsearch_docs_processed", "success", 2));
}

#[tokio::test]
async fn a_refused_user_is_final_and_an_overloaded_server_says_how_long_to_wait() {
    let waits = Reply { headers: headers([("retry-after", "13")]), ..refusal(429) };
    let rig = Rig::plain(vec![refusal(401), waits, answer(&[201])]).await;
    let rejected = rig.exporter.send(logs(&["a"])).await.unwrap_err();
    assert_eq!((rejected.kind, items(&rejected)), (RejectedKind::Permanent, None));
    let rejected = rig.exporter.send(logs(&["a"])).await.unwrap_err();
    assert_eq!((rejected.kind, rejected.retry_after), (RejectedKind::Retryable, Some(Duration::from_secs(13))));
}

#[tokio::test]
async fn an_answer_about_other_documents_is_final() {
    let rig = Rig::plain(vec![answer(&[201])]).await;
    let rejected = rig.exporter.send(logs(&["a", "b"])).await.unwrap_err();
    assert_eq!(rejected.kind, RejectedKind::Permanent);
    assert!(rejected.reason.ends_with("its answer has 1 items for 2 documents"), "{}", rejected.reason);
}

#[tokio::test]
async fn another_node_answers_for_one_that_is_down() {
    let server = Server::start(false, vec![answer(&[201])]).await;
    let endpoints = vec!["http://127.0.0.1:1".into(), format!("http://{}", server.address)];
    let config = Config { endpoints, ..Config::default() };
    let exporter = config.build(context()).unwrap();
    exporter.start(&mut Tasks::default()).await.unwrap();
    for _ in 0..3 {
        exporter.send(logs(&["a"])).await.unwrap();
    }
    assert_eq!(server.seen().len(), 3);
}
