use pipeline::component::*;
use pipeline::proto::trace::v1::{ResourceSpans, ScopeSpans, Span};
use pipeline::proto::{LogsRequest, TracesRequest};
use pipeline::{Batch, Telemetry};

use super::FACTORY;
use crate::tests::{counted, logs};

fn decoded(text: &str) -> (Box<dyn ProcessorConfig>, String) {
    let mut decoder = config::Decoder::default();
    let config = (FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    Configured::validate(&*config, &mut decoder);
    (config, decoder.finish().to_string())
}

fn sample(text: &str, batch: Batch, telemetry: &Telemetry) -> Option<Batch> {
    let (config, faults) = decoded(text);
    assert_eq!(faults, "");
    let cx = BuildContext::new("probabilistic_sampler".parse().unwrap(), telemetry.clone());
    let Processor::Transform(sampler) = config.build(cx.in_pipeline(batch.signal())).unwrap() else {
        panic!("no transform")
    };
    match sampler.apply(batch) {
        Verdict::Pass(batch) => Some(batch),
        Verdict::Empty => None,
        other => panic!("{other:?}"),
    }
}

/// Numbers without a pattern (SplitMix64).
fn spread(n: u64) -> u64 {
    let z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A span of each of so many traces.
fn traces(count: u64) -> Batch {
    let span = |n: u64| Span {
        trace_id: [spread(2 * n), spread(2 * n + 1)].map(u64::to_be_bytes).concat(),
        ..Span::default()
    };
    let scope = ScopeSpans { spans: (1..=count).map(span).collect(), ..ScopeSpans::default() };
    let outer = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    Batch::new(TracesRequest { resource_spans: vec![outer] }, Default::default())
}

#[test]
fn about_the_percentage_of_many_traces_is_kept_and_the_rest_is_counted() {
    for mode in ["hash_seed", "equalizing", "proportional"] {
        let telemetry = Telemetry::new("test");
        let text = format!("{{sampling_percentage: 20, mode: {mode}, hash_seed: 7}}");
        let kept = sample(&text, traces(10_000), &telemetry).unwrap();
        assert!((1800..2200).contains(&kept.items()), "{mode}: {}", kept.items());
        let counted = counted(&telemetry);
        for number in [10_000 - kept.items(), kept.items()] {
            assert!(counted.contains(&format!("\"asInt\":\"{number}\"")), "{mode}: {counted}");
        }
        assert!(counted.contains("not_sampled") && counted.contains("count_traces_sampled"), "{counted}");
    }
}

#[test]
fn two_proportional_samplers_behind_each_other_keep_the_product() {
    let telemetry = Telemetry::new("test");
    let once = sample("{sampling_percentage: 50, mode: proportional}", traces(10_000), &telemetry).unwrap();
    let mut twice = sample("{sampling_percentage: 50, mode: proportional}", once.clone(), &telemetry).unwrap();
    assert!((2300..2700).contains(&twice.items()), "{}", twice.items());
    let request = twice.read::<TracesRequest>().unwrap().unwrap();
    assert!(request.resource_spans[0].scope_spans[0].spans.iter().all(|span| span.trace_state == "ot=th:c"));
    let equal = sample("{sampling_percentage: 50, mode: equalizing}", once.clone(), &telemetry).unwrap();
    assert_eq!(equal.items(), once.items(), "equalizing has nothing left to do");
}

#[test]
fn records_without_a_trace_are_chosen_by_an_attribute_or_dropped_when_that_is_missing() {
    let telemetry = Telemetry::new("test");
    let none = sample("{sampling_percentage: 90}", logs(&[("a", 10)]), &telemetry);
    assert!(none.is_none());
    let mut open = sample("{sampling_percentage: 1, fail_closed: false}", logs(&[("a", 10)]), &telemetry).unwrap();
    let request = open.read::<LogsRequest>().unwrap().unwrap();
    let record = &request.resource_logs[0].scope_logs[0].log_records[9];
    assert_eq!(record.attributes, [crate::tests::attribute("sampling.threshold", "0")]);
}

#[test]
fn nothing_is_kept_of_zero_percent_and_all_of_a_hundred() {
    let telemetry = Telemetry::new("test");
    assert!(sample("{}", traces(100), &telemetry).is_none());
    assert!(sample("{sampling_percentage: 0.001}", traces(100), &telemetry).is_none());
    for text in ["{sampling_percentage: 100}", "{sampling_percentage: 250, mode: proportional}"] {
        assert_eq!(sample(text, traces(100), &telemetry).unwrap().items(), 100);
    }
}

#[test]
fn what_cannot_be_is_told_with_its_path() {
    for (text, wanted) in [
        ("{sampling_percentage: -1}", "sampling_percentage: must be a number from 0 on"),
        ("{sampling_percentage: .nan}", "sampling_percentage: must be a number from 0 on"),
        ("{sampling_percentage: 1e-20}", "sampling_percentage: is too small"),
        ("{sampling_precision: 0}", "sampling_precision: must be 1 to 14"),
        ("{sampling_precision: 15}", "sampling_precision: must be 1 to 14"),
        ("{mode: hash}", "mode: unknown mode \"hash\"; known here: hash_seed"),
        ("{attribute_source: body}", "attribute_source: unknown attribute_source \"body\""),
    ] {
        let faults = decoded(text).1;
        assert!(faults.contains(wanted) && faults.lines().count() == 1, "{text}: {faults}");
    }
}
