//! Host and operating system.

mod interfaces;
pub mod names;
mod platform;

use config::{Decoder, Rules};
use indexmap::IndexMap;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, ArrayValue};

use super::detect::{Detected, SCHEMA_URL};
pub use platform::{Cpu, OsRelease};

config::settings! {
    /// What the detector finds out.
    pub struct Config {
        /// Where the host's name is looked for, in this order: os, dns, cname, lookup. Left empty, it is dns, then os.
        pub hostname_sources: Vec<String> = Vec::new(),
        /// Which attributes are wanted, by name; host.name and os.type unless something else is said.
        pub resource_attributes: IndexMap<String, Toggle> = IndexMap::new(),
    }
}

config::settings! {
    /// Whether an attribute is wanted.
    pub struct Toggle {
        /// Whether it is.
        pub enabled: bool = true,
    }
}

impl Rules for Toggle {}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        for (index, source) in self.hostname_sources.iter().enumerate() {
            if Source::parse(source).is_none() {
                decoder.at("hostname_sources", |d| {
                    d.at(index.to_string(), |d| d.unknown("source", source, &["os", "dns", "cname", "lookup"]));
                });
            }
        }
        for name in self.resource_attributes.keys().filter(|name| ATTRIBUTES.iter().all(|row| row.name != **name)) {
            let known: Vec<_> = ATTRIBUTES.iter().map(|row| row.name).collect();
            decoder.at("resource_attributes", |d| d.unknown("attribute", name, &known));
        }
    }
}

/// Where the host's name is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Os,
    Canonical,
    Reverse,
}

impl Source {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "os" => Some(Self::Os),
            // The name that the resolver calls the right one.
            "dns" | "cname" => Some(Self::Canonical),
            "lookup" => Some(Self::Reverse),
            _ => None,
        }
    }

    fn name(self) -> Result<String, String> {
        let name = platform::hostname()?;
        match self {
            Self::Os => Ok(name),
            Self::Canonical => names::canonical(&name),
            Self::Reverse => names::reverse(&name),
        }
    }
}

/// An attribute, whether it is wanted where nothing is said, and where it comes from. What is not there is left out.
struct Attribute {
    name: &'static str,
    wanted: bool,
    value: fn() -> Option<Value>,
}

const fn on_demand(name: &'static str, value: fn() -> Option<Value>) -> Attribute {
    Attribute { name, wanted: false, value }
}

/// Every attribute but the host's name, which has sources.
static ATTRIBUTES: &[Attribute] = &[
    Attribute { name: "host.name", wanted: true, value: || None },
    Attribute { name: "os.type", wanted: true, value: || text(Some("linux".to_owned())) },
    on_demand("os.version", || text(OsRelease::read().version())),
    on_demand("os.description", || text(platform::description())),
    on_demand("os.name", || text(OsRelease::read().name())),
    on_demand("os.build.id", || text(platform::build_id())),
    on_demand("host.id", || text(platform::host_id())),
    on_demand("host.arch", || text(Some(platform::architecture().to_owned()))),
    on_demand("host.ip", || texts(interfaces::addresses())),
    on_demand("host.mac", || texts(interfaces::hardware_addresses())),
    on_demand("host.interface", || texts(interfaces::names())),
    on_demand("host.cpu.vendor.id", || text(Cpu::read().vendor)),
    on_demand("host.cpu.family", || text(Cpu::read().family)),
    on_demand("host.cpu.model.id", || text(Cpu::read().model)),
    on_demand("host.cpu.model.name", || text(Cpu::read().model_name)),
    on_demand("host.cpu.stepping", || text(Cpu::read().stepping)),
    on_demand("host.cpu.cache.l2.size", || Cpu::read().cache.map(Value::IntValue)),
];

fn text(text: Option<String>) -> Option<Value> {
    text.filter(|text| !text.is_empty()).map(Value::StringValue)
}

fn texts(texts: Vec<String>) -> Option<Value> {
    let value = |text| AnyValue { value: Some(Value::StringValue(text)) };
    let values: Vec<_> = texts.into_iter().map(value).collect();
    (!values.is_empty()).then_some(Value::ArrayValue(ArrayValue { values }))
}

/// Finds out what is wanted.
///
/// # Errors
/// No source knows the host's name.
pub fn detect(config: &Config) -> Result<Detected, String> {
    let mut found = Detected { schema_url: SCHEMA_URL, ..Detected::default() };
    let name = host_name(config)?;
    for attribute in ATTRIBUTES {
        let toggle = config.resource_attributes.get(attribute.name);
        if !toggle.map_or(attribute.wanted, |toggle| toggle.enabled) {
            continue;
        }
        match (attribute.name, (attribute.value)()) {
            ("host.name", _) => found.text("host.name", name.clone()),
            (key, Some(value)) => found.add(key, value),
            (key, None) => tracing::warn!(attribute = key, "this host does not tell it"),
        }
    }
    Ok(found)
}

fn host_name(config: &Config) -> Result<String, String> {
    let default = ["dns".to_owned(), "os".to_owned()];
    let sources = if config.hostname_sources.is_empty() { &default[..] } else { &config.hostname_sources };
    let mut faults = Vec::new();
    for name in sources {
        let Some(source) = Source::parse(name) else { continue };
        match source.name() {
            Ok(found) => return Ok(found),
            Err(fault) => faults.push(format!("{name}: {fault}")),
        }
    }
    Err(format!("no source knows the host's name ({})", faults.join("; ")))
}
