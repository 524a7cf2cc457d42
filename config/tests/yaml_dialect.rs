//! What serde_yaml makes of texts that Go's yaml v3 reads in its own way. Each row is pinned, so that a change is seen.

use std::sync::Arc;

use super::tree;
use crate::{Value, parse};

fn scalar(text: &str) -> Value {
    tree(&format!("k: {text}")).get("k").unwrap().value.clone()
}

#[test]
fn plain_scalars_have_the_types_of_the_core_schema() {
    let rows = [
        ("", Value::Null),
        ("~", Value::Null),
        ("null", Value::Null),
        ("true", Value::Bool(true)),
        ("True", Value::Bool(true)),
        ("yes", Value::String("yes".into())),
        ("on", Value::String("on".into())),
        ("12", Value::Int(12)),
        ("-3", Value::Int(-3)),
        ("0x1F", Value::Int(31)),
        ("0o17", Value::Int(15)),
        ("18446744073709551615", Value::Int(u64::MAX.into())),
        ("1.5", Value::Float(1.5)),
        ("1e3", Value::Float(1000.0)),
        (".inf", Value::Float(f64::INFINITY)),
        ("\"12\"", Value::String("12".into())),
        ("2026-11-21", Value::String("2026-11-21".into())),
    ];
    for (text, wanted) in rows {
        assert_eq!(scalar(text), wanted, "{text:?}");
    }
}

#[test]
fn leading_zeros_and_underscores_stay_text_and_are_refused_by_number_fields() {
    // Go reads 0123 as octal 83 and 1_000 as 1000. Stricter here: see docs/decisions.
    assert_eq!(scalar("0123"), Value::String("0123".into()));
    assert_eq!(scalar("1_000"), Value::String("1_000".into()));
}

#[test]
fn merge_keys_are_applied() {
    let node = tree("base: &b {x: 1, y: 2}\nk:\n  <<: *b\n  y: 3\n");
    let k = node.get("k").unwrap();
    assert_eq!(k.get("x").unwrap().value, Value::Int(1));
    assert_eq!(k.get("y").unwrap().value, Value::Int(3));
}

#[test]
fn a_byte_order_mark_is_ignored() {
    assert_eq!(parse("\u{feff}k: 1", &Arc::from("t")).unwrap().get("k").unwrap().value, Value::Int(1));
}

#[test]
fn duplicate_keys_tags_and_broken_syntax_are_refused_by_name() {
    for text in ["a: 1\na: 2\n", "a: !custom x", "a: [1, 2", "? [a]\n: 1"] {
        let error = parse(text, &Arc::from("bad.yaml")).unwrap_err();
        assert!(!error.message.is_empty(), "{text:?}");
    }
}
