use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use pipeline::component::{Exporter, ExporterConfig};
use pipeline::{Batch, Rejected, RejectedKind, Signal, Tasks};
use prost::Message;
use transport::{Compression, Headers, Status, TlsSettings};

use super::{Config, frame};
use crate::otlp::{ExportResponse, PartialSuccess};
use crate::tests::context;
use crate::tests::server::{Reply, Server, headers};

fn batch() -> Batch {
    let text = br#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityText":"INFO"},{}]}]}]}"#;
    let wire = pipeline::otlp::json::read(&pipeline::otlp::schema::LOGS_REQUEST, text).unwrap();
    Batch::received(Signal::Logs, wire.into(), Arc::default()).unwrap()
}

fn config(server: &Server) -> Config {
    let tls = TlsSettings { insecure: true, ..TlsSettings::default() };
    Config { endpoint: server.address.to_string(), tls, ..Config::default() }
}

async fn exporter(config: Config) -> Arc<dyn Exporter> {
    let exporter = config.build(context()).unwrap();
    exporter.start(&mut Tasks::default()).await.unwrap();
    exporter
}

async fn send(reply: Reply) -> Result<(), Rejected> {
    let server = Server::start(true, vec![reply]).await;
    exporter(config(&server)).await.send(batch()).await
}

fn taken(response: &ExportResponse) -> Reply {
    let message = response.encode_to_vec();
    let mut body = vec![0, 0, 0, 0, message.len() as u8];
    body.extend(message);
    let trailers = Some(headers([("grpc-status", "0")]));
    Reply { status: 200, headers: headers([("content-type", "application/grpc")]), body, trailers, ..Reply::default() }
}

fn refused(code: &str) -> Reply {
    let trailers = Some(headers([("grpc-status", code), ("grpc-message", "no%20room")]));
    Reply { status: 200, trailers, ..Reply::default() }
}

#[tokio::test]
async fn a_batch_is_one_compressed_message_to_its_signals_method() {
    let server = Server::start(true, vec![taken(&ExportResponse::default())]).await;
    exporter(config(&server)).await.send(batch()).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.path, "/opentelemetry.proto.collector.logs.v1.LogsService/Export");
    let header = |name: &str| seen.headers[name].to_str().unwrap();
    assert_eq!((header("content-type"), header("te")), ("application/grpc", "trailers"));
    assert_eq!((header("grpc-encoding"), header("grpc-timeout")), ("gzip", "5000m"));
    assert_eq!(seen.body[0], 1, "the flag of a compressed message");
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&seen.body[5..]).read_to_end(&mut plain).unwrap();
    assert_eq!(plain, batch().encode());
}

#[tokio::test]
async fn codes_say_whether_a_failure_may_pass() {
    for code in 1..=17 {
        let rejected = send(refused(&code.to_string())).await.unwrap_err();
        let passes = [1, 4, 10, 11, 14, 15].contains(&code);
        let kind = if passes { RejectedKind::Retryable } else { RejectedKind::Permanent };
        assert_eq!(rejected.kind, kind, "{code}");
        assert!(rejected.reason.ends_with(": no room"), "{}", rejected.reason);
    }
}

#[tokio::test]
async fn an_exhausted_server_is_tried_again_only_when_it_says_when() {
    let status = Status::with_delay(8, "", Duration::from_millis(2500)).encode_to_vec();
    let details = base64::engine::general_purpose::STANDARD_NO_PAD.encode(status);
    let trailers = Some(headers([("grpc-status", "8"), ("grpc-status-details-bin", &details)]));
    let rejected = send(Reply { status: 200, trailers, ..Reply::default() }).await.unwrap_err();
    assert_eq!((rejected.kind, rejected.retry_after), (RejectedKind::Retryable, Some(Duration::from_millis(2500))));
}

