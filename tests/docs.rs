//! Reference pages come from the component tables: each page is what its table says. `UPDATE_DOCS=1 cargo test --test
//! docs` writes them anew.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use config::{FieldDoc, Node, Secrets, Value, to_yaml};
use pipeline::component::{Configured, Factory, Stability};

fn page<C: Configured + ?Sized>(kind: &str, factory: &Factory<C>) -> String {
    let mut out = format!("# {} ({kind})\n\n", factory.name);
    let signals: Vec<_> = factory.signals.iter().map(|signal| signal.name()).collect();
    let stability = match factory.stability {
        Stability::Alpha => "alpha",
        Stability::Beta => "beta",
        Stability::Stable => "stable",
    };
    let signals = if signals.is_empty() { String::new() } else { format!("Signals: {}. ", signals.join(", ")) };
    let _ = writeln!(out, "{signals}Stability: {stability}.");
    if let Some(alias) = factory.alias {
        let _ = writeln!(out, "Also answers to `{alias}`.");
    }
    let _ = writeln!(out, "\n{}\n## Sample\n\n```yaml\n{}:", about(kind, factory.name), factory.name);
    factory.sample.lines().for_each(|line| writeln!(out, "  {line}").unwrap());
    let _ = writeln!(out, "```\n\n## Settings\n\n| key | default | meaning |\n|---|---|---|");
    let mut decoder = config::Decoder::default();
    let defaults = (factory.decode)(&Node::of(Value::Null), &mut decoder).encode(Secrets::Reference);
    rows(&mut out, "", factory.fields, Some(&defaults));
    out
}

/// The component's own words: its module's doc comment up to the sample, and after it.
fn about(kind: &str, name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{kind}s/{name}/mod.rs"));
    let text = std::fs::read_to_string(path).unwrap();
    let doc =
        text.lines().map_while(|line| line.strip_prefix("//!")).map(|line| line.strip_prefix(' ').unwrap_or(line));
    let mut in_sample = false;
    let mut out = String::new();
    for line in doc {
        if line.starts_with("```") {
            in_sample = !in_sample;
        } else if !in_sample && (!line.is_empty() || !out.ends_with("\n\n")) {
            out += line;
            out.push('\n');
        }
    }
    out
}

fn rows(out: &mut String, prefix: &str, fields: &[FieldDoc], defaults: Option<&Node>) {
    for field in fields {
        let default = defaults.and_then(|node| node.get(field.key));
        let key = format!("{prefix}{}", field.key);
        let shown = match default {
            _ if !field.fields.is_empty() => String::new(),
            Some(node) => format!("`{}`", one_line(node)),
            None => String::new(),
        };
        let _ = writeln!(out, "| `{key}` | {shown} | {} |", field.doc.split_whitespace().collect::<Vec<_>>().join(" "));
        rows(out, &format!("{key}::"), field.fields, default);
    }
}

fn one_line(node: &Node) -> String {
    match &node.value {
        Value::List(items) => format!("[{}]", items.iter().map(one_line).collect::<Vec<_>>().join(", ")),
        Value::Map(map) if map.is_empty() => "{}".into(),
        _ => to_yaml(node).unwrap().trim().replace("''", "\"\""),
    }
}

/// A page for each name: a receiver and an exporter of one name stand on the same page, one after the other.
fn pages() -> BTreeMap<&'static str, String> {
    let mut pages = BTreeMap::new();
    add(&mut pages, "receiver", receivers::ALL);
    add(&mut pages, "processor", processors::ALL);
    add(&mut pages, "exporter", exporters::ALL);
    add(&mut pages, "connector", connectors::ALL);
    add(&mut pages, "extension", extensions::ALL);
    pages
}

fn add<C: Configured + ?Sized>(
    pages: &mut BTreeMap<&'static str, String>,
    kind: &str,
    factories: &'static [&'static Factory<C>],
) {
    for factory in factories {
        let text = pages.entry(factory.name).or_default();
        if !text.is_empty() {
            text.push('\n');
        }
        *text += &page(kind, factory);
    }
}

#[test]
fn every_component_has_a_page_that_says_what_its_table_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/components");
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    for (name, text) in pages() {
        let path = folder.join(format!("{name}.md"));
        if update {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == text, "docs/components/{name}.md is out of date: UPDATE_DOCS=1 cargo test --test docs");
    }
}
