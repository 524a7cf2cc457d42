//! What is written in the configuration, and what is made of it.

use config::{Decoder, Rules, gates};
use pipeline::Signal;

use super::older::{ByProperties, LogMatch, MetricMatch};
use super::stage::{Stage, Test};
use crate::matching::RegexpCache;
use ottl::{self, Client, Context, ErrorMode, Failures, Fault, Group, Groups, Prefix, Reads};

config::settings! {
    /// What is dropped.
    pub struct Config {
        /// What becomes of a condition that fails for an item: ignore, silent or propagate.
        pub error_mode: ErrorMode = ErrorMode::by_default(&gates::FILTER_IGNORES),
        /// Conditions for spans, their events, scopes and resources; paths say their context.
        pub trace_conditions: Groups<Conditions> = Groups::default(),
        /// Conditions for metrics, data points, scopes and resources; paths say their context.
        pub metric_conditions: Groups<Conditions> = Groups::default(),
        /// Conditions for log records, scopes and resources; paths say their context.
        pub log_conditions: Groups<Conditions> = Groups::default(),
        /// Conditions for profiles, scopes and resources; paths say their context.
        pub profile_conditions: Groups<Conditions> = Groups::default(),
        /// The older form for traces.
        pub traces: Traces = Traces::default(),
        /// The oldest form for traces, by properties of spans.
        pub spans: ByProperties = ByProperties::default(),
        /// The older form for metrics.
        pub metrics: Metrics = Metrics::default(),
        /// The older form for logs.
        pub logs: Logs = Logs::default(),
        /// The older form for profiles.
        pub profiles: Profiles = Profiles::default(),
    }
}

config::settings! {
    /// Conditions of one context.
    pub struct Conditions {
        /// The context of paths that do not say theirs.
        pub context: Option<Context> = None,
        /// The conditions; one that is true is enough.
        pub conditions: Vec<String> = Vec::new(),
        /// What becomes of failures here, if not the same as elsewhere.
        pub error_mode: Option<ErrorMode> = None,
    }
}

config::settings! {
    /// Conditions for traces by context.
    pub struct Traces {
        /// Conditions for resources.
        pub resource: Vec<String> = Vec::new(),
        /// Conditions for spans.
        pub span: Vec<String> = Vec::new(),
        /// Conditions for events of spans.
        pub spanevent: Vec<String> = Vec::new(),
    }
}

config::settings! {
    /// Conditions for metrics by context.
    pub struct Metrics {
        /// Conditions for resources.
        pub resource: Vec<String> = Vec::new(),
        /// Conditions for metrics.
        pub metric: Vec<String> = Vec::new(),
        /// Conditions for data points.
        pub datapoint: Vec<String> = Vec::new(),
        /// The oldest form: metrics with these properties stay, all others go.
        pub include: Option<MetricMatch> = None,
        /// The oldest form: metrics with these properties go.
        pub exclude: Option<MetricMatch> = None,
        /// A cache that the Collector has for regular expressions; read and not needed.
        pub regexp: Option<RegexpCache> = None,
    }
}

config::settings! {
    /// Conditions for logs by context.
    pub struct Logs {
        /// Conditions for resources.
        pub resource: Vec<String> = Vec::new(),
        /// Conditions for log records.
        pub log_record: Vec<String> = Vec::new(),
        /// The oldest form: records with these properties stay, all others go.
        pub include: Option<LogMatch> = None,
        /// The oldest form: records with these properties go.
        pub exclude: Option<LogMatch> = None,
    }
}

config::settings! {
    /// Conditions for profiles by context.
    pub struct Profiles {
        /// Conditions for resources.
        pub resource: Vec<String> = Vec::new(),
        /// Conditions for profiles.
        pub profile: Vec<String> = Vec::new(),
    }
}

impl Rules for Conditions {}
impl Rules for Traces {}
impl Rules for Metrics {}
impl Rules for Logs {}
impl Rules for Profiles {}

impl Group for Conditions {
    const MIXES: bool = false;
}

/// Some conditions and where they stand.
pub(super) struct List<'c> {
    pub(super) path: Vec<String>,
    pub(super) texts: &'c [String],
    context: Option<Context>,
    error_mode: ErrorMode,
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        for (signal, older, newer) in [
            ("trace", self.old(Signal::Traces), &self.trace_conditions),
            ("metric", self.old(Signal::Metrics), &self.metric_conditions),
            ("log", self.old(Signal::Logs), &self.log_conditions),
            ("profile", self.old(Signal::Profiles), &self.profile_conditions),
        ] {
            let given = |list: &&List<'_>| !list.texts.is_empty();
            if let (Some(list), false) = (older.iter().find(given), newer.groups.is_empty() && newer.plain.is_empty()) {
                let older = list.path.join("::");
                decoder
                    .at(format!("{signal}_conditions"), |d| d.error(format!("cannot be used together with {older}")));
            }
        }
        self.older_rules(decoder);
        for signal in Signal::ALL {
            for list in self.lists(signal) {
                if let Err((index, message)) = list.compile(signal) {
                    at(decoder, &list.path, index, message);
                }
            }
        }
    }
}

