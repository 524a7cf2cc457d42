//! A dropped packet reaches the user: live, in the file, with the right reason and ports, and everything adds up.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;

mod kernel {
    use std::net::UdpSocket;
    use std::time::Duration;

    use crate::agent::{Agent, attribute, closed_port, records};

    #[test]
    fn a_datagram_to_a_closed_port_is_a_live_line_within_a_second_and_a_record_in_the_file() {
        let mut agent = Agent::start(&[]);
        let (sender, port) = (UdpSocket::bind("127.0.0.1:0").unwrap(), closed_port());
        let from = sender.local_addr().unwrap();
        let wanted = format!("NO_SOCKET udp {from} -> 127.0.0.1:{port} on lo, 33 bytes");
        // The best of a few: others may use the machine.
        let mut fastest = Duration::MAX;
        for tries in 1..=5 {
            sender.send_to(b"hello", ("127.0.0.1", port)).unwrap();
            let took = agent.wait_for("a live line", |agent| agent.output().matches(&wanted).count() == tries);
            fastest = fastest.min(took);
        }
        assert!(fastest < Duration::from_secs(1), "the line took {fastest:?}");
        agent.wait_for("a record", |agent| records(agent).iter().any(|r| r.to_string().contains(&wanted)));
        let records = records(&agent);
        let record = records.iter().find(|r| r.to_string().contains(&wanted)).unwrap();
        assert_eq!(record["eventName"], "linux.net.packet.drop");
        assert_eq!(attribute(record, "linux.net.drop.reason"), "NO_SOCKET");
        assert_eq!(attribute(record, "destination.port"), &port.to_string());
        assert_eq!(attribute(record, "source.address"), "127.0.0.1");
        assert_eq!(attribute(record, "linux.owner.source"), "network_namespace");
        assert!(attribute(record, "code.stacktrace").as_str().unwrap().contains("udp"));
        let stamp: u128 = record["timeUnixNano"].as_str().unwrap().parse().unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        assert!(now.abs_diff(stamp) < 20_000_000_000, "stamped {stamp}, now {now}");
    }

    #[test]
    fn in_a_storm_every_stage_accounts_for_every_drop() {
        const SENT: u64 = 50_000;
        let mut agent = Agent::start(&[
            // Only one probe, so that the receiver's counts are those of its records.
            "receivers.ebpf_events.probes.netrecvlat.enabled=false",
            "receivers.ebpf_events.probes.oom.enabled=false",
            "receivers.ebpf_events.probes.dropwatch.rate=2000",
            "processors.rate_limit.rate=50",
            "processors.rate_limit.burst=100",
        ]);
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(("127.0.0.1", closed_port())).unwrap();
        for _ in 0..SENT {
            // A closed port answers with an error on the next call; it is not about this datagram.
            while sender.send(b"x").is_err() {}
        }
        let probe = |name: &str, agent: &Agent| agent.own_metric(&format!("kpulse_probe_{name}"));
        let labels = |reason: &str| {
            format!("dropped_events{{probe=\"dropwatch\",reason=\"{reason}\",receiver=\"ebpf_events\"}}")
        };
        let all = "{probe=\"dropwatch\",receiver=\"ebpf_events\"}";
        agent.wait_for("all drops counted", |agent| {
            probe(&format!("fired_events{all}"), agent) + probe(&labels("missed"), agent) >= SENT
        });
        // Kernel counters are read once a second and records come sooner: wait until both are of the same moment.
        let accepted = "otelcol_receiver_accepted_log_records{receiver=\"ebpf_events\"}";
        agent.wait_for("counters that have caught up", |agent| {
            probe(&format!("sent_events{all}"), agent) == agent.own_metric(accepted)
                && agent.own_metric("otelcol_exporter_sent_log_records{exporter=\"file\"}")
                    == records(agent).len() as u64
        });
        let fired = probe(&format!("fired_events{all}"), &agent);
        let sent = probe(&format!("sent_events{all}"), &agent);
        let drops: u64 = ["filtered", "limited", "lost"].iter().map(|r| probe(&labels(r), &agent)).sum();
        assert_eq!(fired, sent + drops);
        let own = |series: &str| agent.own_metric(series);
        let accepted = own(accepted);
        let refused = own("otelcol_receiver_refused_log_records{receiver=\"ebpf_events\"}");
        assert_eq!(sent, accepted + refused + probe(&labels("malformed"), &agent));
        let incoming = own("otelcol_processor_incoming_items{otel_signal=\"logs\",processor=\"rate_limit\"}");
        let outgoing = own("otelcol_processor_outgoing_items{otel_signal=\"logs\",processor=\"rate_limit\"}");
        let throttled = own("kpulse_processor_dropped_items{processor=\"rate_limit\",reason=\"throttled\"}");
        assert_eq!((incoming, incoming), (accepted, outgoing + throttled));
        assert!(throttled > 0, "the limiter had nothing to do");
        assert_eq!(outgoing, own("otelcol_exporter_sent_log_records{exporter=\"file\"}"));
        assert_eq!(outgoing, records(&agent).len() as u64);
    }
}
