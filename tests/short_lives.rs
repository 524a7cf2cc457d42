//! What happens in a container that is soon gone is said of that container all the same.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;

mod kernel {
    use std::io::{BufRead, BufReader, Write};
    use std::process::Stdio;
    use std::sync::Mutex;
    use std::time::{Duration, Instant};

    use crate::agent::container::{CONTAINER, Container};
    use crate::agent::{Agent, attribute};

    /// Both tests make the same cgroup.
    static ALONE: Mutex<()> = Mutex::new(());

    /// Makes a socket, leaves the cgroups for those in its arguments, and later lets the socket overflow.
    const LEAVE: &str = r#"use Socket; $| = 1; socket(S, AF_INET, SOCK_DGRAM, 0); setsockopt(S, SOL_SOCKET, SO_RCVBUF, 4096);
        bind(S, sockaddr_in(0, INADDR_LOOPBACK)); for (@ARGV) { open(F, '>', $_) or die $_; print F $$; close F or die $_ }
        print qq(out\n); <STDIN>; send(S, 'x' x 1000, 0, getsockname(S)) for 1..50"#;

    /// The resource of the first record that `is` describes.
    fn resource(agent: &Agent, is: impl Fn(&serde_json::Value) -> bool) -> Option<String> {
        agent.lines().iter().find_map(|line| {
            let outer = line["resourceLogs"].as_array()?.iter().find(|outer| {
                let records = outer["scopeLogs"][0]["logRecords"].as_array().unwrap();
                records.iter().any(&is)
            })?;
            Some(outer["resource"].to_string())
        })
    }

    #[test]
    fn a_kill_in_a_container_that_lives_less_than_a_second_names_it() {
        let _alone = ALONE.lock();
        let mut agent = Agent::start(&[]);
        let started = Instant::now();
        let container = Container::create();
        container.limit_memory(20 << 20);
        let mut child = container.command("perl", &["-e", "my $n = 100 << 20; my $x = 'a' x $n"]).spawn().unwrap();
        let pid = child.id().to_string();
        assert!(!child.wait().unwrap().success());
        container.remove();
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
        let of_child = |record: &serde_json::Value| {
            record["eventName"] == "linux.memory.oom_kill" && attribute(record, "process.pid") == &pid
        };
        agent.wait_for("a record", |agent| resource(agent, of_child).is_some());
        let resource = resource(&agent, of_child).unwrap();
        assert!(resource.contains(CONTAINER), "{resource}");
    }

    #[test]
    fn a_packet_dropped_a_second_after_its_container_ended_names_it() {
        let _alone = ALONE.lock();
        let mut agent = Agent::start(&[]);
        let container = Container::create();
        let outside = container.outside();
        let arguments: Vec<&str> = ["-e", LEAVE].into_iter().chain(outside.iter().map(String::as_str)).collect();
        let mut command = container.command("perl", &arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "out\n");
        container.remove();
        std::thread::sleep(Duration::from_secs(1));
        child.stdin.take().unwrap().write_all(b"\n").unwrap();
        assert!(child.wait().unwrap().success());
        let pid = child.id().to_string();
        let of_child = |record: &serde_json::Value| {
            record["eventName"] == "linux.net.packet.drop" && attribute(record, "process.pid") == &pid
        };
        agent.wait_for("a record", |agent| resource(agent, of_child).is_some());
        let resource = resource(&agent, of_child).unwrap();
        assert!(resource.contains(CONTAINER), "{resource}");
        assert_eq!(agent.own_metric("kpulse_container_cache_overflows"), 0);
    }
}