/// Reports at a path below the processor, and there at one of a list's places.
fn at(decoder: &mut Decoder, path: &[String], index: usize, message: String) {
    match path.split_first() {
        Some((first, rest)) => decoder.at(first, |decoder| at(decoder, rest, index, message)),
        None => decoder.at(index.to_string(), |decoder| decoder.error(message)),
    }
}

impl Config {
    /// The conditions of a signal in the order they are looked at.
    ///
    /// # Errors
    /// What the rules would have found.
    pub fn stages(&self, signal: Signal, failures: &Failures) -> Result<Vec<Stage>, String> {
        let oldest = self.oldest(signal).map_err(|(path, message)| format!("{}: {message}", path.join("::")))?;
        let properties = oldest.into_iter().map(|(context, chosen)| Stage {
            context,
            test: Test::Properties(Box::new(chosen)),
            reads: Reads::All,
            asks_for_client: false,
            error_mode: self.error_mode,
            failures: failures.clone(),
        });
        let stage = |list: List<'_>| {
            let (context, conditions) = list.compile(signal).map_err(|(_, message)| message)?;
            let texts = list.texts.iter().cloned();
            let mut reads = Reads::nothing();
            conditions.iter().for_each(|condition| reads.add(condition, context));
            Ok(Stage {
                context,
                test: Test::Conditions(conditions.into_iter().zip(texts).collect()),
                reads,
                asks_for_client: Client::is_in(list.texts),
                error_mode: list.error_mode,
                failures: failures.clone(),
            })
        };
        let conditions = self.lists(signal).into_iter().map(stage).collect::<Result<Vec<_>, String>>()?;
        Ok(conditions.into_iter().chain(properties).collect())
    }

    fn lists(&self, signal: Signal) -> Vec<List<'_>> {
        let (key, newer) = match signal {
            Signal::Traces => ("trace_conditions", &self.trace_conditions),
            Signal::Metrics => ("metric_conditions", &self.metric_conditions),
            Signal::Logs => ("log_conditions", &self.log_conditions),
            Signal::Profiles => ("profile_conditions", &self.profile_conditions),
        };
        let mut lists = self.old(signal);
        lists.extend(newer.groups.iter().enumerate().map(|(index, group)| List {
            path: vec![key.into(), index.to_string(), "conditions".into()],
            texts: &group.conditions,
            context: group.context,
            error_mode: group.error_mode.unwrap_or(self.error_mode),
        }));
        lists.push(List { path: vec![key.into()], texts: &newer.plain, context: None, error_mode: self.error_mode });
        lists.retain(|list| !list.texts.is_empty());
        lists
    }

    /// The conditions of the form before `*_conditions`.
    pub(super) fn old(&self, signal: Signal) -> Vec<List<'_>> {
        let list = |key: &'static str, context: Context, texts| List {
            path: vec![signal.name().into(), key.into()],
            texts,
            context: Some(context),
            error_mode: self.error_mode,
        };
        let (traces, metrics, logs) = (&self.traces, &self.metrics, &self.logs);
        match signal {
            Signal::Traces => vec![
                list("resource", Context::Resource, &traces.resource),
                list("span", Context::Span, &traces.span),
                list("spanevent", Context::SpanEvent, &traces.spanevent),
            ],
            Signal::Metrics => vec![
                list("resource", Context::Resource, &metrics.resource),
                list("metric", Context::Metric, &metrics.metric),
                list("datapoint", Context::DataPoint, &metrics.datapoint),
            ],
            Signal::Logs => vec![
                list("resource", Context::Resource, &logs.resource),
                list("log_record", Context::Log, &logs.log_record),
            ],
            Signal::Profiles => vec![
                list("resource", Context::Resource, &self.profiles.resource),
                list("profile", Context::Profile, &self.profiles.profile),
            ],
        }
    }
}

impl List<'_> {
    fn compile(&self, signal: Signal) -> Result<(Context, Vec<ottl::Condition>), (usize, String)> {
        let told = |(index, fault): (usize, Fault)| (index, fault.show(&self.texts[index]));
        let candidates = Context::of(signal);
        let (context, prefix) = match self.context {
            Some(context) if candidates.contains(&context) => (context, Prefix::Optional),
            Some(context) => return Err((0, format!("context {} does not exist for {signal}", context.name()))),
            None => (ottl::infer(candidates, &[], self.texts).map_err(told)?, Prefix::Required),
        };
        let one = |(index, text): (usize, &String)| {
            ottl::condition(text, context, prefix).map_err(|fault| told((index, fault)))
        };
        self.texts.iter().enumerate().map(one).collect::<Result<_, _>>().map(|conditions| (context, conditions))
    }
}
