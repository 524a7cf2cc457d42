//! Joining, cutting and relabelling without decoding; the structs are only the witness.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;

use crate::proto::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value};
use crate::proto::metrics::v1::{Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric::Data};
use crate::proto::profiles::v1development::{ProfilesDictionary, ResourceProfiles};
use crate::proto::resource::v1::Resource;
use crate::proto::{LogsRequest, MetricsRequest, ProfilesRequest};
use crate::*;

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.into())) });
    KeyValue { key: key.into(), value, ..KeyValue::default() }
}

fn points(count: u64) -> Vec<NumberDataPoint> {
    (1..=count).map(|time_unix_nano| NumberDataPoint { time_unix_nano, ..NumberDataPoint::default() }).collect()
}

fn metric(name: &str, data: Data) -> Metric {
    Metric { name: name.into(), data: Some(data), ..Metric::default() }
}

/// Two resources of 5 points in a gauge, 5 in a sum and a metric without points.
fn request() -> MetricsRequest {
    let sum = Sum { data_points: points(5), aggregation_temporality: 2, is_monotonic: true };
    let gauge = Gauge { data_points: points(5) };
    let empty = metric("empty", Data::Gauge(Gauge::default()));
    let scope = Some(InstrumentationScope { name: "s".into(), ..InstrumentationScope::default() });
    let metrics = vec![metric("gauge", Data::Gauge(gauge)), metric("sum", Data::Sum(sum)), empty];
    let scope_metrics = vec![ScopeMetrics { scope, metrics, schema_url: "u".into() }];
    let one = |name| ResourceMetrics {
        resource: Some(Resource { attributes: vec![attribute("host.name", name)], ..Resource::default() }),
        scope_metrics: scope_metrics.clone(),
        ..ResourceMetrics::default()
    };
    MetricsRequest { resource_metrics: vec![one("a"), one("b")] }
}

fn received(request: &MetricsRequest) -> Batch {
    Batch::received(Signal::Metrics, request.encode_to_vec().into(), Arc::default()).unwrap()
}

/// Every point with all that it stands under, as text.
fn lines(batch: &mut Batch) -> Vec<String> {
    let mut lines = Vec::new();
    for outer in &batch.read::<MetricsRequest>().unwrap().unwrap().resource_metrics {
        for inner in &outer.scope_metrics {
            for metric in &inner.metrics {
                let mut bare = metric.clone();
                let points = match bare.data.as_mut().unwrap() {
                    Data::Gauge(gauge) => std::mem::take(&mut gauge.data_points),
                    Data::Sum(sum) => std::mem::take(&mut sum.data_points),
                    _ => unreachable!(),
                };
                let line = |p| format!("{:?} {:?} {} {bare:?} {p:?}", outer.resource, inner.scope, inner.schema_url);
                lines.extend(points.iter().map(line));
            }
        }
    }
    lines
}

#[test]
fn pieces_hold_exactly_the_maximum_and_together_every_item_with_its_surroundings() {
    let mut whole = received(&request());
    let wanted = lines(&mut whole);
    assert_eq!(wanted.len(), 20);
    for max in 1..=21 {
        let pieces = received(&request()).split(NonZeroU32::new(max).unwrap()).unwrap();
        let sizes: Vec<_> = pieces.iter().map(Batch::items).collect();
        assert!(sizes[..sizes.len() - 1].iter().all(|size| *size == max), "{sizes:?}");
        let mut found = Vec::new();
        for mut piece in pieces {
            assert_eq!(otlp::walk(Signal::Metrics.schema(), &piece.encode()), Ok(piece.items()));
            found.extend(lines(&mut piece));
        }
        assert_eq!(found, wanted, "cut at {max}");
    }
}

#[test]
fn pieces_cut_by_bytes_are_never_larger_and_hold_what_fits() {
    let whole = received(&request());
    // Ten items are all of the first resource: what stands behind them without items is in that piece too.
    for items in (1..=19).filter(|items| *items != 10) {
        let exact = received(&request()).split(NonZeroU32::new(items).unwrap()).unwrap()[0].encode().len() as u64;
        for (first, held) in [(exact, items), (exact - 1, items - 1)] {
            let pieces = whole.clone().cut(Limit::Bytes { first, each: u64::MAX }).unwrap();
            assert_eq!((pieces.len(), pieces[0].items()), (2, held), "{first} bytes for {items} items");
        }
    }
    let wanted = lines(&mut whole.clone());
    for max in 40..=whole.encode().len() as u64 {
        let mut pieces = whole.clone().cut(Limit::Bytes { first: max, each: max }).unwrap();
        let small = |piece: &Batch| piece.encode().len() as u64 <= max || piece.items() <= 1;
        assert!(pieces.iter().all(small), "cut at {max}");
        assert_eq!(pieces.iter_mut().flat_map(lines).collect::<Vec<_>>(), wanted, "cut at {max}");
    }
}

