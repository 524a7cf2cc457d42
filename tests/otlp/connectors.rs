//! Connectors: what one pipeline hands to others arrives there, once each, also at the end.

use crate::agent::Agent;
use crate::client::post;
use crate::{address, requests};

const CONNECTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/otlp/connected.yaml");

fn send(agent: &Agent) {
    let said = post(address(agent, "http"), "/v1/logs", "application/json", requests()[2].2.to_string().as_bytes());
    assert_eq!(said.status, 200, "{}", said.text());
}

/// How many records came each way.
fn came(agent: &Agent) -> [usize; 2] {
    let text: String = agent.lines().iter().map(ToString::to_string).collect();
    let parts: Vec<_> = text.split(r#""resource":"#).collect();
    ["a", "b"].map(|way| {
        let value = format!(r#"{{"key":"way","value":{{"stringValue":"{way}"}}}}"#);
        let on = parts.iter().filter(|part| part.contains(&value));
        on.map(|part| part.matches("observedTimeUnixNano").count().max(part.matches(r#""severityNumber":9"#).count()))
            .sum()
    })
}

#[test]
fn what_every_stage_still_holds_goes_all_the_way_at_the_stop() {
    let mut agent = Agent::start_with(CONNECTED, &[]);
    for _ in 0..5 {
        send(&agent);
    }
    assert!(agent.lines().is_empty());
    agent.signal(libc::SIGTERM);
    assert!(agent.ended().success(), "{}", agent.errors());
    assert_eq!(came(&agent), [5, 5]);
}

#[test]
fn a_reload_behind_a_connector_restarts_what_stands_before_it_and_loses_nothing() {
    let quick = "processors.batch.timeout=10ms";
    let mut agent = Agent::start_with(CONNECTED, &[quick]);
    send(&agent);
    agent.wait_for("the first", |agent| came(agent) == [1, 1]);
    agent.rewrite("processors: {batch: {send_batch_size: 5}}");
    agent.wait_for("the reload", |agent| agent.errors().contains("connectors::forward/joined"));
    send(&agent);
    agent.wait_for("the second", |agent| came(agent) == [2, 2]);
    // Only what stands before the changed processor's pipelines has to go with them.
    agent.rewrite("processors: {batch: {send_batch_size: 5}}\nservice: {telemetry: {logs: {level: debug}}}");
    agent.wait_for("nothing to restart", |agent| agent.errors().contains("nothing restarted"));
}
