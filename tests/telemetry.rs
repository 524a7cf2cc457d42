//! What kpulse says of itself: log lines and metrics in the Collector's forms.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;

use agent::kpulse;

#[test]
fn a_log_file_that_cannot_be_opened_is_a_start_error() {
    let text = "yaml:{receivers: {ebpf_metrics: {scrapers: {load: }}}, exporters: {debug: }, service: {telemetry: {logs: \
                {output_paths: [/nowhere/at/all]}}, pipelines: {metrics: {receivers: [ebpf_metrics], exporters: [debug]}}}}";
    let output = kpulse(&["--config", text]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("Error: cannot open log output \"/nowhere/at/all\": "), "{said}");
}

mod kernel {
    use serde_json::Value;

    use crate::agent::{Agent, scrape};

    const READY: &str = "Everything is ready. Begin running and processing data.";

    #[test]
    fn console_lines_have_five_parts_between_tabs() {
        let agent =
            Agent::start(&["service.telemetry.resource={a.b: c}", "service.telemetry.logs.initial_fields={z: 1}"]);
        let said = agent.errors();
        let line = said.lines().find(|line| line.contains(READY)).unwrap();
        let [time, level, caller, message, fields] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert!(time.len() >= 24 && time.as_bytes()[10] == b'T' && time.as_bytes()[19] == b'.', "{time}");
        let (file, number) = caller.split_once(':').unwrap();
        assert!(file.matches('/').count() == 1 && number.parse::<u32>().is_ok(), "{caller}");
        assert_eq!((level, message), ("info", READY));
        assert!(fields.starts_with(r#"{"z": 1, "resource": {"a.b": "c", "service.instance.id": ""#), "{fields}");
        assert!(fields.ends_with(r#"", "service.name": "kpulse", "service.version": "0.1.0"}}"#), "{fields}");
    }

    #[test]
    fn json_lines_and_the_page_name_the_same_instance_and_components_name_themselves() {
        let settings = [
            "service.telemetry.logs={encoding: json, level: debug}",
            "receivers.ebpf_metrics.collection_interval=100ms",
            "exporters.file.path=/dev/full",
        ];
        let mut agent = Agent::start(&settings);
        agent.wait_for("a line of a component", |agent| agent.errors().contains("otelcol.component.id"));
        let said = agent.errors();
        let whole = said.lines().filter(|line| line.ends_with('}'));
        let lines: Vec<Value> =
            whole.map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect();
        let ready = lines.iter().find(|line| line["msg"] == READY).unwrap();
        assert_eq!((&ready["level"], &ready["resource"]["service.name"]), (&"info".into(), &"kpulse".into()));
        let instance = ready["resource"]["service.instance.id"].as_str().unwrap();
        let component = lines.iter().find(|line| line["otelcol.component.id"].is_string()).unwrap();
        assert!(component["otelcol.component.kind"].is_string(), "{component}");
        let page = scrape(agent.own);
        let wanted = format!(
            "target_info{{service_instance_id=\"{instance}\",service_name=\"kpulse\",service_version=\"0.1.0\"}} 1\n"
        );
        assert!(page.contains(&wanted), "{page}");
        assert!(page.contains("\notelcol_process_uptime ") && !page.contains("_total{"), "{page}");
    }

    /// Every line to the agent's own receiver and from there into its file, at the level where each request has lines.
    const TO_ITSELF: &str = "
receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}}}}
service:
  telemetry: {logs: {level: debug, sampling: {enabled: false}}}
  pipelines: {logs/own: {receivers: [otlp], exporters: [file]}}
";

    #[test]
    fn own_log_records_arrive_once_and_what_is_said_about_sending_them_is_not_sent() {
        let mut agent = Agent::start_over(TO_ITSELF, &[]);
        let said = agent.errors();
        let address = said.split("\"address\": \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let exporter = format!("{{otlp: {{protocol: grpc, endpoint: 'http://{address}', compression: gzip}}}}");
        agent.rewrite(&TO_ITSELF.replace(
            "level: debug,",
            &format!("level: debug, processors: [{{batch: {{schedule_delay: 10, exporter: {exporter}}}}}],"),
        ));
        let records = |agent: &Agent| -> Vec<Value> {
            let lines = agent.lines();
            let logs = lines.iter().filter_map(|line| line["resourceLogs"].as_array()).flatten();
            let scopes = logs.filter_map(|resource| resource["scopeLogs"].as_array()).flatten();
            scopes.filter_map(|scope| scope["logRecords"].as_array()).flatten().cloned().collect()
        };
        let of = |record: &Value, text: &str| record["body"]["stringValue"].as_str() == Some(text);
        agent.wait_for("its own record", |agent| {
            records(agent).iter().any(|record| of(record, "Config is the same, nothing restarted"))
        });
        let before = agent.own_metric("otelcol_receiver_accepted_log_records{receiver=\"otlp\",transport=\"grpc\"}");
        // If requests were told of, each of them would make the next one.
        std::thread::sleep(std::time::Duration::from_millis(500));
        let after = agent.own_metric("otelcol_receiver_accepted_log_records{receiver=\"otlp\",transport=\"grpc\"}");
        assert!(after < before + 40, "{before} records became {after}");
        let all = records(&agent);
        let one = all.iter().filter(|record| of(record, "Config is the same, nothing restarted"));
        assert_eq!(one.count(), 1);
    }

    #[test]
    fn sighup_changes_level_and_encoding_of_what_runs() {
        let mut agent = Agent::start_over("", &[]);
        agent.rewrite("service: {telemetry: {logs: {encoding: json, disable_caller: true}}}");
        agent.wait_for("a JSON line", |agent| agent.errors().contains("\"msg\":\"Config is the same"));
        let said = agent.errors();
        let line: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        assert!(line["caller"].is_null(), "{line}");
        agent.rewrite("service: {telemetry: {logs: {level: error}}}");
        agent.rewrite("service: {telemetry: {logs: {level: info}}}");
        let shown = "Config is the same";
        agent.wait_for("the level that shows it", |agent| agent.errors().matches(shown).count() >= 2);
    }
}
