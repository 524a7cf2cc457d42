//! A request that somebody makes becomes spans in the file: on both sides, in one trace, as long as it took.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;

mod kernel {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use serde_json::Value;

    use crate::agent::{Agent, attribute};

    const TRACES: [&str; 2] = [
        "receivers.ebpf_spans.protocols.http.enabled=true",
        "service.pipelines.traces={receivers: [ebpf_spans], exporters: [file]}",
    ];
    const SERVER: u64 = 2;
    const CLIENT: u64 = 3;

    /// Answers every request of every connection after `wait`.
    fn serve(wait: Duration, response: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                std::thread::spawn(move || {
                    let mut buffer = [0; 4096];
                    while connection.read(&mut buffer).is_ok_and(|bytes| bytes > 0) {
                        std::thread::sleep(wait);
                        connection.write_all(response).unwrap();
                    }
                });
            }
        });
        address
    }

    /// The spans in the file with an end at `port`, of this kind.
    fn spans(agent: &Agent, port: u16, kind: u64) -> Vec<Value> {
        let lines = agent.lines();
        let resources = lines.iter().flat_map(|line| line["resourceSpans"].as_array().cloned().unwrap_or_default());
        let scopes = resources.flat_map(|r| r["scopeSpans"].as_array().cloned().unwrap_or_default());
        let all = scopes.flat_map(|s| s["spans"].as_array().cloned().unwrap_or_default());
        let of_port = |span: &Value| attribute(span, "server.port") == &Value::from(port.to_string());
        all.filter(|span| span["kind"] == kind && of_port(span)).collect()
    }

    fn duration(span: &Value) -> Duration {
        let stamp = |key: &str| span[key].as_str().unwrap().parse::<u64>().unwrap();
        Duration::from_nanos(stamp("endTimeUnixNano") - stamp("startTimeUnixNano"))
    }

    /// Sends a request and reads some of the response.
    fn ask(connection: &mut TcpStream, request: &str) {
        connection.write_all(request.as_bytes()).unwrap();
        assert!(connection.read(&mut [0; 4096]).unwrap() > 0);
    }

    #[test]
    fn a_request_is_a_span_on_either_side_and_both_are_one_trace() {
        let mut agent = Agent::start(&TRACES);
        let server = serve(Duration::from_millis(50), b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
        let mut connection = TcpStream::connect(server).unwrap();
        let started = Instant::now();
        ask(&mut connection, "GET /users/42?secret=1 HTTP/1.1\r\nHost: shop.example:81\r\nUser-Agent: test\r\n\r\n");
        let took = started.elapsed();
        // The connection stays open: what was asked and answered shows all the same.
        agent.wait_for("both sides", |agent| {
            let lines = agent.lines();
            lines.iter().map(|line| line.to_string().matches("GET /users/{id}").count()).sum::<usize>() >= 2
        });
        let (servers, clients) = (spans(&agent, 81, SERVER), spans(&agent, 81, CLIENT));
        let ([served], [asked]) = (&servers[..], &clients[..]) else { panic!("{servers:#?}\n{clients:#?}") };
        for span in [served, asked] {
            assert_eq!(span["name"], "GET /users/{id}");
            assert_eq!(attribute(span, "http.request.method"), "GET");
            assert_eq!(attribute(span, "url.path"), "/users/42");
            assert_eq!(attribute(span, "http.response.status_code"), "503");
            assert_eq!(attribute(span, "server.address"), "shop.example");
            assert_eq!(attribute(span, "client.address"), "127.0.0.1");
            assert_eq!(attribute(span, "error.type"), "503");
            assert_eq!(attribute(span, "process.pid"), &std::process::id().to_string());
            assert_eq!(span["status"]["code"], 2);
            assert!(!span.to_string().contains("secret"));
            let length = duration(span);
            assert!(length >= Duration::from_millis(50) && length <= took.mul_f64(1.05), "{length:?} {took:?}");
        }
        assert_eq!(served["traceId"], asked["traceId"]);
        assert_eq!(served["parentSpanId"], asked["spanId"]);
        assert_eq!(asked.get("parentSpanId").and_then(Value::as_str).unwrap_or_default(), "");
        assert_eq!(attribute(asked, "url.full"), "http://shop.example:81/users/42");
        assert_eq!(attribute(asked, "network.peer.port"), &server.port().to_string());
    }

    #[test]
    fn a_traceparent_is_continued_and_pipelined_requests_are_spans_of_their_own() {
        let mut agent = Agent::start(&TRACES);
        let both = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let server = serve(Duration::from_millis(20), both);
        let mut connection = TcpStream::connect(server).unwrap();
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        ask(
            &mut connection,
            &format!("GET /traced HTTP/1.1\r\ntraceparent: 00-{trace}-{span}-01\r\ntracestate: a=b\r\n\r\n"),
        );
        ask(&mut connection, "GET /first HTTP/1.1\r\n\r\nGET /second HTTP/1.1\r\n\r\n");
        drop(connection);
        let port = server.port();
        agent.wait_for("three requests", |agent| spans(agent, port, SERVER).len() >= 3);
        agent.wait_for("the other side", |agent| spans(agent, port, CLIENT).len() >= 3);
        for kind in [SERVER, CLIENT] {
            let spans = spans(&agent, port, kind);
            let names: Vec<_> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
            assert_eq!(names, ["GET /traced", "GET /first", "GET /second"]);
            assert_eq!((&spans[0]["traceId"], &spans[0]["parentSpanId"]), (&trace.into(), &span.into()));
            assert_eq!((&spans[0]["traceState"], &spans[0]["flags"]), (&"a=b".into(), &1.into()));
            assert_ne!(spans[0]["spanId"], span);
            assert_ne!(spans[1]["traceId"], spans[2]["traceId"]);
        }
    }

    #[test]
    fn connections_are_spans_on_both_sides_and_a_refused_one_says_so() {
        let settings = ["receivers.ebpf_spans.connections.enabled=true", TRACES[1]];
        let mut agent = Agent::start(&settings);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        let started = Instant::now();
        let connection = TcpStream::connect(open).unwrap();
        let took = started.elapsed();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        TcpStream::connect(closed).unwrap_err();
        agent.wait_for("both sides", |agent| {
            !spans(agent, open.port(), SERVER).is_empty() && !spans(agent, open.port(), CLIENT).is_empty()
        });
        let (accepts, connects) = (spans(&agent, open.port(), SERVER), spans(&agent, open.port(), CLIENT));
        let ([accept], [connect]) = (&accepts[..], &connects[..]) else { panic!("{accepts:#?}\n{connects:#?}") };
        assert_eq!((&connect["name"], &accept["name"]), (&"TCP connect".into(), &"TCP accept".into()));
        assert_eq!((&accept["traceId"], &accept["parentSpanId"]), (&connect["traceId"], &connect["spanId"]));
        for span in [accept, connect] {
            assert!(duration(span) <= took, "{:?} {took:?}", duration(span));
            assert_eq!(attribute(span, "process.pid"), &std::process::id().to_string());
            assert_eq!(attribute(span, "client.port"), &connection.local_addr().unwrap().port().to_string());
        }
        agent.wait_for("the refusal", |agent| !spans(agent, closed.port(), CLIENT).is_empty());
        let refusals = spans(&agent, closed.port(), CLIENT);
        let [refused] = &refusals[..] else { panic!("{refusals:#?}") };
        assert_eq!((&refused["status"]["code"], &refused["name"]), (&2.into(), &"TCP connect".into()));
        assert_eq!(attribute(refused, "error.type"), "connection_refused");
    }

    #[test]
    fn a_slow_span_says_whether_its_queue_or_its_application_was_slow() {
        let mut agent = Agent::start(&[TRACES[0], TRACES[1], "receivers.ebpf_spans.receive_stages.stack=true"]);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut server = listener.accept().unwrap().0;
        let port = listener.local_addr().unwrap().port();
        let waits = [("/queue", 120, 30), ("/application", 30, 120)];
        for (path, queue, application) in waits {
            client.write_all(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
            std::thread::sleep(Duration::from_millis(queue));
            assert!(server.read(&mut [0; 4096]).unwrap() > 0);
            std::thread::sleep(Duration::from_millis(application));
            server.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            assert!(client.read(&mut [0; 4096]).unwrap() > 0);
        }
        agent.wait_for("both requests", |agent| spans(agent, port, SERVER).len() >= 2);
        for ((path, queue, application), span) in waits.iter().zip(spans(&agent, port, SERVER)) {
            assert_eq!(attribute(&span, "url.path"), path);
            let seconds = |key: &str| attribute(&span, key).as_f64().unwrap();
            let (queued, answered) =
                (seconds("linux.net.receive.queue.duration"), seconds("linux.net.application.duration"));
            let [least_queue, least_answer] = [*queue, *application].map(|ms| Duration::from_millis(ms).as_secs_f64());
            assert!(queued >= least_queue * 0.95 && queued < least_queue + 0.06, "{path}: {queued}");
            assert!(answered >= least_answer * 0.95 && answered < least_answer + 0.06, "{path}: {answered}");
            assert!(seconds("linux.net.receive.stack.duration") < 0.02);
            let whole = duration(&span).as_secs_f64();
            assert!((whole - queued - answered).abs() < 0.02, "{whole} is not {queued} and {answered}");
        }
    }
}
