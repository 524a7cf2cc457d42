//! A backend that is away, late or silent: what waits is delivered, what is given up is counted, and the stop is not held up.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;

mod kernel {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use crate::agent::{Agent, free_port};

    const OFTEN: &str = "receivers.ebpf_metrics.collection_interval=200ms";
    const TO_BOTH: &str = "service.pipelines.metrics.exporters=[file, otlp_http]";

    fn points(agent: &Agent, what: &str, exporter: &str) -> u64 {
        agent.own_metric(&format!("otelcol_exporter_{what}_metric_points{{exporter=\"{exporter}\"}}"))
    }

    fn waiting(agent: &Agent) -> u64 {
        agent.own_metric("otelcol_exporter_queue_size{data_type=\"metrics\",exporter=\"otlp_http\"}")
    }

    /// Takes every request on `address` from now on.
    fn serve(address: SocketAddr) {
        let listener = TcpListener::bind(address).unwrap();
        std::thread::spawn(move || listener.incoming().for_each(|stream| take(stream.unwrap())));
    }

    fn take(mut stream: TcpStream) {
        let mut request = BufReader::new(stream.try_clone().unwrap());
        let mut length = 0;
        for line in request.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()) {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        request.read_exact(&mut vec![0; length]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    }

    #[test]
    fn what_a_dead_backend_cannot_take_is_counted_point_by_point() {
        let dead = free_port();
        let to = format!("exporters.otlp_http={{endpoint: 'http://{dead}', retry_on_failure: {{enabled: false}}}}");
        let mut agent = Agent::start(&[OFTEN, &to, TO_BOTH]);
        agent.wait_for("as many failed as others took", |agent| {
            let failed = points(agent, "send_failed", "otlp_http");
            failed > 0 && failed == points(agent, "sent", "file")
        });
        assert_eq!(points(&agent, "sent", "otlp_http"), 0);
        assert!(agent.errors().contains("Exporting failed. Dropping data."), "{}", agent.errors());
    }

    #[test]
    fn what_is_refused_without_a_queue_is_said() {
        let off = "{enabled: false}";
        let to = format!(
            "exporters.otlp_http={{endpoint: 'http://{}', retry_on_failure: {off}, sending_queue: {off}}}",
            free_port()
        );
        let mut agent = Agent::start(&[OFTEN, &to, TO_BOTH]);
        agent.wait_for("the first failure", |agent| points(agent, "send_failed", "otlp_http") > 0);
        assert!(agent.errors().contains("Exporting failed. Rejecting data."), "{}", agent.errors());
    }

    #[test]
    fn a_backend_that_comes_late_gets_all_that_waited() {
        let late = free_port();
        let retry = "{initial_interval: 50ms, max_interval: 200ms}";
        let to = format!("exporters.otlp_http={{endpoint: 'http://{late}', retry_on_failure: {retry}}}");
        let mut agent = Agent::start(&[OFTEN, &to, TO_BOTH]);
        agent.wait_for("a queue", |agent| waiting(agent) >= 3);
        serve(late);
        agent.wait_for("everything", |agent| {
            waiting(agent) == 0 && points(agent, "sent", "otlp_http") == points(agent, "sent", "file")
        });
        assert_eq!(points(&agent, "send_failed", "otlp_http"), 0);
    }

    #[test]
    fn a_wait_for_the_next_attempt_does_not_hold_up_the_stop_and_its_end_is_said() {
        let to = format!("exporters.otlp_http={{endpoint: 'http://{}'}}", free_port());
        let mut agent = Agent::start(&[OFTEN, &to, TO_BOTH]);
        agent.wait_for("a queue", |agent| waiting(agent) >= 2);
        let asked = Instant::now();
        agent.signal(libc::SIGTERM);
        assert_eq!(agent.ended().code(), Some(0), "{}", agent.errors());
        assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
        assert!(agent.errors().contains("interrupted by the stop"), "{}", agent.errors());
    }

    #[test]
    fn a_backend_that_takes_the_connection_and_says_nothing_is_given_up_after_the_timeout() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = listener.local_addr().unwrap();
        let to = format!("exporters.otlp_http={{endpoint: 'http://{silent}', timeout: 100ms}}");
        let mut agent = Agent::start(&[OFTEN, &to, TO_BOTH]);
        agent.wait_for("an attempt that took too long", |agent| agent.errors().contains("no answer within 100ms"));
    }
}
