//! Where configurations come from, beside files: servers, with and without TLS; and what feature gates change.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Output};

use agent::kpulse;
use transport::{Answering, Chunks, HttpServerSettings, Response};

const GOOD: &str = "receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}\nexporters: {debug: }\n\
                    service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}";

/// Answers each connection's first request until the test process ends.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().for_each(|stream| answer(stream.unwrap())));
    address
}

fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    let found = |body: &str| format!("200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let moved = |to: &str| format!("302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
    let rest = match first.split(' ').nth(1).unwrap_or_default() {
        "/good.yaml?a=b" => found(GOOD),
        "/exporters" => found("{debug: }"),
        "/moved" => moved("/good.yaml?a=b"),
        "/circle" => moved("/circle"),
        "/text" => found("only text"),
        "/broken" => found("a: ["),
        "/cut" => "200 OK\r\ncontent-length: 100\r\n\r\na: 1".to_owned(),
        "/empty" => "204 No Content\r\n\r\n".to_owned(),
        _ => "404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
    };
    // Who hung up does not matter to the next.
    let _ = write!(stream, "HTTP/1.1 {rest}");
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_configuration_of_a_server_is_taken_also_behind_a_redirection_and_a_reference() {
    let server = server();
    for path in ["good.yaml?a=b", "moved"] {
        let output = kpulse(&["validate", "--config", &format!("http://{server}/{path}")]);
        assert!(output.status.success(), "{path}: {}", said(&output));
    }
    let exporters = format!("yaml:{}", GOOD.replace("{debug: }", &format!("'${{http://{server}/exporters}}'")));
    let output = kpulse(&["validate", "--config", &exporters]);
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn what_a_server_does_not_give_is_said() {
    let server = server();
    for (path, wanted) in [
        ("none", "cannot get http://ADDRESS/none: the answer is 404 Not Found, only 200 is taken"),
        ("empty", "the answer is 204 No Content"),
        ("circle", "stopped after 10 redirections"),
        ("text", "a configuration has to be a map, this is a string"),
        ("broken", "http://ADDRESS/broken"),
        ("cut", "cannot get http://ADDRESS/cut: "),
    ] {
        let output = kpulse(&["validate", "--config", &format!("http://{server}/{path}")]);
        let wanted = wanted.replace("ADDRESS", &server.to_string());
        assert_eq!(output.status.code(), Some(1));
        assert!(said(&output).contains(&wanted), "{path}: {}", said(&output));
    }
    for (uri, wanted) in [
        ("https://127.0.0.1:1/x".to_owned(), "cannot get https://127.0.0.1:1/x: "),
        ("http://127.0.0.1:1/x".to_owned(), "onnection refused"),
        ("http:nothing".to_owned(), "must be a URL"),
        ("ftp://host/x".to_owned(), "known are env, file, http, https, yaml"),
    ] {
        let output = kpulse(&["validate", "--config", &uri]);
        assert!(output.status.code() == Some(1) && said(&output).contains(wanted), "{uri}: {}", said(&output));
    }
}

#[tokio::test]
async fn a_server_with_tls_needs_a_certificate_that_the_machine_trusts() {
    let folder = std::env::temp_dir().join(format!("kpulse-sources-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&cert, own.cert.pem()).unwrap();
    std::fs::write(&key, own.signing_key.serialize_pem()).unwrap();
    let settings =
        format!("{{endpoint: 'localhost:0', tls: {{cert_file: '{}', key_file: '{}'}}}}", cert.display(), key.display());
    let node = config::parse(&settings, &"test".into()).unwrap();
    let settings: HttpServerSettings = pipeline::component::decode(&node, &mut config::Decoder::default());
    let server = settings.open().await.unwrap();
    let port = server.address().unwrap().port();
    let page = |_: transport::Request<transport::Incoming>, _: &std::sync::Arc<transport::Caller>| -> Answering {
        Box::pin(std::future::ready(Response::new(Chunks::new([GOOD.into()]))))
    };
    let serving = tokio::spawn(server.serve(std::sync::Arc::new(page), std::future::pending()));
    let validate = |trusted: Option<std::path::PathBuf>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kpulse"));
        command.args(["validate", "--config", &format!("https://localhost:{port}/")]);
        if let Some(file) = trusted {
            command.env("SSL_CERT_FILE", file);
        }
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    let strange = validate(None).await.unwrap();
    let known = validate(Some(cert)).await.unwrap();
    serving.abort();
    std::fs::remove_dir_all(folder).unwrap();
    assert!(strange.status.code() == Some(1) && said(&strange).contains("ertificate"), "{}", said(&strange));
    assert!(known.status.success(), "{}", said(&known));
}

#[test]
fn gates_of_the_collector_are_known_and_others_are_not() {
    let config = format!("yaml:{GOOD}");
    let validate = |gates: &str| kpulse(&["validate", "--config", &config, "--feature-gates", gates]);
    for gates in [
        "service.profilesSupport",
        "-service.profilesSupport,+pdata.useProtoPooling",
        "",
        "-filter.filterlog.useOTTLBridge",
    ] {
        assert!(validate(gates).status.success(), "{gates}");
    }
    for gates in ["foo", "service.profilesSupport,foo", "-foo"] {
        let output = validate(gates);
        assert!(output.status.code() == Some(1) && said(&output).contains("no such feature gate \"foo\""), "{gates}");
    }
    assert!(said(&validate("foo")).contains("telemetry.newPipelineTelemetry"));
}

#[test]
fn featuregate_shows_what_is_on() {
    let shown = |arguments: &[&str]| String::from_utf8(kpulse(&[&["featuregate"], arguments].concat()).stdout).unwrap();
    let table = shown(&["--feature-gates", "service.AllowNoPipelines"]);
    let row = |id: &str| table.lines().find(|line| line.starts_with(id)).unwrap().split_whitespace().nth(1).unwrap();
    assert_eq!(row("service.AllowNoPipelines"), "true");
    assert_eq!(row("service.profilesSupport"), "true");
    assert_eq!(row("confmap.enableMergeAppendOption"), "false");
    let one = shown(&["service.profilesSupport"]);
    assert!(one.starts_with("Feature: service.profilesSupport\nEnabled: true\nStage: Alpha\n"), "{one}");
    let output = kpulse(&["featuregate", "foo"]);
    assert!(output.status.code() == Some(1) && said(&output).contains("\"foo\""), "{}", said(&output));
}

#[test]
fn gates_change_what_they_name() {
    let print = |sources: &[&str]| String::from_utf8(kpulse(&[&["print-config"], sources].concat()).stdout).unwrap();
    let config = format!("yaml:{GOOD}");
    let filter = ["--config", &config, "--set", "processors.filter={}", "--set", "processors.transform={}"];
    let ignoring = print(&filter);
    assert_eq!(ignoring.matches("error_mode: ignore").count(), 2, "{ignoring}");
    let gates = "-processor.filter.defaultErrorModeIgnore,-processor.transform.defaultErrorModeIgnore";
    let propagating = print(&[&filter[..], &["--feature-gates", gates]].concat());
    assert_eq!(propagating.matches("error_mode: propagate").count(), 2, "{propagating}");

    let longer = [
        "--config",
        &config,
        "--set",
        "service.pipelines.traces.exporters=[debug/more]",
        "--set",
        "exporters.debug/more={}",
    ];
    let listed = |text: &str| text.contains("- debug\n      - debug/more");
    let appending = print(&[&longer[..], &["--feature-gates", "confmap.enableMergeAppendOption"]].concat());
    assert!(!listed(&print(&longer)) && listed(&appending), "{appending}");

    let bare = ["validate", "--config", "yaml:{extensions: {zpages: }, service: {extensions: [zpages]}}"];
    assert_eq!(kpulse(&bare).status.code(), Some(1));
    let output = kpulse(&[&bare[..], &["--feature-gates", "service.AllowNoPipelines"]].concat());
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn a_gate_without_effect_is_said_at_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = format!("yaml:{}", GOOD.replace("127.0.0.1:0", &taken.local_addr().unwrap().to_string()));
    let quiet = ["--config", &config, "--set", "service.telemetry.metrics.level=none"];
    let warned = |gates| said(&kpulse(&[&quiet[..], &["--feature-gates", gates]].concat()));
    let warning = "feature gate service.profilesSupport stays on: profiles are";
    assert!(warned("-service.profilesSupport").contains(warning), "{}", warned("-service.profilesSupport"));
    assert!(!warned("service.profilesSupport").contains("feature gate"));
}
