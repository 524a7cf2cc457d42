//! The folder of a component, named as the Collector names its file.

use pipeline::storage::Namespace;
use sha2::{Digest, Sha256};

/// File systems take no longer names.
const LONGEST: usize = 255;
/// The Collector's file has the bare name, and is left alone.
const SUFFIX: &str = ".kpulse";

/// `exporter_otlp__traces.kpulse`; what is not safe in a path is written as `~` and its code point.
pub fn folder(owner: Namespace<'_>) -> String {
    let Namespace { kind, id, name } = owner;
    let end = if name.is_empty() { String::new() } else { format!("_{name}") };
    let raw = format!("{kind}_{}_{}{end}", id.kind(), id.name().unwrap_or_default());
    let safe: String = raw.chars().map(escaped).collect();
    if safe.len() + SUFFIX.len() <= LONGEST {
        return safe + SUFFIX;
    }
    let digest = Sha256::digest(raw.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + SUFFIX
}

fn escaped(character: char) -> String {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => character.to_string(),
        other => format!("~{:04X}", u32::from(other)),
    }
}
