//! Which items are changed.

use pipeline::{Attributes, Signal};

use super::Config;
use crate::matching::{Chosen, Kind, Matcher, Properties};
use ottl::walk::{self, Tree};
use ottl::{Context, Item};

const KINDS: [Kind; 3] = [Kind::Span, Kind::Metric, Kind::Log];

/// What is wrong with properties in a pipeline of any signal.
pub fn fault(properties: &Properties) -> Option<String> {
    let fitting = KINDS.into_iter().find(|kind| properties.fit(*kind).is_ok());
    Matcher::new(properties, fitting.unwrap_or(Kind::Span)).err()
}

/// The items that are meant in a pipeline of this signal.
///
/// # Errors
/// The first property that such items do not have.
pub fn of(config: &Config, signal: Option<Signal>) -> Result<Chosen, String> {
    let kind = match signal {
        Some(Signal::Traces) => Kind::Span,
        Some(Signal::Metrics) => Kind::Metric,
        Some(Signal::Logs) => Kind::Log,
        Some(Signal::Profiles) | None => return Err("stands in no pipeline of traces, metrics or logs".to_owned()),
    };
    let matcher = |key: &str, properties: &Option<Properties>| {
        let made = properties.as_ref().map(|properties| Matcher::new(properties, kind)).transpose();
        made.map_err(|message| format!("{key}: {message}"))
    };
    Ok(Chosen { include: matcher("include", &config.include)?, exclude: matcher("exclude", &config.exclude)? })
}

/// Shows the attributes of all items that are meant.
pub fn each<T: Tree>(request: &mut T, chosen: &Chosen, mut change: impl FnMut(&mut dyn Attributes)) {
    let context = match T::SIGNAL {
        Signal::Metrics => Context::Metric,
        Signal::Logs => Context::Log,
        _ => Context::Span,
    };
    // Nothing in it fails.
    let _ = walk::visit(request, context, &mut |target| {
        if chosen.has(target) {
            match &mut target.item {
                Item::Span(span) => change(&mut span.attributes),
                Item::Log(record) => change(&mut record.attributes),
                Item::Metric(metric) => pipeline::change_points(metric, &mut change),
                Item::None | Item::SpanEvent(..) | Item::DataPoint(..) | Item::Profile(..) => {}
            }
        }
        Ok(())
    });
}
