//! What kpulse shows of itself on request: profiles and pages.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;

use std::net::{SocketAddr, TcpListener};

use agent::{Agent, free_port, get, kpulse};

const OTLP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/otlp/pipeline.yaml");

#[test]
fn pages_tell_what_runs_also_after_a_reload() {
    let address = free_port();
    let zpages = format!("extensions.zpages={{endpoint: '{address}', expvar: {{enabled: true}}}}");
    let mut agent = Agent::start_with(OTLP, &[&zpages, "service.extensions=[zpages]"]);
    for page in ["servicez", "pipelinez", "extensionz", "featurez", "expvarz"] {
        assert_eq!(get(address, &format!("/debug/{page}")).unwrap().0, 200, "{page}");
    }
    assert!(get(address, "/debug/pipelinez").unwrap().1.contains("<td>profiles</td>"));
    let (status, text) = get(address, "/debug/tracez").unwrap();
    assert!(status == 404 && text.contains("service::telemetry::traces has no processors"), "{text}");
    agent.rewrite("processors: {batch: }\nservice: {pipelines: {logs: {processors: [batch]}}}");
    let wanted = "<td>otlp</td><td>batch</td><td>file</td>";
    agent.wait_for("the new pipeline", |_| get(address, "/debug/pipelinez").unwrap().1.contains(wanted));
}

#[test]
fn a_port_in_use_is_a_start_error_of_the_extension() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for extension in ["pprof", "zpages"] {
        let settings = [
            format!("extensions.{extension}={{endpoint: '{address}'}}"),
            format!("service.extensions=[{extension}]"),
            "exporters.file.path=/dev/null".into(),
            "service.telemetry.metrics.level=none".into(),
        ];
        let arguments: Vec<&str> =
            ["--config", OTLP].into_iter().chain(settings.iter().flat_map(|setting| ["--set", setting])).collect();
        let output = kpulse(&arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("cannot start extension {extension}: cannot listen on {address}")), "{said}");
    }
}

/// The spans on standard output.
fn own_spans(agent: &Agent) -> Vec<serde_json::Value> {
    let output = agent.output();
    let lines = output.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let scopes = lines.flat_map(|line| line["resourceSpans"][0]["scopeSpans"].as_array().cloned().unwrap_or_default());
    scopes.flat_map(|scope| scope["spans"].as_array().cloned().unwrap_or_default()).collect()
}

fn post(to: SocketAddr, header: &str) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(to).unwrap();
    let body = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}},{}]}]}]}"#;
    write!(
        stream,
        "POST /v1/logs HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{header}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn own_spans_follow_a_request_and_go_on_with_the_senders_trace() {
    let address = free_port();
    let mut agent = Agent::start_with(
        OTLP,
        &[
            &format!("extensions.zpages={{endpoint: '{address}'}}"),
            "service.extensions=[zpages]",
            "processors.resource={attributes: [{key: a, value: b, action: upsert}]}",
            "service.pipelines.logs.processors=[resource]",
            "service.telemetry.traces={propagators: [tracecontext], processors: [{simple: {exporter: {console: }}}]}",
        ],
    );
    let trace = "0af7651916cd43dd8448eb211c80319c";
    post(agent::address(&agent, "http"), &format!("traceparent: 00-{trace}-b7ad6b7169203331-01\r\n"));
    agent.wait_for("both spans", |agent| own_spans(agent).len() >= 2);
    let spans = own_spans(&agent);
    let named = |name: &str| spans.iter().find(|span| span["name"] == name).unwrap_or_else(|| panic!("{spans:#?}"));
    let (receive, export) = (named("receiver/otlp/LogsReceived"), named("exporter/file/logs"));
    assert_eq!((&receive["traceId"], &receive["parentSpanId"]), (&trace.into(), &"b7ad6b7169203331".into()));
    assert_eq!((&export["traceId"], &export["parentSpanId"]), (&trace.into(), &receive["spanId"]));
    assert_eq!(receive["events"][1]["name"], "End processing.");
    assert_eq!(agent::attribute(receive, "accepted_log_records"), "2");
    assert_eq!(agent::attribute(export, "items.sent"), "2");
    let (status, page) = get(address, "/debug/tracez").unwrap();
    assert!(status == 200 && page.contains("<td>exporter/file/logs</td><td>1</td><td>0</td>"), "{page}");
    agent.rewrite("service: {telemetry: {logs: {level: debug}}}");
    agent.wait_for("the reload", |agent| agent.errors().contains("Config is the same"));
    post(agent::address(&agent, "http"), "");
    agent.wait_for("two more", |agent| own_spans(agent).len() >= 4);
    let last = own_spans(&agent).pop().unwrap();
    assert_ne!(last["traceId"], trace);
}

mod kernel {
    use std::io::Read;
    use std::net::TcpStream;
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// The uncompressed body of an answer.
    fn profile(address: SocketAddr, path: &str) -> Vec<u8> {
        use std::io::Write;
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(agent::PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
        unpacked(&answer[end + 4..])
    }

    fn unpacked(bytes: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
        plain
    }

    fn has(profile: &[u8], text: &str) -> bool {
        profile.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// What `go tool pprof` makes of a file, where Go is installed.
    fn read_by_go(file: &Path) -> Option<String> {
        let output = Command::new("timeout").args(["60", "go", "tool", "pprof", "-top"]).arg(file).output().ok()?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code() != Some(127)).then(|| {
            assert!(output.status.success(), "{said}");
            said
        })
    }

    #[test]
    fn its_own_cpu_time_and_memory_can_be_read_by_pprof() {
        let address = free_port();
        let saved = std::env::temp_dir().join(format!("kpulse-saved-{}", std::process::id()));
        let pprof = format!("extensions.pprof={{endpoint: '{address}', save_to_file: {}}}", saved.display());
        let mut agent = Agent::start_with(OTLP, &[&pprof, "service.extensions=[pprof]"]);
        let own = agent.own;
        let sampled = std::thread::spawn(move || profile(address, "/debug/pprof/profile?seconds=1"));
        while !sampled.is_finished() {
            agent::scrape(own);
        }
        let cpu = sampled.join().unwrap();
        assert!(has(&cpu, "nanoseconds") && has(&cpu, "kpulse"), "{}", String::from_utf8_lossy(&cpu));
        let heap = profile(address, "/debug/pprof/heap");
        assert!(has(&heap, "inuse_space") && has(&heap, "inuse_objects"));
        let (_, line) = get(address, "/debug/pprof/cmdline").unwrap();
        assert!(line.split('\0').any(|argument| argument == "--config"), "{line}");
        agent.signal(libc::SIGTERM);
        assert_eq!(agent.ended().code(), Some(0), "{}", agent.errors());
        let whole = std::fs::read(&saved).unwrap();
        assert!(has(&unpacked(&whole), "nanoseconds"));
        let cpu = read_by_go(&saved);
        std::fs::write(&saved, heap).unwrap();
        let heap = read_by_go(&saved);
        std::fs::remove_file(&saved).unwrap();
        for (top, kind) in [(cpu, "Type: cpu"), (heap, "Type: inuse_space")] {
            assert!(top.as_ref().is_none_or(|top| top.contains(kind) && top.contains("flat%")), "{top:?}");
        }
    }
}
