//! What goes over a connection is counted by peer and port, as much as was written and as TCP says itself.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;

mod kernel {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::process::Command;

    use crate::agent::{Agent, scrape};

    const FLOWS: [&str; 2] = [
        "receivers.ebpf_spans={flows: {collection_interval: 200ms, idle_timeout: 2s}}",
        "service.pipelines.metrics.receivers=[ebpf_spans]",
    ];

    /// The value of the series of this name, side and server port, and of more of its labels.
    fn value(agent: &Agent, name: &str, role: &str, port: u16, label: &str) -> Option<f64> {
        let (port, role) = (format!("server_port=\"{port}\""), format!("role=\"{role}\""));
        let page = scrape(agent.metrics);
        let has = |line: &&str| [&port, &role, label].iter().all(|part| line.contains(*part));
        let line = page.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{')));
        line.filter(has).map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap()).next()
    }

    fn bytes(agent: &Agent, role: &str, port: u16) -> Option<(f64, f64)> {
        let of = |direction: &str| {
            let direction = format!("network_io_direction=\"{direction}\"");
            value(agent, "linux_tcp_flow_io_bytes_total", role, port, &direction)
        };
        Some((of("transmit")?, of("receive")?))
    }

    /// What `ss` says of the client's end: round trip in seconds.
    fn rtt_by_ss(port: u16) -> f64 {
        let filter = format!("dport = :{port}");
        let output = Command::new("timeout").args(["10", "ss", "-tinH", &filter]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let rtt =
            said.split_whitespace().find_map(|word| word.strip_prefix("rtt:")).unwrap_or_else(|| panic!("{said}"));
        rtt.split('/').next().unwrap().parse::<f64>().unwrap() / 1000.0
    }

    #[test]
    fn flows_have_every_byte_of_either_side_and_the_round_trip_that_tcp_measured_and_end_when_idle() {
        let mut agent = Agent::start(&FLOWS);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut server = listener.accept().unwrap().0;
        for _ in 0..20 {
            client.write_all(&[1; 1000]).unwrap();
            server.read_exact(&mut [0; 1000]).unwrap();
            server.write_all(&[2; 3000]).unwrap();
            client.read_exact(&mut [0; 3000]).unwrap();
        }
        agent.wait_for("all bytes", |agent| bytes(agent, "client", port) == Some((20_000.0, 60_000.0)));
        assert_eq!(bytes(&agent, "server", port), Some((60_000.0, 20_000.0)));
        for role in ["client", "server"] {
            let one = |name: &str| value(&agent, name, role, port, "network_peer_address=\"127.0.0.1\"");
            assert_eq!(one("linux_tcp_flow_connections_total"), Some(1.0));
            assert_eq!(one("linux_tcp_flow_retransmits_total"), Some(0.0));
        }
        let of_rtt = |what: &str| value(&agent, &format!("linux_tcp_flow_rtt_seconds_{what}"), "client", port, "");
        let mean = of_rtt("sum").unwrap() / of_rtt("count").unwrap();
        let said = rtt_by_ss(port);
        // A reading in the middle of the exchange sees another value than one at its end.
        assert!(mean > said / 10.0 && mean < said * 10.0 + 0.01, "{mean} s, ss has {said} s");
        agent.wait_for("the end of what is idle", |agent| bytes(agent, "client", port).is_none());
        assert_eq!(agent.own_metric("kpulse_flow_overflows{receiver=\"ebpf_spans\"}"), 0);
        // It goes on where it moves again.
        client.write_all(&[1; 10]).unwrap();
        server.read_exact(&mut [0; 10]).unwrap();
        agent.wait_for("its return", |agent| bytes(agent, "client", port) == Some((10.0, 0.0)));
    }
}
