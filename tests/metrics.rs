//! The metrics page: valid, without duplicates, and it moves.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;

mod kernel {
    use std::collections::HashSet;
    use std::io::Write;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use crate::agent::{Agent, scrape};

    /// Refuses what Prometheus would refuse or silently merge.
    fn check(page: &str) -> usize {
        let (mut seen, mut typed, mut family) = (HashSet::new(), HashSet::new(), String::new());
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                family = rest.split(' ').next().unwrap().to_owned();
                assert!(typed.insert(family.clone()), "{family} has two TYPE lines");
            } else if !line.starts_with('#') {
                let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value: {line}"));
                assert!(series.starts_with(&family), "{series} stands below {family}");
                assert!(seen.insert(series.to_owned()), "duplicate series {series}");
                assert!(value.parse::<f64>().is_ok(), "{line}");
            }
        }
        seen.len()
    }

    /// How many waits the page shows; none before the first reading.
    fn count(page: &str) -> u64 {
        let line = page.lines().find(|l| l.starts_with("linux_sched_runqueue_duration_seconds_count"));
        line.map_or(0, |line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
    }

    #[test]
    fn the_first_metric_is_there_within_a_second_of_the_start() {
        let start = std::time::Instant::now();
        let mut agent = Agent::start(&[]);
        agent.wait_for("a metric", |agent| {
            scrape(agent.metrics).contains("linux_sched_runqueue_duration_seconds_count")
        });
        // Debug builds and busy machines included; the figure itself is a bench.
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }

    #[test]
    fn pages_are_valid_without_duplicates_and_the_histogram_moves() {
        let mut agent = Agent::start(&["receivers.ebpf_metrics.collection_interval=200ms"]);
        agent.wait_for("the first values", |agent| count(&scrape(agent.metrics)) > 0);
        let before = count(&scrape(agent.metrics));
        agent.wait_for("movement", |agent| count(&scrape(agent.metrics)) > before);
        let page = scrape(agent.metrics);
        assert!(check(&page) > 40, "{page}");
        assert!(page.contains("le=\"+Inf\""), "{page}");
        let own = scrape(agent.own);
        assert!(check(&own) > 10);
        for name in ["otelcol_process_uptime", "otelcol_process_cpu_seconds", "otelcol_process_memory_rss"] {
            assert!(own.contains(&format!("\n{name} ")), "{own}");
        }
        promtool(&page);
    }

    #[test]
    fn the_cost_of_each_probe_is_sampled_and_shown() {
        let mut agent = Agent::start(&[]);
        let value = |agent: &Agent, name: &str, probe: &str| {
            let page = scrape(agent.own);
            let line = page.lines().find(|l| l.starts_with(name) && l.contains(&format!("probe=\"{probe}\"")))?;
            line.rsplit_once(' ').unwrap().1.parse::<f64>().ok()
        };
        agent.wait_for("a sample", |agent| value(agent, "kpulse_probe_cpu_usage", "runqlat").is_some());
        let of = |name: &str| value(&agent, name, "runqlat").unwrap();
        let (usage, rate, duration) =
            (of("kpulse_probe_cpu_usage"), of("kpulse_probe_run_rate"), of("kpulse_probe_run_duration"));
        // Something always switches while this test looks at the page.
        assert!(rate > 1.0 && duration > 0.0 && duration < 1e-3, "{rate} runs a second, {duration} s each");
        assert!((usage - rate * duration).abs() <= usage / 100.0, "{usage} is not {rate} * {duration}");
        assert!(of("kpulse_probe_map_memory") > 512.0 * 1024.0);
        assert_eq!(value(&agent, "kpulse_probe_run_rate", "oom"), Some(0.0), "nobody was killed");
    }

    fn promtool(page: &str) {
        let Ok(mut child) = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
        else {
            eprintln!("promtool is not installed: the page was not shown to it");
            return;
        };
        child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
}
