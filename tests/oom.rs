//! A process killed for want of memory reaches the user with its container and its cgroup's limit.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;

mod kernel {
    use std::process::Stdio;

    use crate::agent::container::{CONTAINER, Container};
    use crate::agent::{Agent, attribute, records};

    const LIMIT: u64 = 40 << 20;

    #[test]
    fn a_kill_is_an_error_record_of_its_container_with_the_limit_that_was_hit() {
        let mut agent = Agent::start(&[]);
        let container = Container::create();
        container.limit_memory(LIMIT);
        let perl = "my $n = 200 << 20; my $x = 'a' x $n";
        let mut child = container.command("perl", &["-e", perl]).stdout(Stdio::null()).spawn().unwrap();
        let pid = child.id();
        assert!(!child.wait().unwrap().success());
        let of_child = |record: &serde_json::Value| {
            record["eventName"] == "linux.memory.oom_kill" && attribute(record, "process.pid") == &pid.to_string()
        };
        agent.wait_for("a record", |agent| records(agent).iter().any(of_child));
        let record = records(&agent).into_iter().find(of_child).unwrap();
        assert_eq!(
            (record["severityText"].as_str(), attribute(&record, "process.executable.name")),
            (Some("ERROR"), &"perl".into())
        );
        assert_eq!(attribute(&record, "linux.memory.cgroup.limit"), &LIMIT.to_string());
        assert_eq!(attribute(&record, "linux.memory.cgroup.path"), &format!("/docker-{CONTAINER}.scope"));
        assert_eq!(attribute(&record, "linux.memory.oom.trigger.pid"), &pid.to_string());
        let body = record["body"]["stringValue"].as_str().unwrap();
        assert!(body.starts_with(&format!("perl ({pid}) was killed, out of memory: ")), "{body}");
        assert!(body.contains(" of 40.0 MiB") && body.contains(&format!("asked for by perl ({pid})")), "{body}");
        let lines = agent.lines();
        let line = lines.iter().find(|line| line.to_string().contains(OOM)).unwrap();
        assert!(
            line["resourceLogs"]
                .to_string()
                .contains(&format!("\"container.id\",\"value\":{{\"stringValue\":\"{CONTAINER}\"")),
            "{line}"
        );
    }

    const OOM: &str = "linux.memory.oom_kill";
}
