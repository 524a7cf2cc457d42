use std::time::Duration;

use pipeline::{Next, Rejected};
use tokio::time::{sleep, timeout};

use super::*;

const BY_NAME: &str = "{name: a, type: ottl_condition, ottl_condition: {span: ['name == \"keep\"']}}";

fn config(more: &str) -> String {
    format!("{{decision_wait: 5s, policies: [{BY_NAME}]{more}}}")
}

#[tokio::test(start_paused = true)]
async fn a_trace_waits_for_its_spans_and_what_comes_later_goes_its_way() {
    let sampling = start(&config(""));
    sampling.send(vec![span(1, "first", true), span(2, "other", true)]).await;
    sleep(Duration::from_secs(3)).await;
    sampling.send(vec![span(1, "keep", false)]).await;
    assert_eq!(sampling.out(), [""; 0]);
    sleep(Duration::from_secs(3)).await;
    assert_eq!(sampling.out(), ["first", "keep"]);
    assert_eq!((sampling.lost("not_sampled"), sampling.count("global_count_traces_sampled", "sampled")), (1, 2));
    sampling.send(vec![span(1, "late", false), span(2, "keep", false)]).await;
    assert_eq!(sampling.out(), ["late"]);
    assert_eq!((sampling.lost("not_sampled"), sampling.count("new_trace_id_received", "processor")), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_trace_waits_less_when_its_root_has_come() {
    let sampling = start(&config(", decision_wait_after_root_received: 1s"));
    sampling.send(vec![span(1, "keep", false)]).await;
    sleep(Duration::from_millis(1500)).await;
    assert_eq!(sampling.out(), [""; 0]);
    sampling.send(vec![span(1, "root", true)]).await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(sampling.out(), ["keep", "root"]);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(sampling.out(), [""; 0], "it is decided once");
}

#[tokio::test(start_paused = true)]
async fn the_oldest_trace_makes_room_and_is_counted() {
    let sampling = start(&config(", num_traces: 2"));
    for trace in 1..=5 {
        sampling.send(vec![span(trace, "keep", true), span(trace, "more", false)]).await;
    }
    sleep(Duration::from_secs(7)).await;
    assert_eq!(sampling.out(), ["keep", "more", "keep", "more"]);
    assert_eq!((sampling.lost("evicted"), sampling.count("dropped_too_early", "processor")), (6, 3));
}

#[tokio::test(start_paused = true)]
async fn with_block_on_overflow_senders_wait_and_nothing_is_lost() {
    let sampling = start(&config(", num_traces: 2, block_on_overflow: true"));
    let all = async {
        for trace in 1..=50 {
            sampling.send(vec![span(trace, "keep", true)]).await;
        }
    };
    timeout(Duration::from_secs(1000), all).await.unwrap();
    sleep(Duration::from_secs(1000)).await;
    assert_eq!((sampling.out().len(), sampling.lost("evicted")), (50, 0));
}

#[tokio::test(start_paused = true)]
async fn decisions_are_remembered_longer_than_their_traces() {
    let caches = "decision_cache: {sampled_cache_size: 10, non_sampled_cache_size: 10}";
    let sampling = start(&config(&format!(", num_traces: 2, {caches}")));
    sampling.send(vec![span(1, "keep", true), span(2, "no", true)]).await;
    sleep(Duration::from_secs(7)).await;
    for trace in 3..8 {
        sampling.send(vec![span(trace, "no", true)]).await;
    }
    sampling.out();
    sampling.send(vec![span(1, "late", false), span(2, "keep", false)]).await;
    assert_eq!(sampling.out(), ["late"]);
    assert_eq!(sampling.count("early_releases_from_cache_decision", "true"), 1);
    assert_eq!(sampling.count("early_releases_from_cache_decision", "false"), 1);
}

#[tokio::test(start_paused = true)]
async fn at_a_stop_all_that_wait_are_decided_or_dropped_if_that_is_wanted() {
    for (more, out, lost) in [("", 2, 0), (", drop_pending_traces_on_shutdown: true", 0, 3)] {
        let sampling = start(&config(more));
        sampling.send(vec![span(1, "keep", true), span(1, "more", false), span(2, "no", true)]).await;
        let Sampling { edge, tasks, telemetry, out: seen } = sampling;
        drop(edge);
        tasks.end(Duration::from_secs(1)).await;
        assert_eq!(seen.lock().unwrap().len(), out, "{more}");
        let after = Sampling { edge: Next::fan_out(Vec::new()), tasks: Tasks::default(), telemetry, out: seen };
        assert_eq!(after.lost("shutdown"), lost);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_stop_has_no_time_for_is_counted() {
    let sampling = start_before(&config(""), Arc::default(), Next::from_fn(|_| std::future::pending()));
    sampling.send(vec![span(1, "keep", true), span(1, "more", false)]).await;
    sampling.tasks.end(Duration::from_secs(1)).await;
    let after = Sampling {
        edge: Next::fan_out(Vec::new()),
        tasks: Tasks::default(),
        telemetry: sampling.telemetry,
        out: Arc::default(),
    };
    assert_eq!(after.lost("shutdown"), 2);
}

#[tokio::test(start_paused = true)]
async fn what_the_next_component_refuses_is_counted() {
    let failing = Next::from_fn(|_| async { Err(Rejected::permanent("no")) });
    let sampling = start_before(&config(""), Arc::default(), failing);
    sampling.send(vec![span(1, "keep", true)]).await;
    sleep(Duration::from_secs(7)).await;
    assert_eq!(sampling.lost("permanent"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_trace_that_grows_too_large_goes_at_once() {
    let sampling = start(&config(", maximum_trace_size_bytes: 300"));
    sampling.send(vec![span(1, "keep", true), span(2, "keep", true)]).await;
    for _ in 0..6 {
        sampling.send(vec![span(1, "more", false)]).await;
    }
    sleep(Duration::from_secs(7)).await;
    assert_eq!(sampling.out(), ["keep"]);
    assert_eq!(
        (sampling.lost("too_large") + sampling.lost("not_sampled"), sampling.count("dropped_too_large", "processor")),
        (7, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn with_span_ingest_a_trace_goes_on_as_soon_as_a_policy_wants_it() {
    let sampling = start(&config(", sampling_strategy: span-ingest"));
    sampling.send(vec![span(1, "first", true), span(2, "first", true)]).await;
    assert_eq!(sampling.out(), [""; 0]);
    sampling.send(vec![span(1, "keep", false)]).await;
    assert_eq!(sampling.out(), ["first", "keep"]);
    sampling.send(vec![span(1, "late", false)]).await;
    assert_eq!(sampling.out(), ["late"]);
    sleep(Duration::from_secs(7)).await;
    assert_eq!((sampling.out().len(), sampling.lost("not_sampled")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn rates_are_kept_over_time() {
    let policy = "{name: r, type: rate_limiting, rate_limiting: {spans_per_second: 2, burst_capacity: 4}}";
    let sampling = start(&format!("{{decision_wait: 1s, policies: [{policy}]}}"));
    sampling.send((1..=10).map(|trace| span(trace, "x", true)).collect()).await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(sampling.out().len(), 4);
    sampling.send((11..=20).map(|trace| span(trace, "x", true)).collect()).await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(sampling.out().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_composite_gives_each_policy_its_share_of_a_second() {
    let policies = "composite_sub_policy: [{name: a, type: string_attribute, string_attribute: {key: k, values: [v]}}, \
                    {name: b, type: always_sample}], rate_allocation: [{policy: a, percent: 50}, {policy: b, percent: 25}]";
    let sampling = start(&format!(
        "{{decision_wait: 1s, policies: [{{name: c, type: composite, composite: {{max_total_spans_per_second: 20, {policies}}}}}]}}"
    ));
    let mut all: Vec<_> = (1..=15).map(|trace| span(trace, "b", true)).collect();
    all.extend(
        (16..=40).map(|trace| Span { attributes: vec![crate::tests::attribute("k", "v")], ..span(trace, "a", true) }),
    );
    sampling.send(all).await;
    sleep(Duration::from_secs(2)).await;
    let out = sampling.out();
    assert_eq!(
        (out.iter().filter(|name| *name == "a").count(), out.iter().filter(|name| *name == "b").count()),
        (10, 5)
    );
}
