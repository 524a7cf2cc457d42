use prost::Message;

use super::*;
use crate::tail_sampling::parts::by_trace;
use crate::tail_sampling::remembered::Remembered;

fn scope(name: &str, spans: Vec<Span>) -> ScopeSpans {
    let scope = pipeline::proto::common::v1::InstrumentationScope { name: name.into(), ..Default::default() };
    ScopeSpans { scope: Some(scope), spans, schema_url: "u".into() }
}

fn resource(name: &str, scope_spans: Vec<ScopeSpans>) -> ResourceSpans {
    let attributes = vec![crate::tests::attribute("service.name", name)];
    let resource = pipeline::proto::resource::v1::Resource { attributes, ..Default::default() };
    ResourceSpans { resource: Some(resource), scope_spans, schema_url: "r".into() }
}

#[test]
fn a_request_is_cut_by_trace_and_each_part_keeps_resource_and_scope() {
    let one = resource(
        "a",
        vec![
            scope("x", vec![span(1, "1", false), span(2, "2", true), span(1, "3", true)]),
            scope("y", vec![span(2, "4", false)]),
        ],
    );
    let two = resource("b", vec![scope("x", vec![span(1, "5", false)])]);
    let request = TracesRequest { resource_spans: vec![one, two] };
    let parts = by_trace(&request.encode_to_vec()).unwrap();
    let found: Vec<_> = parts.iter().map(|part| (part.id[0], part.has_root, part.spans)).collect();
    assert_eq!(found, [(1, true, 2), (2, true, 2), (1, false, 1)]);
    let wanted = [
        resource("a", vec![scope("x", vec![span(1, "1", false), span(1, "3", true)])]),
        resource("a", vec![scope("x", vec![span(2, "2", true)]), scope("y", vec![span(2, "4", false)])]),
        resource("b", vec![scope("x", vec![span(1, "5", false)])]),
    ];
    for (part, wanted) in parts.iter().zip(wanted) {
        assert_eq!(part.size as usize, wanted.encoded_len());
        assert_eq!(TracesRequest::decode(&*part.bytes).unwrap().resource_spans, [wanted]);
    }
}

#[test]
fn as_many_ids_are_remembered_as_there_is_room_for() {
    let mut remembered = Remembered::new(2);
    assert!(remembered.put([1; 16]) && remembered.put([2; 16]) && remembered.has(&[1; 16]) && remembered.put([3; 16]));
    assert_eq!([1, 2, 3].map(|n| remembered.has(&[n; 16])), [true, false, true]);
    assert!(!Remembered::new(0).put([1; 16]));
}
