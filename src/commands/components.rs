//! `kpulse components`: what a configuration can name.

use std::io::Write;

use config::{Node, Value, to_yaml};
use pipeline::component::{Factory, Stability};

use super::Error;
use crate::components::TABLES;

/// Prints YAML on standard output, in the Collector's shape.
pub fn components() -> Result<(), Error> {
    let about = [("command", "kpulse"), ("version", env!("CARGO_PKG_VERSION"))].map(|(k, v)| (k, Node::text(v)));
    let list = Node::map([
        ("buildinfo", Node::map(about)),
        ("receivers", rows(TABLES.receivers)),
        ("processors", rows(TABLES.processors)),
        ("exporters", rows(TABLES.exporters)),
        ("extensions", rows(TABLES.extensions)),
    ]);
    std::io::stdout().write_all(to_yaml(&list)?.as_bytes())?;
    Ok(())
}

fn rows<C: ?Sized>(table: &[&'static Factory<C>]) -> Node {
    let row = |factory: &&'static Factory<C>| {
        let stability = match factory.stability {
            Stability::Alpha => "Alpha",
            Stability::Beta => "Beta",
            Stability::Stable => "Stable",
        };
        let signals = factory.signals.iter().map(|signal| (signal.name(), Node::text(stability)));
        Node::map([("name", Node::text(factory.name)), ("stability", Node::map(signals))])
    };
    Node::of(Value::List(table.iter().map(row).collect()))
}
