use super::{Kind, Matcher, Properties};

fn refusal(text: &str, kind: Kind) -> String {
    let mut decoder = config::Decoder::default();
    let node = config::parse(text, &"test".into()).unwrap();
    let properties = <Properties as config::Decode>::decode(&node, Properties::default(), &mut decoder);
    assert_eq!(decoder.finish().to_string(), "");
    Matcher::new(&properties, kind).unwrap_err()
}

#[test]
fn properties_that_cannot_match_are_refused_with_what_to_write() {
    for (kind, text, said) in [
        (Kind::Span, "{match_type: strict}", "needs at least one of services, span_names"),
        (Kind::Span, "{match_type: strict, log_bodies: [x]}", "log_bodies is no property of spans; use services"),
        (Kind::Log, "{match_type: strict, services: [x]}", "services is no property of log records"),
        (Kind::Metric, "{match_type: strict, attributes: [{key: a}]}", "attributes is no property of metrics"),
        (Kind::Span, "{services: [x]}", "needs match_type: strict or regexp"),
        (Kind::Span, "{match_type: regexp, span_names: ['(']}", "\"(\" is no regular expression: unclosed group"),
        (Kind::Log, "{match_type: regexp, attributes: [{key: a, value: 1}]}", "must be a string for match_type regexp"),
        (Kind::Log, "{match_type: strict, attributes: [{value: 1}]}", "an attribute without a key"),
        (Kind::Span, "{match_type: strict, span_kinds: [server]}", "unknown span kind \"server\"; known: SPAN_KIND_"),
    ] {
        let refusal = refusal(text, kind);
        assert!(refusal.contains(said), "{text}: {refusal}");
    }
}
