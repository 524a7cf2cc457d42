use std::time::Duration;

use pipeline::{Batch, Signal};
use tokio::time::sleep;

use super::FACTORY;
use crate::tests::{Fed, batch, decoded, start};

const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const PRODUCER: u8 = 4;
const CONSUMER: u8 = 5;
const FAILED: &str = r#","status":{"code":2}"#;

/// A span of one trace, with an id and its parent's (0 is none), and more of its JSON.
fn span(service: &str, kind: u8, ids: (u8, u8), milliseconds: u64, more: &str) -> Batch {
    let end = 1_000_000_000 + milliseconds * 1_000_000;
    let id = |id: u8| if id == 0 { String::new() } else { format!("{id:016x}") };
    let (own, parent) = (id(ids.0), id(ids.1));
    let ids = format!(r#""traceId":"000102030405060708090a0b0c0d0e0f","spanId":"{own}","parentSpanId":"{parent}""#);
    let service = format!(r#"{{"key":"service.name","value":{{"stringValue":"{service}"}}}}"#);
    let span = format!(r#"{{{ids},"kind":{kind},"startTimeUnixNano":"1000000000","endTimeUnixNano":"{end}"{more}}}"#);
    let scope = format!(r#"{{"spans":[{span}]}}"#);
    let outer = format!(r#"{{"resource":{{"attributes":[{service}]}},"scopeSpans":[{scope}]}}"#);
    batch(Signal::Traces, &format!(r#"{{"resourceSpans":[{outer}]}}"#))
}

/// Attributes of a span as JSON.
fn attributes(pairs: &[(&str, &str)]) -> String {
    let one = |(key, value): &(&str, &str)| format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#);
    format!(r#","attributes":[{}]"#, pairs.iter().map(one).collect::<Vec<_>>().join(","))
}

async fn fed(more: &str, spans: Vec<Batch>) -> Fed {
    let fed = start(&FACTORY, &format!("{{metrics_flush_interval: 10s{more}}}"), Signal::Traces);
    for span in spans {
        fed.edge.send(span).await.unwrap();
    }
    fed
}

/// The points of requests in all, without their name.
async fn totals(fed: &Fed) -> Vec<String> {
    sleep(Duration::from_secs(11)).await;
    let points = fed.points().into_iter();
    points.filter_map(|line| Some(line.strip_prefix("traces_service_graph_request_total")?.to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_clients_span_and_the_servers_below_it_are_an_edge_in_any_order() {
    let pair = || vec![span("web", CLIENT, (1, 9), 30, ""), span("shop", SERVER, (2, 1), 20, "")];
    let both = pair().into_iter().chain(pair().into_iter().rev());
    let fed = fed("", both.collect()).await;
    sleep(Duration::from_secs(11)).await;
    let key = "{client=web,server=shop,connection_type=,failed=false}";
    let wanted = ["client", "server", "total"].map(|name| format!("traces_service_graph_request_{name}{key} 2"));
    assert_eq!(fed.points(), wanted);
    assert_eq!(fed.count("otelcol_connector_servicegraph_total_edges", "service_graph"), 2);
    assert_eq!(fed.count("otelcol_connector_servicegraph_expired_edges", "service_graph"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_is_an_edge_with_each_message_that_it_links_to() {
    let link = |id: u8| format!(r#"{{"traceId":"000102030405060708090a0b0c0d0e0f","spanId":"{id:016x}"}}"#);
    let links = |ids: &[u8]| format!(r#","links":[{}]"#, ids.iter().map(|id| link(*id)).collect::<Vec<_>>().join(","));
    let spans = vec![
        span("web", PRODUCER, (1, 9), 30, ""),
        span("mail", CONSUMER, (5, 0), 20, &links(&[1, 2, 2])),
        span("shop", PRODUCER, (2, 9), 30, ""),
        span("shop", PRODUCER, (3, 9), 30, ""),
        span("audit", CONSUMER, (6, 3), 20, &links(&[3])),
    ];
    let totals = totals(&fed("", spans).await).await;
    let edge =
        |client, server| format!("{{client={client},server={server},connection_type=messaging_system,failed=false}} 1");
    assert_eq!(totals, [edge("shop", "audit"), edge("shop", "mail"), edge("web", "mail")]);
}

#[tokio::test(start_paused = true)]
async fn lengths_are_in_seconds_and_of_either_side() {
    let fed = fed("", vec![span("web", CLIENT, (1, 9), 3000, ""), span("shop", SERVER, (2, 1), 7, "")]).await;
    sleep(Duration::from_secs(11)).await;
    let metrics = fed.out()[0]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].clone();
    let sum = |at: usize| (metrics[at]["unit"].clone(), metrics[at]["histogram"]["dataPoints"][0]["sum"].clone());
    assert_eq!((sum(1), sum(2)), (("s".into(), 0.007.into()), ("s".into(), 3.0.into())));
    let counts = metrics[1]["histogram"]["dataPoints"][0]["bucketCounts"].as_array().unwrap();
    assert_eq!(counts.iter().position(|count| count == "1"), Some(3));
}

#[tokio::test(start_paused = true)]
async fn messages_and_databases_are_edges_and_failures_and_dimensions_tell_them_apart() {
    let method = attributes(&[("method", "GET")]);
    let database = attributes(&[("db.name", "orders"), ("method", "SELECT")]);
    let fed = fed(
        ", dimensions: [method, service.name]",
        vec![
            span("web", PRODUCER, (1, 9), 1, ""),
            span("mail", CONSUMER, (2, 1), 1, FAILED),
            span("web", CLIENT, (3, 9), 1, &database),
            span("web", CLIENT, (4, 9), 1, &method),
            span("shop", SERVER, (5, 4), 1, ""),
        ],
    )
    .await;
    assert_eq!(
        totals(&fed).await,
        [
            "{client=web,server=mail,connection_type=messaging_system,failed=true,client_service.name=web,server_service.name=mail} 1",
            "{client=web,server=orders,connection_type=database,failed=false,client_method=SELECT,client_service.name=web} 1",
            "{client=web,server=shop,connection_type=,failed=false,client_method=GET,client_service.name=web,server_service.name=shop} 1",
        ]
    );
    sleep(Duration::from_secs(10)).await;
    let failed: Vec<_> = fed.points().into_iter().filter(|line| line.contains("_failed_total")).collect();
    assert!(failed.len() == 1 && failed[0].contains("server=mail"), "{failed:?}");
}

#[tokio::test(start_paused = true)]
async fn an_edge_whose_other_side_does_not_come_leads_to_a_virtual_node_or_nowhere() {
    let spans = || {
        vec![
            span("web", CLIENT, (1, 9), 1, &attributes(&[("peer.service", "bank"), ("db.system", "x")])),
            span("web", CLIENT, (2, 9), 1, ""),
            span("shop", SERVER, (3, 0), 1, ""),
            span("shop", SERVER, (4, 8), 1, ""),
            span("web", 1, (5, 0), 1, ""),
        ]
    };
    let labelled = fed(", virtual_node_extra_label: true", spans()).await;
    assert_eq!(
        totals(&labelled).await,
        [
            "{client=user,server=shop,connection_type=virtual_node,failed=false,virtual_node=client} 1",
            "{client=web,server=bank,connection_type=virtual_node,failed=false,virtual_node=server} 1",
            "{client=web,server=unknown,connection_type=virtual_node,failed=false,virtual_node=server} 1",
        ]
    );
    assert_eq!(labelled.count("otelcol_connector_servicegraph_expired_edges", "service_graph"), 4);
    let without = fed(", virtual_node_peer_attributes: []", spans()).await;
    assert_eq!(totals(&without).await, [""; 0]);
    assert_eq!(without.count("otelcol_connector_servicegraph_expired_edges", "service_graph"), 4);
}

#[tokio::test(start_paused = true)]
async fn spans_that_find_no_room_are_counted_until_others_have_waited_long_enough() {
    let waiting = || (1..=5).map(|id| span("web", CLIENT, (id, 9), 1, "")).collect();
    let fed =
        fed(", store: {max_items: 3, ttl: 1s}, store_expiration_loop: 1h, virtual_node_peer_attributes: []", waiting())
            .await;
    assert_eq!(fed.count("otelcol_connector_servicegraph_dropped_spans", "service_graph"), 2);
    sleep(Duration::from_secs(2)).await;
    fed.edge.send(span("web", CLIENT, (7, 9), 1, "")).await.unwrap();
    assert_eq!(fed.count("otelcol_connector_servicegraph_dropped_spans", "service_graph"), 2);
    assert_eq!(fed.count("otelcol_connector_servicegraph_expired_edges", "service_graph"), 3);
}

#[tokio::test(start_paused = true)]
async fn without_an_interval_metrics_come_with_each_batch_and_values_go_on() {
    let fed = start(&FACTORY, "{metrics_flush_interval: 0s, exponential_histogram_max_size: 10}", Signal::Traces);
    for wanted in 1..=3 {
        fed.edge.send(span("web", CLIENT, (1, 9), 1, &attributes(&[("db.name", "d")]))).await.unwrap();
        let key = "{client=web,server=d,connection_type=database,failed=false}";
        let names = ["client", "server", "total"];
        assert_eq!(fed.points(), names.map(|name| format!("traces_service_graph_request_{name}{key} {wanted}")));
    }
}

#[tokio::test(start_paused = true)]
async fn series_without_edges_are_forgotten_after_a_while() {
    let fed = fed("", vec![span("web", CLIENT, (1, 9), 1, &attributes(&[("db.name", "d")]))]).await;
    assert_eq!(totals(&fed).await.len(), 1);
    sleep(Duration::from_secs(17 * 60)).await;
    fed.out();
    assert_eq!(totals(&fed).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn at_a_stop_metrics_are_handed_over_and_what_still_waits_is_counted() {
    let spans = vec![span("web", CLIENT, (1, 9), 1, &attributes(&[("db", "d")])), span("web", CLIENT, (2, 9), 1, "")];
    let Fed { edge, tasks, telemetry, out } = fed(", database_name_attributes: [database, db]", spans).await;
    tasks.end(Duration::from_secs(1)).await;
    let after = Fed { edge, tasks: pipeline::Tasks::default(), telemetry, out };
    assert_eq!(after.points().len(), 3);
    assert_eq!(after.count("kpulse_connector_dropped_items", "shutdown"), 1);
}

#[test]
fn what_cannot_be_is_told_with_its_path() {
    for (text, wanted) in [
        ("{store: {max_items: 0}}", "store::max_items: must be greater than 0"),
        (
            "{latency_histogram_buckets: [1ms], exponential_histogram_max_size: 5}",
            "exponential_histogram_max_size: cannot be",
        ),
        ("{latency_histogram_buckets: [fast]}", "latency_histogram_buckets::0: "),
        ("{exponential_histogram_max_size: -1}", "exponential_histogram_max_size: -1 is out of range"),
        ("{dimension: [a]}", "unknown key \"dimension\"; did you mean \"dimensions\"?"),
    ] {
        let faults = decoded(&FACTORY, text).1;
        assert!(faults.contains(wanted) && faults.lines().count() == 1, "{text}: {faults}");
    }
}
