use super::*;

fn policies(text: &str) -> String {
    decoded(&format!("{{policies: [{text}]}}")).1
}

#[test]
fn what_a_policy_lacks_is_told_with_its_place() {
    for (text, wanted) in [
        ("{type: always_sample}", "policies::0::name: must be set"),
        ("{name: a}", "policies::0::type: must be set"),
        (
            "{name: a, type: allways_sample}",
            "policies::0::type: unknown type \"allways_sample\"; did you mean \"always_sample\"?",
        ),
        (
            "{name: a, type: always_sample}, {name: a, type: trace_flags}",
            "policies::1: another policy is called \"a\" too",
        ),
        ("{name: a, type: status_code}", "policies::0::status_code: status_codes must have at least one code"),
        (
            "{name: a, type: status_code, status_code: {status_codes: [BAD]}}",
            "unknown status code \"BAD\"; known here: OK",
        ),
        (
            "{name: a, type: numeric_attribute, numeric_attribute: {key: k}}",
            "numeric_attribute: min_value or max_value",
        ),
        (
            "{name: a, type: string_attribute, string_attribute: {values: ['('], enabled_regex_matching: true}}",
            "values: \"(\" is no regular",
        ),
        ("{name: a, type: ottl_condition}", "policies::0::ottl_condition: needs at least one condition"),
        ("{name: a, type: ottl_condition, ottl_condition: {span: [nme == 1]}}", "ottl_condition: span::0: column 1"),
        ("{name: a, type: and}", "policies::0::and: and_sub_policy must have at least one policy"),
        ("{name: a, type: drop}", "policies::0::drop: drop_sub_policy must have at least one policy"),
        ("{name: a, type: not}", "policies::0::not: not_sub_policy: type: must be set"),
        (
            "{name: a, type: and, and: {and_sub_policy: [{name: b, type: composite}]}}",
            "and_sub_policy::0::type: such a policy cannot stand here",
        ),
        (
            "{name: a, type: composite, composite: {composite_sub_policy: [{name: b, type: status_code}]}}",
            "composite_sub_policy::0::status_code: status_codes",
        ),
    ] {
        let faults = policies(text);
        assert!(faults.contains(wanted) && faults.lines().count() == 1, "{text}: {faults}");
    }
}

#[test]
fn what_the_processor_itself_cannot_do_is_told() {
    let one = "policies: [{name: a, type: always_sample}]";
    for (text, wanted) in [
        ("{}".to_owned(), "policies: must have at least one policy"),
        (format!("{{num_traces: 0, {one}}}"), "num_traces: must be greater than 0"),
        (format!("{{tail_storage: x, {one}}}"), "tail_storage: is not supported"),
        (
            format!("{{sampling_strategy: complete, {one}}}"),
            "sampling_strategy: unknown sampling_strategy \"complete\"",
        ),
        (
            "{sampling_strategy: span-ingest, policies: [{name: a, type: rate_limiting}]}".to_owned(),
            "policies::0: policy \"a\" counts, which sampling_strategy span-ingest does not allow",
        ),
    ] {
        let faults = decoded(&text).1;
        assert!(faults.contains(wanted) && faults.lines().count() == 1, "{text}: {faults}");
    }
}