#[tokio::test]
async fn a_status_may_come_without_a_body_and_a_proxy_may_answer_instead() {
    let at_once = Reply { status: 200, headers: headers([("grpc-status", "3")]), ..Reply::default() };
    assert_eq!(send(at_once).await.unwrap_err().reason, "INVALID_ARGUMENT: ");
    let proxy = send(Reply { status: 503, ..Reply::default() }).await.unwrap_err();
    assert_eq!((proxy.kind, proxy.reason.as_ref()), (RejectedKind::Retryable, "UNAVAILABLE: 503 Service Unavailable"));
}

#[tokio::test]
async fn a_partial_success_is_a_success() {
    let partial_success = Some(PartialSuccess { rejected: 1, error_message: "too old".into() });
    send(taken(&ExportResponse { partial_success })).await.unwrap();
}

#[tokio::test]
async fn a_server_may_compress_its_answer_as_the_request_was() {
    let mut reply = taken(&ExportResponse::default());
    for (encoding, compression) in [("gzip", Compression::Gzip), ("zstd", Compression::Zstd)] {
        let message = compression.compress(bytes::Bytes::new()).unwrap();
        reply.headers.insert("grpc-encoding", encoding.parse().unwrap());
        reply.body = [&[1, 0, 0, 0, message.len() as u8], message.as_ref()].concat();
        send(reply.clone()).await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_breaks_or_cannot_be_made_may_pass() {
    let broken = Reply { status: 200, body: vec![0; 3], breaks: true, ..Reply::default() };
    let rejected = send(broken).await.unwrap_err();
    assert!(rejected.kind == RejectedKind::Retryable && rejected.reason.starts_with("UNAVAILABLE: "));
    let tls = TlsSettings { insecure: true, ..TlsSettings::default() };
    let dead = Config { endpoint: "127.0.0.1:1".into(), tls, ..Config::default() };
    assert_eq!(exporter(dead).await.send(batch()).await.unwrap_err().kind, RejectedKind::Retryable);
}

#[test]
fn a_response_is_one_whole_message() {
    let read = |bytes: &'static [u8]| frame::response(&bytes.into(), "");
    assert_eq!(read(&[0, 0, 0, 0, 2, 7, 8]).unwrap().as_ref(), [7, 8]);
    for bad in [&[][..], &[0, 0, 0], &[1, 0, 0, 0, 0], &[2, 0, 0, 0, 0], &[0, 0, 0, 0, 2, 7], &[0, 0, 0, 0, 0, 7]] {
        assert!(read(bad).is_err(), "{bad:?}");
    }
}

#[tokio::test]
async fn another_authority_and_agent_are_said_and_the_endpoint_is_connected_to() {
    let server = Server::start(true, vec![taken(&ExportResponse::default())]).await;
    let config = Config {
        authority: "collector.example".into(),
        user_agent: "shop/1".into(),
        compression: Compression::Snappy,
        ..config(&server)
    };
    exporter(config).await.send(batch()).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.headers["user-agent"], "shop/1");
    assert_eq!(seen.authority.as_deref(), Some("collector.example"));
    assert_eq!(seen.headers["grpc-encoding"], "snappy");
    let mut plain = Vec::new();
    snap::read::FrameDecoder::new(&seen.body[5..]).read_to_end(&mut plain).unwrap();
    assert_eq!(plain, batch().encode());
}

#[tokio::test]
async fn headers_whose_names_end_in_bin_are_sent_as_base64() {
    let server = Server::start(true, vec![taken(&ExportResponse::default())]).await;
    let own = [("X-Own-Bin", "a?>b"), ("x-own", "a?>b")].map(|(name, value)| (name.into(), config::Opaque::new(value)));
    exporter(Config { headers: Headers::new(own), ..config(&server) }).await.send(batch()).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(
        (&seen.headers["x-own-bin"], &seen.headers["x-own"]),
        (&"YT8+Yg".parse().unwrap(), &"a?>b".parse().unwrap())
    );
}