#[test]
fn messages_without_items_are_kept_and_make_no_piece_of_their_own() {
    let pieces = received(&request()).split(NonZeroU32::new(10).unwrap()).unwrap();
    assert_eq!(pieces.len(), 2);
    let all = Batch::concat(pieces, Arc::default()).unwrap();
    let names = MetricsRequest::decode(all.encode()).unwrap().resource_metrics;
    let names = names.iter().flat_map(|r| &r.scope_metrics).flat_map(|s| &s.metrics).filter(|m| m.name == "empty");
    assert_eq!(names.count(), 2);
}

#[test]
fn requests_behind_each_other_are_one_request_and_signals_do_not_mix() {
    let three = vec![received(&request()), received(&request()), received(&request())];
    let mut joined = Batch::concat(three, Arc::default()).unwrap();
    assert_eq!((joined.items(), lines(&mut joined).len()), (60, 60));
    let mixed = vec![received(&request()), super::batches::logs(1)];
    assert!(Batch::concat(mixed, Arc::default()).is_none());
}

#[test]
fn a_resource_is_changed_in_either_form_and_what_is_below_stays() {
    let add = |resource: &mut Resource| resource.attributes.push(attribute("added", "x"));
    let mut wanted = request();
    wanted.resource_metrics.iter_mut().for_each(|outer| add(outer.resource.as_mut().unwrap()));
    for mut batch in [received(&request()), Batch::new(request(), Arc::default())] {
        batch.change_resources(add).unwrap();
        assert_eq!(MetricsRequest::decode(batch.encode()).unwrap(), wanted);
        assert_eq!(batch.items(), 20);
    }
}

#[test]
fn a_schema_is_said_where_none_is_in_either_form() {
    let mut two = request();
    two.resource_metrics[0].schema_url = "own".into();
    for mut batch in [received(&two), Batch::new(two.clone(), Arc::default())] {
        batch.describe_resources("new", |_| ()).unwrap();
        let found = MetricsRequest::decode(batch.encode()).unwrap().resource_metrics;
        assert_eq!(found.iter().map(|outer| &*outer.schema_url).collect::<Vec<_>>(), ["own", "new"]);
    }
}

#[test]
fn a_missing_resource_is_made() {
    let mut batch = super::batches::logs(2);
    let bytes: Bytes = batch.encode();
    batch = Batch::received(Signal::Logs, bytes, Arc::default()).unwrap();
    batch.change_resources(|resource| resource.attributes.push(attribute("a", "b"))).unwrap();
    let request = batch.read::<LogsRequest>().unwrap().unwrap();
    assert_eq!(request.resource_logs[0].resource.as_ref().unwrap().attributes, [attribute("a", "b")]);
    assert_eq!(batch.items(), 2);
}

#[test]
fn attributes_of_profiles_are_shown_by_name() {
    let value = Some(AnyValue { value: Some(Value::StringValueStrindex(2)) });
    let attributes = vec![KeyValue { key: String::new(), value, key_strindex: 1 }];
    let resource = Some(Resource { attributes, ..Resource::default() });
    let strings = ["", "host.name", "h"].map(str::to_owned).to_vec();
    let request = ProfilesRequest {
        resource_profiles: vec![ResourceProfiles { resource, ..ResourceProfiles::default() }],
        dictionary: Some(ProfilesDictionary { string_table: strings, ..ProfilesDictionary::default() }),
    };
    let mut seen = Vec::new();
    let mut batch = Batch::new(request, Arc::default());
    batch.change_resources(|resource| seen.clone_from(&resource.attributes)).unwrap();
    assert_eq!(seen, [attribute("host.name", "h")]);
}

#[test]
fn a_batch_is_parted_by_what_its_resources_say() {
    let mut whole = request();
    whole.resource_metrics.push(whole.resource_metrics[0].clone());
    let host = |resource: &Resource| format!("{:?}", resource.attributes);
    let groups = received(&whole).by_resource(host).unwrap();
    assert_eq!(groups.iter().map(|(_, group)| group.items()).collect::<Vec<_>>(), [20, 10]);
    assert!(received(&MetricsRequest::default()).by_resource(|_| ()).unwrap().is_empty());
}

#[test]
fn parts_of_profiles_have_a_dictionary_and_their_resources_are_known_by_name() {
    let strings = ["", "host.name", "a", "b"].map(str::to_owned).to_vec();
    let profile = |index| {
        let value = Some(AnyValue { value: Some(Value::StringValueStrindex(index)) });
        let attributes = vec![KeyValue { key_strindex: 1, value, ..KeyValue::default() }];
        let resource = Some(Resource { attributes, ..Resource::default() });
        ResourceProfiles { resource, ..ResourceProfiles::default() }
    };
    let dictionary = Some(ProfilesDictionary { string_table: strings, ..ProfilesDictionary::default() });
    let request = ProfilesRequest { resource_profiles: vec![profile(2), profile(3), profile(2)], dictionary };
    let batch = Batch::new(request, Arc::new(Origin::default()));
    let groups = batch.by_resource(|resource| format!("{:?}", resource.attributes[0]));
    let groups = groups.unwrap();
    let keys: Vec<_> = groups.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(keys, ["a", "b"].map(|host| format!("{:?}", attribute("host.name", host))));
    for (_, mut group) in groups {
        assert!(group.read::<ProfilesRequest>().unwrap().unwrap().dictionary.is_some());
    }
}
