//! A packet that its reader lets lie reaches the user with latency, addresses and reader.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;

mod kernel {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use crate::agent::{Agent, attribute, records};

    #[test]
    fn data_that_is_read_late_is_a_warning_that_names_the_reader() {
        let mut agent = Agent::start(&["receivers.ebpf_events.probes.netrecvlat.user_copy_threshold=30ms"]);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let mut sender = TcpStream::connect(to).unwrap();
        let mut reader = listener.accept().unwrap().0;
        sender.write_all(b"hello").unwrap();
        std::thread::sleep(Duration::from_millis(60));
        reader.read_exact(&mut [0; 5]).unwrap();
        let is_ours = |record: &serde_json::Value| {
            record["eventName"] == "linux.net.receive.delay"
                && attribute(record, "destination.port") == &to.port().to_string()
        };
        agent.wait_for("a record", |agent| records(agent).iter().any(is_ours));
        let record = records(&agent).into_iter().find(is_ours).unwrap();
        assert_eq!(record["severityText"], "WARN");
        let latency = attribute(&record, "linux.net.receive.latency").as_f64().unwrap();
        assert!((0.06..2.0).contains(&latency), "{latency}");
        assert_eq!(attribute(&record, "linux.net.receive.stage"), "user copy");
        assert_eq!(attribute(&record, "network.connection.state"), "established");
        assert_eq!(attribute(&record, "linux.owner.source"), "process");
        assert_eq!(attribute(&record, "process.pid"), &std::process::id().to_string());
        let body = record["body"]["stringValue"].as_str().unwrap();
        let wanted = format!("tcp {} -> {to} on lo, 5 bytes; read by ", sender.local_addr().unwrap());
        assert!(body.starts_with("user copy ") && body.contains(&wanted), "{body}");
    }
}
