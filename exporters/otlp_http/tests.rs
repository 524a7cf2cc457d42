use std::sync::Arc;
use std::time::Duration;

use pipeline::component::{Exporter, ExporterConfig};
use pipeline::own_spans::{Sampling, Span, Who};
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::{Gauge, NumberDataPoint};
use pipeline::{Batch, Rejected, RejectedKind, Signal, Tasks};
use prost::Message;
use transport::{Compression, Headers, Status};

use super::{Config, Encoding};
use crate::otlp::{ExportResponse, PartialSuccess};
use crate::tests::server::{Reply, Server, headers};
use crate::tests::{attribute, context, metric, metrics};

fn batch() -> Batch {
    let gauge = Gauge { data_points: vec![NumberDataPoint::default(); 3] };
    metrics(vec![attribute("host.name", "h")], vec![metric("m", "1", Data::Gauge(gauge))])
}

fn proto(status: u16, message: &impl Message) -> Reply {
    Reply {
        status,
        headers: headers([("content-type", "application/x-protobuf")]),
        body: message.encode_to_vec(),
        ..Reply::default()
    }
}

async fn exporter(config: Config) -> Arc<dyn Exporter> {
    let exporter = config.build(context()).unwrap();
    exporter.start(&mut Tasks::default()).await.unwrap();
    exporter
}

async fn send(reply: Reply) -> Result<(), Rejected> {
    let server = Server::start(false, vec![reply]).await;
    let config = Config { endpoint: format!("http://{}/", server.address), ..Config::default() };
    exporter(config).await.send(batch()).await
}

#[tokio::test]
async fn a_batch_is_one_compressed_post_to_its_signals_path() {
    let server = Server::start(false, vec![Reply { status: 200, ..Reply::default() }]).await;
    let config = Config {
        endpoint: format!("http://{}/base/", server.address),
        compression: Compression::Zstd,
        headers: Headers::new([("X-Scope".into(), config::Opaque::new("7"))]),
        ..Config::default()
    };
    let (exporter, batch) = (exporter(config).await, batch());
    exporter.send(batch.clone()).await.unwrap();
    exporter.send(batch.clone()).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].path, "/base/v1/metrics");
    let header = |name: &str| seen[0].headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/x-protobuf");
    assert_eq!((header("content-encoding"), header("x-scope")), ("zstd".into(), "7".into()));
    assert!(header("user-agent").starts_with("kpulse/"));
    assert_eq!(batch.prepared().get("proto zstd").unwrap(), seen[0].body, "the body is kept for the next attempt");
    assert_eq!(seen[0].body, seen[1].body);
}

#[tokio::test]
async fn json_is_an_encoding_and_a_signal_may_have_its_own_url() {
    let server = Server::start(false, vec![Reply { status: 200, ..Reply::default() }]).await;
    let config = Config {
        metrics_endpoint: format!("http://{}/own", server.address),
        encoding: Encoding::Json,
        compression: Compression::None,
        ..Config::default()
    };
    let exporter = exporter(config).await;
    exporter.send(batch()).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!((seen.path.as_str(), &seen.headers["content-type"]), ("/own", &"application/json".parse().unwrap()));
    assert!(seen.body.starts_with(b"{\"resourceMetrics\""));
    let logs = Batch::received(Signal::Logs, bytes::Bytes::new(), Arc::default()).unwrap();
    let rejected = exporter.send(logs).await.unwrap_err();
    assert_eq!(rejected.reason, "neither endpoint nor logs_endpoint is set");
}

#[tokio::test]
async fn an_overloaded_server_says_how_long_to_wait() {
    let reply = Reply { status: 429, headers: headers([("retry-after", "13")]), ..Reply::default() };
    let rejected = send(reply).await.unwrap_err();
    assert_eq!((rejected.kind, rejected.retry_after), (RejectedKind::Retryable, Some(Duration::from_secs(13))));
    let late = httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(60));
    let rejected = send(Reply { status: 503, headers: headers([("retry-after", &late)]), ..Reply::default() }).await;
    let wait = rejected.unwrap_err().retry_after.unwrap().as_secs();
    assert!((57..=60).contains(&wait), "{wait}");
}

#[tokio::test]
async fn some_failures_pass_and_the_others_are_final_in_the_servers_words() {
    for (status, kind) in [
        (502, RejectedKind::Retryable),
        (503, RejectedKind::Retryable),
        (504, RejectedKind::Retryable),
        (400, RejectedKind::Permanent),
        (408, RejectedKind::Permanent),
        (500, RejectedKind::Permanent),
        (302, RejectedKind::Permanent),
    ] {
        let said = Status { message: "no room".into(), ..Status::default() };
        let rejected = send(proto(status, &said)).await.unwrap_err();
        assert_eq!(rejected.kind, kind, "{status}");
        let wanted = format!("/v1/metrics responded with HTTP Status Code {status}, Message=no room");
        assert!(rejected.reason.ends_with(&wanted), "{}", rejected.reason);
    }
}

