//! A process killed for want of memory reaches the user with its container and its cgroup's limit.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;

mod kernel {
    use std::path::PathBuf;
    use std::process::{Command, Stdio};

    use crate::agent::{Agent, attribute, records};

    const CONTAINER: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    const LIMIT: u64 = 40 << 20;

    /// A memory cgroup as a container runtime would name it; removed when dropped.
    struct Cgroup {
        folder: PathBuf,
        limit: &'static str,
    }

    impl Cgroup {
        fn create() -> Self {
            let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
            let mounts: Vec<Vec<&str>> = mounts.lines().map(|line| line.split(' ').collect()).collect();
            let is_v1 = |m: &&Vec<&str>| m[2] == "cgroup" && m[3].split(',').any(|option| option == "memory");
            let (root, limit) = match mounts.iter().find(is_v1) {
                Some(mount) => (PathBuf::from(mount[1]), "memory.limit_in_bytes"),
                None => {
                    let root = PathBuf::from(mounts.iter().find(|m| m[2] == "cgroup2").unwrap()[1]);
                    std::fs::write(root.join("cgroup.subtree_control"), "+memory").unwrap();
                    (root, "memory.max")
                }
            };
            let cgroup = Self { folder: root.join(format!("docker-{CONTAINER}.scope")), limit };
            std::fs::create_dir(&cgroup.folder).unwrap();
            std::fs::write(cgroup.folder.join(cgroup.limit), LIMIT.to_string()).unwrap();
            cgroup
        }
    }

    impl Drop for Cgroup {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir(&self.folder);
        }
    }

    #[test]
    fn a_kill_is_an_error_record_of_its_container_with_the_limit_that_was_hit() {
        let mut agent = Agent::start(&[]);
        let cgroup = Cgroup::create();
        let script = format!(
            "echo $$ > {}/cgroup.procs && exec perl -e 'my $n = 200 << 20; my $x = \"a\" x $n'",
            cgroup.folder.display()
        );
        let mut child = Command::new("sh").args(["-c", &script]).stdout(Stdio::null()).spawn().unwrap();
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
