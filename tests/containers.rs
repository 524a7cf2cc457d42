//! What the kernel accounts to a container is said of that container, and ends with it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;

mod kernel {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::process::{Child, Stdio};
    use std::time::{Duration, Instant};

    use crate::agent::container::{CONTAINER, Container};
    use crate::agent::{Agent, scrape};

    /// Burns half a second of CPU, takes 40 MB, then echoes line by line until its input ends.
    const WORK: &str = "$| = 1; while ((times)[0] < 0.5) { $i++ for 1..10000 } my $x = 'a' x (40 << 20); print qq(held\\n); print while <STDIN>";

    const SETTINGS: [&str; 2] =
        ["receivers.ebpf_metrics.collection_interval=200ms", "receivers.ebpf_metrics.scrapers.runqlat.containers=true"];

    /// The value of the container's series of this name, and of this part of its labels.
    fn value(agent: &Agent, name: &str, label: &str) -> Option<f64> {
        let page = scrape(agent.metrics);
        let of_container =
            |line: &&str| line.contains(&format!("container_id=\"{CONTAINER}\"")) && line.contains(label);
        let line = page.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{')));
        line.filter(of_container).map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap()).next()
    }

    /// A number from a file below the process's folder in /proc.
    fn of_process(child: &Child, file: &str, key: &str) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/{file}", child.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    fn switches(child: &Child) -> f64 {
        of_process(child, "status", "voluntary_ctxt_switches:")
            + of_process(child, "status", "nonvoluntary_ctxt_switches:")
    }

    /// What the scheduler measured of the process's time on CPUs.
    fn cpu_seconds(child: &Child) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/schedstat", child.id())).unwrap();
        text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
    }

    /// The container's CPU time in user and in system mode.
    fn modes(agent: &Agent) -> Option<(f64, f64)> {
        let of = |mode: &str| value(agent, "container_cpu_time_seconds_total", &format!("cpu_mode=\"{mode}\""));
        Some((of("user")?, of("system")?))
    }

    fn close(found: f64, witness: f64, share: f64) -> bool {
        (found - witness).abs() <= witness * share
    }

    #[test]
    fn cpu_time_memory_and_waits_of_a_container_are_what_its_only_process_had_and_end_with_it() {
        let mut agent = Agent::start(&SETTINGS);
        let container = Container::create();
        container.limit_memory(200 << 20);
        let mut child =
            container.command("perl", &["-e", WORK]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut String::new()).unwrap();
        let waits = "linux_sched_runqueue_duration_seconds_count";
        // It waits for its input: three collections that say the same have all that was before.
        let mut last = (None, Instant::now());
        agent.wait_for("all waits so far", |agent| {
            let now = value(agent, waits, "");
            if now != last.0 {
                last = (now, Instant::now());
            }
            now.is_some() && last.1.elapsed() > Duration::from_millis(600)
        });
        // From here on nothing happens but what we ask for.
        let (before, switches_before) = (value(&agent, waits, "").unwrap(), switches(&child));
        for _ in 0..500 {
            child.stdin.as_mut().unwrap().write_all(b"x\n").unwrap();
            output.read_exact(&mut [0; 2]).unwrap();
        }
        agent.wait_for("all of its waits", |agent| {
            let wanted = switches(&child) - switches_before;
            close(value(agent, waits, "").unwrap() - before, wanted, 0.01)
        });

        // The sum is what the scheduler measured; the modes are split by the few ticks that fell into each.
        let witness = cpu_seconds(&child);
        let used = |agent: &Agent| modes(agent).map(|(user, system)| user + system);
        agent.wait_for("its CPU time", |agent| used(agent).is_some_and(|used| close(used, witness, 0.05)));
        let (user, system) = modes(&agent).unwrap();
        assert!(user > system && witness >= 0.5, "{user} in user mode, {system} in system mode, {witness} in all");

        let anon = of_process(&child, "status", "RssAnon:") * 1024.0;
        // The kernel sums up what its CPUs count only every two seconds.
        agent.wait_for("its memory", |agent| {
            value(agent, "container_memory_rss_bytes", "").is_some_and(|rss| close(rss, anon, 0.1))
        });
        let limit = value(&agent, "linux_container_memory_limit_bytes", "").unwrap();
        let set = value(&agent, "container_memory_working_set_bytes", "").unwrap();
        let available = value(&agent, "container_memory_available_bytes", "").unwrap();
        assert_eq!(limit, f64::from(200 << 20));
        assert!(close(set + available, limit, 0.05) && set >= anon * 0.9, "{set} + {available} of {limit}");

        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
        drop(container);
        agent.wait_for("the end of its series", |agent| !scrape(agent.metrics).contains(CONTAINER));
        agent.wait_for("the end in the file", |agent| {
            let lines = agent.lines();
            let last = lines.iter().rev().map(ToString::to_string).find(|line| line.contains(CONTAINER));
            last.is_some_and(|last| last.contains("\"flags\":1"))
        });
    }
}
