//! Conditions as Kubernetes' selectors.

use std::sync::LazyLock;

use regex::Regex;

use super::settings::{Condition, Filter};

/// The field that has a pod's node.
const POD_NODE: &str = "spec.nodeName";

/// A label's key: an optional DNS name and a slash before up to 63 characters.
static LABEL_KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$").ok()
});
static LABEL_VALUE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$").ok());

fn fits(pattern: &Option<Regex>, text: &str) -> bool {
    pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
}

/// What is wrong with a condition on a label.
pub fn label_fault(condition: &Condition) -> Option<String> {
    let Condition { key, value, op } = condition;
    if !["", "equals", "not-equals", "exists", "does-not-exist"].contains(&op.as_str()) {
        return Some(format!("unknown op {op:?}; known here: equals, not-equals, exists, does-not-exist"));
    }
    if !fits(&LABEL_KEY, key) {
        return Some(format!("{key:?} cannot be the key of a label"));
    }
    let compares = !op.contains("exist");
    (compares && !fits(&LABEL_VALUE, value)).then(|| format!("{value:?} cannot be the value of a label"))
}

/// What is wrong with a condition on a field.
pub fn field_fault(condition: &Condition) -> Option<String> {
    let op = &condition.op;
    (!["", "equals", "not-equals"].contains(&op.as_str()))
        .then(|| format!("unknown op {op:?}; known here: equals, not-equals"))
}

/// The label selector of a filter, if it has one.
pub fn labels(filter: &Filter) -> Option<String> {
    let one = |condition: &Condition| {
        let Condition { key, value, op } = condition;
        match op.as_str() {
            "not-equals" => format!("{key}!={value}"),
            "exists" => key.clone(),
            "does-not-exist" => format!("!{key}"),
            _ => format!("{key}={value}"),
        }
    };
    joined(filter.labels.iter().map(one))
}

/// The field selector of a filter, if it has one.
pub fn fields(filter: &Filter) -> Option<String> {
    let one = |condition: &Condition| {
        let sign = if condition.op == "not-equals" { "!=" } else { "=" };
        format!("{}{sign}{}", condition.key, escaped(&condition.value))
    };
    let node = filter.node().map(|node| format!("{POD_NODE}={}", escaped(&node)));
    joined(filter.fields.iter().map(one).chain(node))
}

/// The field selector of one object by its name.
pub fn named(name: &str) -> String {
    format!("metadata.name={}", escaped(name))
}

fn joined(terms: impl Iterator<Item = String>) -> Option<String> {
    let terms: Vec<_> = terms.collect();
    (!terms.is_empty()).then(|| terms.join(","))
}

/// Backslash, comma and equals sign have a meaning in field selectors.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}
