//! The oldest form: properties that items must or must not have.

use config::{Decoder, Rules};
use pipeline::Signal;

use super::settings::Config;
use crate::matching::{Attribute, Chosen, Kind, MatchType, Matcher, Properties, RegexpCache, Severity};
use ottl::Context;

config::settings! {
    /// Which spans stay, by properties.
    pub struct ByProperties {
        /// Spans with these properties stay, all others go.
        pub include: Option<Properties> = None,
        /// Spans with these properties go.
        pub exclude: Option<Properties> = None,
    }
}

config::settings! {
    /// Properties of metrics.
    pub struct MetricMatch {
        /// How names are compared: strict or regexp.
        pub match_type: Option<MatchType> = None,
        /// A cache that the Collector has for regular expressions; read and not needed.
        pub regexp: Option<RegexpCache> = None,
        /// Names of metrics; one is enough.
        pub metric_names: Vec<String> = Vec::new(),
        /// Attributes of the resource; all are needed.
        pub resource_attributes: Vec<Attribute> = Vec::new(),
    }
}

config::settings! {
    /// Properties of log records.
    pub struct LogMatch {
        /// How texts are compared: strict or regexp.
        pub match_type: Option<MatchType> = None,
        /// Attributes of the resource; all are needed.
        pub resource_attributes: Vec<Attribute> = Vec::new(),
        /// Attributes of the record; all are needed.
        pub record_attributes: Vec<Attribute> = Vec::new(),
        /// Severity texts; one is enough.
        pub severity_texts: Vec<String> = Vec::new(),
        /// The lowest severity.
        pub severity_number: Option<LowestSeverity> = None,
        /// Bodies as text; one is enough.
        pub bodies: Vec<String> = Vec::new(),
    }
}

config::settings! {
    /// A lowest severity.
    pub struct LowestSeverity {
        /// Its name, such as WARN, or its number.
        pub min: String = String::new(),
        /// Whether records without a severity match too.
        pub match_undefined: bool = false,
    }
}

impl Rules for ByProperties {}
impl Rules for MetricMatch {}
impl Rules for LogMatch {}

impl Rules for LowestSeverity {
    fn rules(&self, decoder: &mut Decoder) {
        if self.number().is_none() {
            let message =
                format!("{:?} is no severity; use 1 to 24, or TRACE, DEBUG, INFO, WARN, ERROR, FATAL", self.min);
            decoder.at("min", |decoder| decoder.error(message));
        }
    }
}

impl LowestSeverity {
    /// Zero when nothing is written.
    fn number(&self) -> Option<i32> {
        if self.min.is_empty() {
            return Some(0);
        }
        if let Ok(number) = self.min.parse() {
            return Some(number).filter(|number| (1..=24).contains(number) && !self.min.starts_with(['0', '+']));
        }
        let name = self.min.to_ascii_uppercase();
        (1..=24).find(|number| ottl::severity_name(*number) == Some(&*name))
    }
}

impl MetricMatch {
    fn names(&self) -> Properties {
        Properties { match_type: self.match_type, metric_names: self.metric_names.clone(), ..Properties::default() }
    }

    fn resources(&self) -> Properties {
        let resources = self.resource_attributes.clone();
        Properties { match_type: self.match_type, resources, ..Properties::default() }
    }
}

impl LogMatch {
    fn properties(&self) -> Properties {
        let severity = self.severity_number.as_ref();
        Properties {
            match_type: self.match_type,
            log_bodies: self.bodies.clone(),
            log_severity_texts: self.severity_texts.clone(),
            log_severity_number: severity
                .map(|lowest| Severity { min: lowest.number().unwrap_or(0), match_undefined: lowest.match_undefined }),
            attributes: self.record_attributes.clone(),
            resources: self.resource_attributes.clone(),
            ..Properties::default()
        }
    }
}

/// Where something is wrong, and what.
pub type Wrong = (Vec<&'static str>, String);

impl Config {
    /// What is chosen by properties, and in which context.
    ///
    /// # Errors
    /// The first list of properties that is wrong.
    pub fn oldest(&self, signal: Signal) -> Result<Vec<(Context, Chosen)>, Wrong> {
        let (include, exclude) = (Side::Include, Side::Exclude);
        let both = |context, key, kind, of: &dyn Fn(Side) -> Option<Properties>| {
            let side = |side: Side| match of(side) {
                Some(properties) if !is_nothing(&properties, kind) => {
                    Matcher::new(&properties, kind).map(Some).map_err(|m| (vec![key, side.name()], m))
                }
                _ => Ok(None),
            };
            Ok((context, Chosen { include: side(include)?, exclude: side(exclude)? }))
        };
        let chosen = match signal {
            Signal::Traces => {
                let spans = &self.spans;
                vec![both(Context::Span, "spans", Kind::Span, &|s| s.of(&spans.include, &spans.exclude).cloned())?]
            }
            Signal::Metrics => {
                let of = |side: Side| side.of(&self.metrics.include, &self.metrics.exclude);
                vec![
                    both(Context::Resource, "metrics", Kind::Metric, &|s| of(s).map(MetricMatch::resources))?,
                    both(Context::Metric, "metrics", Kind::Metric, &|s| of(s).map(MetricMatch::names))?,
                ]
            }
            Signal::Logs => {
                let of = |side: Side| side.of(&self.logs.include, &self.logs.exclude);
                vec![both(Context::Log, "logs", Kind::Log, &|s| of(s).map(LogMatch::properties))?]
            }
            Signal::Profiles => Vec::new(),
        };
        Ok(chosen.into_iter().filter(|(_, chosen)| !chosen.is_everything()).collect())
    }

    /// The rules of the oldest form.
    pub fn older_rules(&self, decoder: &mut Decoder) {
        for (key, signal, newer, given) in [
            ("spans", Signal::Traces, false, self.spans.include.is_some() || self.spans.exclude.is_some()),
            (
                "metrics",
                Signal::Metrics,
                !self.metric_conditions.is_empty(),
                self.metrics.include.is_some() || self.metrics.exclude.is_some(),
            ),
            (
                "logs",
                Signal::Logs,
                !self.log_conditions.is_empty(),
                self.logs.include.is_some() || self.logs.exclude.is_some(),
            ),
        ] {
            let conditions = self.old(signal).into_iter().find(|list| !list.texts.is_empty());
            let other = conditions.map(|list| list.path.join("::"));
            let other = other.or_else(|| newer.then(|| format!("{}_conditions", key.trim_end_matches('s'))));
            if let (Some(other), true) = (other, given) {
                decoder.at(key, |d| d.error(format!("include and exclude cannot be used together with {other}")));
            }
            if let Err((path, message)) = self.oldest(signal) {
                decoder.at(path.join("::"), |decoder| decoder.error(message));
            }
        }
    }
}

/// Empty `include` and `exclude` of logs and metrics choose everything; those of spans are a mistake.
fn is_nothing(properties: &Properties, kind: Kind) -> bool {
    kind != Kind::Span && Properties { match_type: None, ..properties.clone() } == Properties::default()
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Include,
    Exclude,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Include => "include",
            Self::Exclude => "exclude",
        }
    }

    fn of<'a, T>(self, include: &'a Option<T>, exclude: &'a Option<T>) -> Option<&'a T> {
        match self {
            Self::Include => include.as_ref(),
            Self::Exclude => exclude.as_ref(),
        }
    }
}