#[tokio::test]
async fn a_partial_success_is_a_success_whose_rest_is_counted() {
    let partial_success = Some(PartialSuccess { rejected: 2, error_message: "too old".into() });
    let json = r#"{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"too old"}}"#;
    let as_json = Reply {
        status: 200,
        headers: headers([("content-type", "application/json; charset=utf-8")]),
        body: json.into(),
        ..Reply::default()
    };
    for reply in [proto(200, &ExportResponse { partial_success }), as_json] {
        let server = Server::start(false, vec![reply]).await;
        let (config, cx) = (Config { endpoint: format!("http://{}", server.address), ..Config::default() }, context());
        let exporter = config.build(cx.clone()).unwrap();
        exporter.start(&mut Tasks::default()).await.unwrap();
        exporter.send(batch()).await.unwrap();
        let mut text = Vec::new();
        Batch::new(cx.telemetry.snapshot().unwrap(), Arc::default()).write_json(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("kpulse_exporter_rejected_items") && text.contains(r#""asInt":"2""#), "{text}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_final() {
    let mut reply = proto(200, &Status::default());
    reply.body = vec![0xff];
    assert_eq!(send(reply).await.unwrap_err().kind, RejectedKind::Permanent);
}

#[tokio::test]
async fn a_broken_or_refused_connection_may_pass() {
    let broken = Reply { status: 200, body: vec![b' '; 9], breaks: true, ..Reply::default() };
    assert_eq!(send(broken).await.unwrap_err().kind, RejectedKind::Retryable);
    let config = Config { endpoint: "http://127.0.0.1:1".into(), ..Config::default() };
    let rejected = exporter(config).await.send(batch()).await.unwrap_err();
    assert_eq!(rejected.kind, RejectedKind::Retryable);
    assert!(rejected.reason.contains("refused"), "{}", rejected.reason);
}

#[tokio::test]
async fn the_server_is_told_the_span_only_while_that_is_wanted() {
    let server = Server::start(false, vec![Reply { status: 200, ..Reply::default() }]).await;
    let config = Config { endpoint: format!("http://{}", server.address), ..Config::default() };
    let cx = context();
    let (telemetry, who) = (cx.telemetry.clone(), Who::new("x", "exporter", Signal::Metrics));
    let exporter = config.build(cx).unwrap();
    exporter.start(&mut Tasks::default()).await.unwrap();
    let (spans, _taken) = tokio::sync::mpsc::channel(9);
    let dropped = telemetry.items("dropped".into(), "", Vec::new());
    for propagates in [false, true] {
        let taker = pipeline::Taker { items: spans.clone(), dropped: dropped.clone() };
        telemetry.tracer().send_to(vec![taker], Sampling::default(), propagates);
        let span = telemetry.tracer().begin(&who, || "export".into(), &Span::default());
        exporter.send(batch().under(&span)).await.unwrap();
        let told =
            server.seen().pop().unwrap().headers.get("traceparent").map(|text| text.to_str().unwrap().to_owned());
        assert_eq!(told, span.span().context().filter(|_| propagates).map(|context| context.to_string()));
    }
}

/// A proxy for whoever says the right word: it connects, or passes requests on. What it was asked for.
async fn proxy(login: &'static str) -> (std::net::SocketAddr, Arc<std::sync::Mutex<Vec<String>>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::<std::sync::Mutex<Vec<String>>>::default());
    let asks = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            if !head.to_lowercase().contains(&format!("proxy-authorization: basic {login}\r\n").to_lowercase()) {
                let answer = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
                client.write_all(answer).await.unwrap();
                // Closing before all is read would take the answer away.
                tokio::spawn(async move { drop(tokio::io::copy(&mut client, &mut tokio::io::sink()).await) });
                continue;
            }
            let (method, rest) = head.split_once(' ').unwrap();
            let target = rest.split(' ').next().unwrap();
            asks.lock().unwrap().push(format!("{method} {target}"));
            let name = target.strip_prefix("http://").map_or(target, |url| url.split('/').next().unwrap());
            let mut server = tokio::net::TcpStream::connect(name).await.unwrap();
            match method {
                "CONNECT" => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap(),
                _ => server.write_all(head.replacen(&format!("http://{name}"), "", 1).as_bytes()).await.unwrap(),
            }
            tokio::spawn(async move { drop(tokio::io::copy_bidirectional(&mut client, &mut server).await) });
        }
    });
    (address, asked)
}

