use std::time::Duration;

use crate::elasticsearch::date;
use crate::elasticsearch::endpoints;
use crate::elasticsearch::route::Router;
use crate::elasticsearch::settings::Config;
use crate::tests::attribute;

fn router() -> Router {
    Router { kind: "logs", fixed: String::new(), suffix: ".otel", logstash: None }
}

#[test]
fn attributes_of_the_item_win_over_those_of_scope_and_resource() {
    let (router, resource, scope) =
        (router(), [attribute("data_stream.namespace", "prod")], [attribute("data_stream.dataset", "scope")]);
    let within = router.within(&resource, &scope, "x");
    assert_eq!(within.index(&[]).name, "logs-scope.otel-prod");
    assert_eq!(within.index(&[attribute("data_stream.dataset", "item")]).name, "logs-item.otel-prod");
    assert_eq!(within.index(&[attribute("elasticsearch.index", "own")]).name, "own");
    assert_eq!(within.index(&[attribute("elasticsearch.index", "own")]).stream, None);
}

#[test]
fn without_attributes_documents_go_to_the_generic_stream_or_the_receivers_own() {
    let router = router();
    assert_eq!(router.within(&[], &[], "").index(&[]).name, "logs-generic.otel-default");
    let scope = "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/hostmetricsreceiver/internal/cpu";
    assert_eq!(router.within(&[], &[], scope).index(&[]).name, "logs-hostmetricsreceiver.otel-default");
    let fixed = Router { fixed: "mine".into(), ..router };
    assert_eq!(fixed.within(&[], &[], "").index(&[attribute("data_stream.dataset", "x")]).name, "mine");
}

#[test]
fn names_become_what_elasticsearch_allows() {
    let router = router();
    let index = |dataset: &str, namespace: &str| {
        let scope = [attribute("data_stream.dataset", dataset), attribute("data_stream.namespace", namespace)];
        router.within(&[], &scope, "").index(&[]).name.clone()
    };
    assert_eq!(index("A-b/c*", "X-y:z"), "logs-a_b_c_.otel-x-y_z");
    let long = index(&"ä".repeat(90), &"n".repeat(200));
    assert_eq!(long, format!("logs-{}.otel-{}", "ä".repeat(47), "n".repeat(100)));
}

#[test]
fn dates_are_written_as_strftime_writes_them() {
    let at = |days: u64, seconds: u64| Duration::from_secs(days * 86_400 + seconds);
    assert_eq!(date::write("%Y.%m.%d", at(0, 0)).unwrap(), "1970.01.01");
    assert_eq!(date::write("%Y.%m.%d %H:%M:%S %j%%", at(19_782, 3_723)).unwrap(), "2024.02.29 01:02:03 060%");
    assert_eq!(date::write("%F %y", at(11_016, 86_399)).unwrap(), "2000-02-29 00");
    assert_eq!(date::write("%F", at(20_453, 0)).unwrap(), "2025-12-31");
    assert!(date::write("%Q", at(0, 0)).is_err() && date::write("%", at(0, 0)).is_err());
}

#[test]
fn endpoints_keep_their_paths_and_parameters() {
    let config = Config {
        endpoint: "https://host:9243/base/?routing=a".into(),
        pipeline: "a b".into(),
        bulk_response_filter_path: "items.*.status".into(),
        include_source_on_error: Some(false),
        ..Config::default()
    };
    let wanted = "https://host:9243/base/_bulk?routing=a&filter_path=items.*.status&include_source_on_error=false&pipeline=a%20b";
    assert_eq!(endpoints::of(&config).unwrap(), [wanted]);
}

#[test]
fn a_cloud_id_holds_the_host() {
    let id = |text: &str| {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        let cloudid = format!("name:{encoded}");
        endpoints::of(&Config { cloudid, bulk_response_filter_path: String::new(), ..Config::default() })
    };
    assert_eq!(id("eu.example.org$abc$kib").unwrap(), ["https://abc.eu.example.org:443/_bulk"]);
    assert_eq!(id("eu.example.org:9243$abc").unwrap(), ["https://abc.eu.example.org:9243/_bulk"]);
    assert_eq!(id("eu.example.org").unwrap_err().key, Some("cloudid"));
}
