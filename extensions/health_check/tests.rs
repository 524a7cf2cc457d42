use std::time::{Instant, SystemTime};

use pipeline::{Health, Phase};
use serde_json::Value;
use transport::{Parts, Request};

use super::{Config, ResponseBody};

fn ready() -> Health {
    Health { phase: Phase::Ready { since: SystemTime::now(), at: Instant::now() }, ..Health::default() }
}

fn asked(config: &Config, path: &str, health: &Health) -> (u16, String) {
    let request: Parts = Request::builder().uri(path).body(()).unwrap().into_parts().0;
    let page = config.answer(&request, health);
    (page.status.as_u16(), String::from_utf8(page.body.to_vec()).unwrap())
}

#[test]
fn it_is_red_before_the_start_is_over_and_from_the_beginning_of_the_stop() {
    let config = Config::default();
    let red = r#"{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}"#;
    assert_eq!(asked(&config, "/", &Health::default()), (503, red.into()));
    let stopping = Health { phase: Phase::Stopping, ..Health::default() };
    assert_eq!(asked(&config, "/", &stopping), (503, red.into()));
    let (status, body) = asked(&config, "/", &ready());
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, body["status"].as_str()), (200, Some("Server available")));
    assert!(body["upSince"].as_str().unwrap().starts_with("20"), "{body}");
    assert!(body["uptime"].as_str().unwrap().ends_with('s'), "{body}");
}

#[test]
fn a_fault_makes_it_red_and_is_named() {
    let health = Health { faults: vec!["otlp panicked: \"x\"".into()], ..ready() };
    let (status, body) = asked(&Config::default(), "/", &health);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["faults"][0]), (503, &Value::from("otlp panicked: \"x\"")));
}

#[test]
fn the_answer_is_at_its_path_and_below_only_if_that_ends_in_a_slash() {
    let at = |path: &str| Config { path: path.into(), ..Config::default() };
    for (path, asked_for, wanted) in
        [("/", "/any/thing", 200), ("/health", "/health", 200), ("/health", "/health/", 404), ("/a/", "/a/b", 200)]
    {
        assert_eq!(asked(&at(path), asked_for, &ready()).0, wanted, "{path} {asked_for}");
    }
}

#[test]
fn own_bodies_replace_the_object() {
    let body = ResponseBody { healthy: "fine".into(), unhealthy: "ill".into() };
    let config = Config { response_body: Some(body), ..Config::default() };
    assert_eq!(asked(&config, "/", &ready()), (200, "fine".into()));
    assert_eq!(asked(&config, "/", &Health::default()), (503, "ill".into()));
}
