use super::{World, tree};
use crate::{Node, Value, expand};

fn world() -> World {
    World {
        variables: [("X", "one"), ("N", "0123"), ("L", "[a, b]"), ("E", ""), ("D", "a$$b"), ("R", "${env:X}!")].into(),
        files: [("t.txt", "text\n")].into(),
        ..World::default()
    }
}

fn expanded(value: &str) -> Node {
    let mut node = tree(&format!("k: '{value}'"));
    expand(&mut node, &world()).unwrap();
    node.get("k").unwrap().clone()
}

#[test]
fn references_and_escapes_expand_as_in_the_collector() {
    let rows = [
        ("${env:X}", "one"),
        ("${X}", "one"),
        ("a ${env:X} b", "a one b"),
        ("${env:MISSING:-dflt}", "dflt"),
        ("${env:MISSING:-${env:X}}", "one"),
        ("$X", "$X"),
        ("$$", "$"),
        ("$${env:X}", "${env:X}"),
        ("$$${env:X}", "$one"),
        ("${env:D}", "a$b"),
        ("${env:R}", "one!"),
        ("-${file:t.txt}-", "-text\n-"),
        ("${env:A:-x", "${env:A:-x"),
        ("a${env:MISSING}b", "ab"),
    ];
    for (text, wanted) in rows {
        assert_eq!(expanded(text).value, Value::String(wanted.into()), "{text}");
    }
}

#[test]
fn a_whole_reference_takes_the_type_and_keeps_the_text() {
    let list = expanded("${env:L}");
    assert!(matches!(list.value, Value::List(_)));
    assert_eq!(list.raw.as_deref(), Some("[a, b]"));
    assert_eq!(expanded("${env:N}").raw.as_deref(), Some("0123"));
}

#[test]
fn an_unset_variable_is_null_and_warned_about_and_a_set_empty_one_is_text() {
    let mut node = tree("a: {b: '${env:MISSING}', c: '${env:E}'}");
    let warnings = expand(&mut node, &world()).unwrap();
    assert_eq!(warnings, ["a::b: variable MISSING is not set"]);
    assert!(node.get("a").unwrap().get("b").unwrap().is_null());
    assert_eq!(node.get("a").unwrap().get("c").unwrap().value, Value::String(String::new()));
}

#[test]
fn every_bad_reference_is_reported_with_its_path() {
    let mut node = tree("a: '${FOO:-x}'\nb: ['${}', '${env:1x}']\nc: '${file:none}'");
    let errors = expand(&mut node, &world()).unwrap_err();
    let text = errors.to_string();
    assert_eq!(errors.0.len(), 4, "{text}");
    assert!(text.contains("a: unknown scheme \"FOO\""), "{text}");
    assert!(text.contains("${env:FOO:-default}"), "{text}");
    assert!(text.contains("b::0: empty reference"), "{text}");
    assert!(text.contains("c: cannot read none"), "{text}");
}

#[test]
fn endless_recursion_ends_with_an_error() {
    let world = World { variables: [("A", "x${env:A}")].into(), ..World::default() };
    let mut node = tree("k: '${env:A}'");
    assert!(expand(&mut node, &world).unwrap_err().to_string().contains("too many recursive"));
}