#[tokio::test]
async fn requests_go_through_the_proxy_and_its_refusal_is_told() {
    let server = Server::start(false, vec![Reply { status: 200, ..Reply::default() }]).await;
    // me:se:cret
    let (proxy, asked) = proxy("bWU6c2U6Y3JldA==").await;
    let config = |login: &str| Config {
        endpoint: format!("http://{}", server.address),
        proxy_url: format!("http://{login}{proxy}"),
        ..Config::default()
    };
    exporter(config("me:se%3Acret@")).await.send(batch()).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), [format!("POST http://{}/v1/metrics", server.address)]);
    assert_eq!(server.seen().len(), 1);
    let refused = exporter(config("")).await.send(batch()).await.unwrap_err();
    assert_eq!(refused.kind, RejectedKind::Permanent);
    assert!(refused.reason.contains("407"), "{}", refused.reason);
}

#[tokio::test]
async fn what_is_secret_goes_through_a_tunnel_of_the_proxy() {
    let (proxy, asked) = proxy("bWU6c2VjcmV0").await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    let config = |login: &str| Config {
        endpoint: format!("https://{address}"),
        proxy_url: format!("http://{login}{proxy}"),
        ..Config::default()
    };
    let talk = tokio::spawn(async move { drop(closed.accept().await.unwrap()) });
    exporter(config("me:secret@")).await.send(batch()).await.unwrap_err();
    talk.await.unwrap();
    assert_eq!(*asked.lock().unwrap(), [format!("CONNECT {address}")]);
    let refused = exporter(config("")).await.send(batch()).await.unwrap_err();
    assert_eq!(refused.kind, RejectedKind::Retryable);
    assert!(refused.reason.contains("407 Proxy Authentication Required"), "{}", refused.reason);
    assert!(!refused.reason.contains("secret"));
}

#[test]
fn an_authenticator_that_is_not_there_is_told_when_the_exporter_is_built() {
    let auth = transport::ClientAuth { authenticator: "basic_auth".into() };
    let config = Config { endpoint: "http://localhost".into(), auth: config::Section::On(auth), ..Config::default() };
    let Err(error) = config.build(context()) else { panic!("built") };
    assert!(error.to_string().contains("auth::authenticator: extension \"basic_auth\" is not in"), "{error}");
}

#[tokio::test]
async fn a_server_that_has_moved_is_followed_and_told_no_secrets_if_it_is_another() {
    let there = Server::start(false, vec![Reply { status: 200, ..Reply::default() }]).await;
    let moved =
        |status: u16, place: &str| Reply { status, headers: headers([("location", place)]), ..Reply::default() };
    let elsewhere = format!("http://localhost:{}/there", there.address.port());
    let here = Server::start(false, vec![moved(307, "/other?x=1"), moved(308, &elsewhere)]).await;
    let config = Config {
        endpoint: format!("http://{}", here.address),
        headers: Headers::new([("Authorization".into(), config::Opaque::new("secret"))]),
        ..Config::default()
    };
    exporter(config).await.send(batch()).await.unwrap();
    let paths: Vec<_> = here.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/v1/metrics", "/other"]);
    let (first, last) = (&here.seen()[0], &there.seen()[0]);
    assert_eq!((&last.path[..], &last.body), ("/there", &first.body));
    assert!(first.headers.contains_key("authorization") && !last.headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_server_that_sends_round_in_circles_is_left() {
    let round = Reply { status: 307, headers: headers([("location", "/v1/metrics")]), ..Reply::default() };
    let server = Server::start(false, vec![round]).await;
    let config = Config { endpoint: format!("http://{}", server.address), ..Config::default() };
    assert_eq!(exporter(config).await.send(batch()).await.unwrap_err().kind, RejectedKind::Permanent);
    assert_eq!(server.seen().len(), 11);
}

#[tokio::test]
async fn who_a_url_says_and_a_content_type_of_ones_own_are_sent_and_a_header_wins() {
    let server = Server::start(false, vec![Reply { status: 400, ..Reply::default() }]).await;
    let named = [("Content-Type".into(), config::Opaque::new("application/own"))];
    let with = [("Authorization".into(), config::Opaque::new("mine"))];
    for headers in [Headers::new(named), Headers::new(with)] {
        let config = Config { endpoint: format!("http://u:p@{}", server.address), headers, ..Config::default() };
        let rejected = exporter(config).await.send(batch()).await.unwrap_err();
        assert!(!rejected.reason.contains("u:p"), "{rejected}");
    }
    let said = |index: usize, name: &str| server.seen()[index].headers[name].to_str().unwrap().to_owned();
    assert_eq!((said(0, "authorization"), said(0, "content-type")), ("Basic dTpw".into(), "application/own".into()));
    assert_eq!(said(1, "authorization"), "mine");
    assert_eq!(said(1, "host"), server.address.to_string());
}
