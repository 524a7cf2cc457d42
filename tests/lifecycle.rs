//! Stopping: drained when asked, nothing left behind when killed, clear words when it cannot start.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;

use agent::kpulse;

#[test]
fn without_a_configuration_it_says_what_to_do() {
    let output = kpulse(&[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said, "Error: at least one config flag must be provided, e.g. --config pipeline.yaml\n");
    assert_eq!(kpulse(&["--bogus"]).status.code(), Some(1));
    assert_eq!(kpulse(&["--version"]).status.code(), Some(0));
}

mod kernel {
    use std::net::TcpListener;

    use crate::agent::{Agent, kpulse};

    /// Ids of the programs that this process holds.
    fn programs(agent: &Agent) -> Vec<u32> {
        let folder = std::fs::read_dir(format!("/proc/{}/fdinfo", agent.child.id())).unwrap();
        let texts = folder.filter_map(|entry| std::fs::read_to_string(entry.unwrap().path()).ok());
        let ids = texts.filter_map(|text| {
            text.lines().find_map(|line| line.strip_prefix("prog_id:")).and_then(|id| id.trim().parse().ok())
        });
        let mut ids: Vec<u32> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn loaded() -> Vec<u32> {
        // A program of somebody else may go while the list is read.
        aya::programs::loaded_programs().filter_map(|program| Some(program.ok()?.id())).collect()
    }

    #[test]
    fn sigterm_drains_and_exits_with_0_and_the_file_ends_with_the_last_values() {
        let mut agent = Agent::start(&["receivers.ebpf_metrics.collection_interval=1h"]);
        agent.wait_for("the first values", |agent| !agent.lines().is_empty());
        let before = agent.lines().len();
        agent.signal(libc::SIGTERM);
        assert_eq!(agent.ended().code(), Some(0), "{}", agent.errors());
        assert!(agent.errors().contains("Shutdown complete."), "{}", agent.errors());
        assert!(agent.lines().len() > before, "nothing was written at the stop");
    }

    #[test]
    fn kill_9_leaves_no_program_in_the_kernel() {
        let mut agent = Agent::start(&[]);
        let ids = programs(&agent);
        assert!(ids.len() >= 5, "{ids:?}");
        assert!(ids.iter().all(|id| loaded().contains(id)));
        agent.signal(libc::SIGKILL);
        agent.ended();
        // The kernel frees programs after a grace period.
        let start = std::time::Instant::now();
        while ids.iter().any(|id| loaded().contains(id)) {
            assert!(start.elapsed() < crate::agent::PATIENCE, "{ids:?} are still loaded");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    #[test]
    fn a_port_in_use_is_a_start_error_that_names_the_port() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let text = format!(
            "yaml:{{receivers: {{ebpf_metrics: {{scrapers: {{runqlat: }}}}}}, exporters: {{prometheus: {{endpoint: '{address}'}}}}, \
             service: {{telemetry: {{metrics: {{readers: []}}}}, pipelines: {{metrics: {{receivers: [ebpf_metrics], exporters: [prometheus]}}}}}}}}"
        );
        let output = kpulse(&["--config", &text]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("cannot start exporter prometheus: cannot listen on {address}")), "{said}");
    }

    /// Some metric whose name begins like this is on the page.
    fn shows(agent: &Agent, name: &str) -> bool {
        // While the exporter is replaced nobody answers.
        let page = crate::agent::get(agent.metrics, "/metrics");
        page.is_ok_and(|(_, page)| page.lines().any(|line| line.starts_with(name)))
    }

    const QUICK: &str = "receivers.ebpf_metrics.collection_interval=100ms";

    #[test]
    fn sighup_replaces_an_exporter_and_leaves_the_programs_of_the_receivers_alone() {
        let mut agent = Agent::start_over("", &[QUICK]);
        let before = programs(&agent);
        agent.wait_for("the first page", |agent| shows(agent, "system_cpu_time"));
        agent.rewrite("exporters: {prometheus: {namespace: again}}");
        agent.wait_for("the new exporter's page", |agent| shows(agent, "again_system_cpu_time"));
        assert!(agent.errors().contains("Config updated"), "{}", agent.errors());
        assert_eq!(programs(&agent), before);
        agent.signal(libc::SIGHUP);
        agent.wait_for("the answer", |agent| agent.errors().contains("nothing restarted"));
        assert_eq!(programs(&agent), before);
    }

    #[test]
    fn sighup_with_a_bad_file_says_every_fault_and_what_ran_goes_on() {
        let mut agent = Agent::start_over("", &[QUICK]);
        let before = programs(&agent);
        agent.rewrite("exporters: {prometheus: {namespase: x}, file: {append: 1}}");
        agent.wait_for("both faults", |agent| {
            let said = agent.errors();
            said.contains("exporters::prometheus: unknown key") && said.contains("exporters::file::append")
        });
        agent.rewrite("]");
        agent.wait_for("the third fault", |agent| agent.errors().matches("what ran before goes on").count() >= 3);
        assert_eq!(programs(&agent), before);
        let lines = agent.lines().len();
        agent.wait_for("more values", |agent| agent.lines().len() > lines);
        agent.rewrite("exporters: {prometheus: {namespace: mended}}");
        agent.wait_for("the mended page", |agent| shows(agent, "mended_system_cpu_time"));
    }

    #[test]
    fn sighup_to_a_port_in_use_goes_back_to_what_ran() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let mut agent = Agent::start_over("", &[QUICK]);
        let before = programs(&agent);
        agent.rewrite(&format!(
            "{{exporters: {{prometheus: {{namespace: new}}, prometheus/2: {{endpoint: '{address}'}}}}, \
             service: {{pipelines: {{metrics: {{exporters: [prometheus, file, prometheus/2]}}}}}}}}"
        ));
        let wanted = format!("cannot start exporter prometheus/2: cannot listen on {address}");
        agent.wait_for("the reason", |agent| agent.errors().contains(&wanted));
        agent.wait_for("the former page", |agent| shows(agent, "system_cpu_time"));
        assert!(!shows(&agent, "new_"), "{}", agent.errors());
        assert_eq!(programs(&agent), before);
        assert_eq!(crate::agent::get(agent.health, "/").unwrap().0, 200);
        drop(taken);
        agent.signal(libc::SIGHUP);
        agent.wait_for("the new page", |agent| shows(agent, "new_system_cpu_time"));
    }

    #[test]
    fn without_rights_it_says_which_are_missing_and_does_not_start() {
        // A copy that an unprivileged user can reach.
        let folder = std::env::temp_dir().join(format!("kpulse-rights-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let program = folder.join("kpulse");
        std::fs::copy(env!("CARGO_BIN_EXE_kpulse"), &program).unwrap();
        let text = "yaml:{receivers: {ebpf_metrics: {scrapers: {runqlat: }}}, exporters: {debug: }, service: {telemetry: \
                    {metrics: {readers: []}}, pipelines: {metrics: {receivers: [ebpf_metrics], exporters: [debug]}}}}";
        let output = std::process::Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"])
            .arg(&program)
            .args(["--config", text])
            .output()
            .unwrap();
        std::fs::remove_dir_all(folder).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        let wanted =
            "Error: cannot start pipelines: cannot start receiver ebpf_metrics: not allowed to load eBPF: run as root";
        assert!(said.contains(wanted), "{said}");
    }

    #[test]
    fn doctor_names_the_live_hook_of_every_feature() {
        let output = kpulse(&["doctor", "--format", "json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let findings: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let probes = findings["probes"].as_array().unwrap();
        assert!(probes.len() >= 5, "{}", probes.len());
        for feature in probes.iter().flat_map(|probe| probe["features"].as_array().unwrap()) {
            assert!(feature["live"].is_string(), "{feature}");
        }
        let text = kpulse(&["doctor"]).stdout;
        assert!(String::from_utf8_lossy(&text).contains("tp_btf/sched_switch"));
    }
}
