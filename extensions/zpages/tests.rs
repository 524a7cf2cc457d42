use std::time::{Instant, SystemTime};

use config::Decoder;
use pipeline::{Health, Layout, Phase, PipelineSettings, Signal, Telemetry};
use tokio::sync::watch;

use super::pages::Pages;
use super::{Config, Expvar, FACTORY};

fn health() -> Health {
    let ids = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect();
    let pipeline = PipelineSettings {
        signal: Signal::Logs,
        receivers: ids(&["otlp", "ebpf_events"]),
        processors: ids(&["memory_limiter", "batch"]),
        exporters: ids(&["debug"]),
    };
    let pipelines = vec![("logs/\"a&b\"".parse().unwrap(), pipeline)];
    let layout = Layout { extensions: ids(&["zpages", "health_check/x"]), pipelines };
    let phase = Phase::Ready { since: SystemTime::UNIX_EPOCH, at: Instant::now() };
    Health { phase, faults: vec!["otlp panicked: <b>".into()], layout }
}

fn page(config: &Config, path: &str) -> (u16, &'static str, String) {
    let (_sender, health) = watch::channel(health());
    let pages = Pages::new(health, Telemetry::new("test").with_live_bytes(|| 4711), config);
    let (status, kind, text) = pages.page(path);
    (status.as_u16(), kind, text)
}

fn has(path: &str, wanted: &[&str]) {
    let (status, kind, text) = page(&Config::default(), path);
    assert_eq!((status, kind), (200, "text/html; charset=utf-8"));
    for wanted in wanted {
        assert!(text.contains(wanted), "{path}: no {wanted:?} in {text}");
    }
}

#[test]
fn pages_say_what_runs_and_escape_what_others_wrote() {
    has("/debug/servicez", &["<td>running, with faults</td>", "1970-01-01T00:00:00Z", "otlp panicked: &lt;b&gt;"]);
    let row = "<td>logs/&quot;a&amp;b&quot;</td><td>logs</td><td>otlp<br>ebpf_events</td><td>memory_limiter \u{2192} batch</td><td>debug</td>";
    has("/debug/pipelinez", &[row, "href=\"servicez\""]);
    has("/debug/extensionz", &["<td>zpages</td>", "<td>health_check/x</td>"]);
    has(
        "/debug/featurez",
        &["<td>service.profilesSupport</td><td>true</td><td>Alpha</td>", "profiles are a signal like the others"],
    );
}

#[test]
fn without_own_traces_there_is_no_page_of_spans_but_the_reason() {
    let (status, _, text) = page(&Config::default(), "/debug/tracez");
    assert_eq!(status, 404);
    assert!(text.contains("service::telemetry::traces has no processors"), "{text}");
    assert_eq!(page(&Config::default(), "/").0, 404);
}

#[test]
fn variables_are_shown_only_if_that_is_wanted() {
    assert_eq!(page(&Config::default(), "/debug/expvarz").0, 404);
    let config = Config { expvar: Expvar { enabled: true }, ..Config::default() };
    let (status, kind, text) = page(&config, "/debug/expvarz");
    assert_eq!((status, kind), (200, "application/json; charset=utf-8"));
    let variables: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(variables["memstats"]["Alloc"], 4711);
    assert!(!variables["cmdline"].as_array().unwrap().is_empty());
}

#[test]
fn an_endpoint_without_a_port_is_refused() {
    let mut decoder = Decoder::default();
    let config = (FACTORY.decode)(&config::parse("endpoint: ''", &"test".into()).unwrap(), &mut decoder);
    config.validate(&mut decoder);
    let faults = decoder.finish().to_string();
    assert!(faults.contains("endpoint: must be host:port"), "{faults}");
}
