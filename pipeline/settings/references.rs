//! Whether pipelines name what exists, once, and for a signal it knows.

use config::{ComponentId, Decoder, nearest};

use super::{PipelineSettings, Section, Settings};

/// Reports to `decoder`, whose path is `service`, every broken reference.
pub(super) fn check(settings: &Settings, decoder: &mut Decoder) {
    decoder.at("extensions", |decoder| {
        let ids = &settings.service.extensions.0;
        for id in ids.iter().filter(|id| !settings.extensions.contains_key(*id)) {
            dangling(id, &settings.extensions, "extension", decoder);
        }
    });
    decoder.at("pipelines", |decoder| {
        for (id, pipeline) in &settings.service.pipelines.0 {
            decoder.at(id.to_string(), |decoder| {
                if pipeline.receivers.is_empty() {
                    decoder.error("must have at least one receiver");
                }
                if pipeline.exporters.is_empty() {
                    decoder.error("must have at least one exporter");
                }
                for (index, id) in pipeline.processors.iter().enumerate() {
                    if pipeline.processors[..index].contains(id) {
                        decoder.error(format!("references processor \"{id}\" multiple times"));
                    }
                }
                let is_connector = |id: &&ComponentId| settings.connectors.contains_key(*id);
                let receivers = pipeline.receivers.iter().filter(|id| !is_connector(id));
                let exporters = pipeline.exporters.iter().filter(|id| !is_connector(id));
                each(receivers, &settings.receivers, "receiver", pipeline, decoder);
                each(pipeline.processors.iter(), &settings.processors, "processor", pipeline, decoder);
                each(exporters, &settings.exporters, "exporter", pipeline, decoder);
            });
        }
    });
}

fn each<'a, C: ?Sized>(
    ids: impl Iterator<Item = &'a ComponentId>,
    section: &Section<C>,
    kind: &str,
    pipeline: &PipelineSettings,
    decoder: &mut Decoder,
) {
    for id in ids {
        match section.get(id) {
            None => dangling(id, section, kind, decoder),
            Some(component) if !component.signals.contains(&pipeline.signal) => {
                let signals: Vec<_> = component.signals.iter().map(|signal| signal.name()).collect();
                let signals = signals.join(", ");
                decoder.error(format!("{kind} \"{id}\" does not support {}, only {signals}", pipeline.signal));
            }
            Some(_) => {}
        }
    }
}

fn dangling<C: ?Sized>(id: &ComponentId, section: &Section<C>, kind: &str, decoder: &mut Decoder) {
    let known: Vec<_> = section.keys().map(ComponentId::to_string).collect();
    let hint = nearest(&id.to_string(), known.iter().map(String::as_str));
    let hint = hint.map_or(String::new(), |near| format!("; did you mean \"{near}\"?"));
    decoder.error(format!("references {kind} \"{id}\" which is not configured{hint}"));
}
