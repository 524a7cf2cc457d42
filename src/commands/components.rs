//! `kpulse components`: what a configuration can name.

use std::io::Write;

use config::{Decoder, Node, Value, to_yaml};
use pipeline::component::{Factory, Stability};
use pipeline::connector::ConnectorFactory;

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
        ("connectors", connectors()),
        ("extensions", rows(TABLES.extensions)),
    ]);
    std::io::stdout().write_all(to_yaml(&list)?.as_bytes())?;
    Ok(())
}

/// What a connector makes of which signal.
fn connectors() -> Node {
    let row = |factory: &&'static ConnectorFactory| {
        let config = (factory.decode)(&Node::default(), &mut Decoder::default());
        let pairs = factory.signals.iter().flat_map(|from| config.gives(*from).iter().map(move |to| (from, to)));
        let pairs = pairs.map(|(from, to)| (format!("{from}-to-{to}"), word(factory.stability)));
        Node::map([("name", Node::text(factory.name)), ("stability", Node::of(Value::Map(pairs.collect())))])
    };
    Node::of(Value::List(TABLES.connectors.iter().map(row).collect()))
}

fn word(stability: Stability) -> Node {
    Node::text(match stability {
        Stability::Alpha => "Alpha",
        Stability::Beta => "Beta",
        Stability::Stable => "Stable",
    })
}

fn rows<C: ?Sized>(table: &[&'static Factory<C>]) -> Node {
    let row = |factory: &&'static Factory<C>| {
        let signals = factory.signals.iter().map(|signal| (signal.name(), word(factory.stability)));
        Node::map([("name", Node::text(factory.name)), ("stability", Node::map(signals))])
    };
    Node::of(Value::List(table.iter().map(row).collect()))
}
