//! A Prometheus page, as the Collector's own: no suffixes and no scope labels unless they are asked for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use exporters::prometheus::page::target_info;
use exporters::prometheus::{Config, Store, Suffixes, server};
use pipeline::{IncludeExclude, PrometheusReader, StartError, Tasks};

use super::Source;
use crate::speaker::Speaker;

/// What the page is, whatever a scraper would rather have.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/// Opens the page.
pub async fn start(settings: &PrometheusReader, source: Source, tasks: &mut Tasks) -> Result<(), StartError> {
    let address = format!("{}:{}", settings.host, settings.port);
    let listener = server::listen(&address).await?;
    let settings = settings.clone();
    let render = Arc::new(move |_: &str| (TEXT, page(&settings, &source)));
    tasks.spawn(format!("own metrics on {address}"), server::serve(listener, render, tasks.stop()));
    Ok(())
}

fn page(settings: &PrometheusReader, source: &Source) -> String {
    let config = Config {
        without_scope_info: settings.without_scope_info,
        const_labels: chosen(&source.speaker, &settings.with_resource_constant_labels),
        ..Config::default()
    };
    let suffixes = Suffixes { units: !settings.without_units, types: !settings.without_type_suffix };
    let mut store = Store::with_suffixes(config, suffixes);
    let mut text = String::new();
    target_info(&mut text, &labels(&source.speaker));
    if let Some(mut snapshot) = source.snapshot() {
        // Who speaks is said once, above, and not by job and instance on every series.
        snapshot.resource_metrics.iter_mut().for_each(|resource| resource.resource = None);
        store.update(&snapshot, Instant::now(), &mut |_| {});
    }
    text + &store.page(Instant::now()).text
}

fn labels(speaker: &Speaker) -> BTreeMap<String, String> {
    speaker.attributes.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The attributes that become labels of every series.
fn chosen<M: FromIterator<(String, String)>>(speaker: &Speaker, which: &IncludeExclude) -> M {
    let any = |patterns: &[String], name: &str| patterns.iter().any(|p| matches(p.as_bytes(), name.as_bytes()));
    let wanted = |name: &str| any(&which.included, name) && !any(&which.excluded, name);
    labels(speaker).into_iter().filter(|(name, _)| wanted(name)).collect()
}

/// Whether a name is as the pattern says, where `*` is anything and `?` one character.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|skip| matches(rest, &name[skip..])),
        ([b'?', rest @ ..], [_, name @ ..]) => matches(rest, name),
        ([a, rest @ ..], [b, name @ ..]) => a == b && matches(rest, name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, wanted) in [
            ("service.*", "service.name", true),
            ("*", "", true),
            ("service.?ame", "service.name", true),
            ("service", "service.name", false),
            ("*.id", "service.instance.id", true),
        ] {
            assert_eq!(super::matches(pattern.as_bytes(), name.as_bytes()), wanted, "{pattern} {name}");
        }
    }
}
