use crate::gates::{self, ALL, Choices, Effect, GateError, Stage};
use crate::merge::{Place, lay};

use super::tree;

#[test]
fn gates_have_names_of_their_own_and_stand_in_order() {
    assert!(ALL.windows(2).all(|pair| pair[0].id < pair[1].id));
    assert!(ALL.iter().all(|gate| gate.id.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')));
}

#[test]
fn a_gate_that_is_followed_is_what_its_stage_says_until_it_is_chosen() {
    for gate in ALL.iter().filter(|gate| gate.effect == Effect::Followed) {
        assert_eq!(gate.is_on(), gate.stage == Stage::Beta, "{}", gate.id);
    }
}

#[test]
fn choices_of_all_forms_are_read() {
    for good in ["", "service.profilesSupport", "+service.profilesSupport,-pdata.useProtoPooling"] {
        assert!(good.parse::<Choices>().is_ok(), "{good}");
    }
    let unknown = |id: &str| GateError::Unknown { id: id.into() };
    for (bad, wanted) in [
        ("foo", unknown("foo")),
        ("pdata.useProtoPooling,-foo", unknown("foo")),
        ("--", unknown("-")),
        ("a b", unknown("a b")),
        ("pdata.useProtoPooling,,foo", GateError::Empty("pdata.useProtoPooling,,foo".into())),
        ("-", GateError::Empty("-".into())),
    ] {
        assert_eq!(bad.parse::<Choices>().unwrap_err(), wanted, "{bad}");
    }
    let said = "service.profileSupport".parse::<Choices>().unwrap_err().to_string();
    assert!(said.contains("did you mean \"service.profilesSupport\"?"), "{said}");
    assert!(ALL.iter().all(|gate| said.contains(gate.id)), "{said}");
}

#[test]
fn what_stays_as_it_is_gets_a_warning_with_its_reason() {
    let choices: Choices = "-service.profilesSupport,pdata.useProtoPooling,+service.profilesSupport".parse().unwrap();
    let warnings = choices.apply();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("service.profilesSupport stays on: profiles are a signal"), "{warnings:?}");
    assert!(warnings[1].contains("pdata.useProtoPooling stays off"), "{warnings:?}");
    assert!(gates::find("service.profilesSupport").unwrap().is_on());
}

#[test]
fn lists_of_components_grow_where_the_gate_says_so() {
    let mut base = tree(
        "{service: {extensions: [a], telemetry: {paths: [a]}, pipelines: {logs: {receivers: [a], processors: [a], \
         exporters: [a]}}}, exporters: {x: {exporters: [a]}}}",
    );
    let over = tree(
        "{service: {extensions: [b, a], telemetry: {paths: [b]}, pipelines: {logs: {receivers: [b, a], processors: [b], \
         exporters: [b]}}}, exporters: {x: {exporters: [b]}}}",
    );
    lay(&mut base, over, Place::Top);
    let wanted = tree(
        "{service: {extensions: [a, b], telemetry: {paths: [b]}, pipelines: {logs: {receivers: [a, b], processors: [b], \
         exporters: [a, b]}}}, exporters: {x: {exporters: [b]}}}",
    );
    assert_eq!(crate::to_yaml(&base).unwrap(), crate::to_yaml(&wanted).unwrap());
}
