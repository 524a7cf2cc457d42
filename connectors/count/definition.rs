//! Metrics ready to count.

use config::Decoder;
use indexmap::IndexMap;
use ottl::{Client, Condition, Context, ErrorMode, Failures, Prefix, Target};
use pipeline::proto::common::v1::{AnyValue, KeyValue};

use super::{Config, Metric};

/// Reports what is wrong with the metrics of one kind of items.
pub fn check(metrics: &IndexMap<String, Metric>, context: Context, decoder: &mut Decoder) {
    for (name, metric) in metrics {
        decoder.at(name, |decoder| {
            if name.is_empty() {
                decoder.error("a metric without a name");
            }
            if context == Context::Metric && !metric.attributes.is_empty() {
                decoder.at("attributes", |d| d.error("metrics have none; count data points to tell them apart"));
            }
            for (index, text) in metric.conditions.iter().enumerate() {
                if let Err(fault) = ottl::condition(text, context, Prefix::Optional) {
                    decoder.at("conditions", |d| d.at(index.to_string(), |d| d.error(fault.show(text))));
                }
            }
        });
    }
}

/// A metric.
pub struct Definition {
    /// Its name.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    conditions: Vec<(Condition, String)>,
    attributes: Vec<(String, Option<AnyValue>)>,
}

impl Definition {
    fn new(name: &str, metric: &Metric, context: Context) -> Result<Self, String> {
        let condition = |text: &String| {
            let condition = ottl::condition(text, context, Prefix::Optional).map_err(|fault| fault.show(text))?;
            Ok((condition, text.clone()))
        };
        let attribute = |attribute: &super::Attribute| {
            (attribute.key.clone(), attribute.default_value.as_ref().map(pipeline::value_of))
        };
        Ok(Self {
            name: name.to_owned(),
            description: metric.description.clone(),
            conditions: metric.conditions.iter().map(condition).collect::<Result<_, String>>()?,
            attributes: metric.attributes.iter().map(attribute).collect(),
        })
    }

    /// The attributes of the point that an item counts in, unless it does not have all of them.
    pub fn attributes(&self, lists: [&[KeyValue]; 3]) -> Option<Vec<KeyValue>> {
        let one = |(key, default): &(String, Option<AnyValue>)| {
            let found = lists.iter().find_map(|list| list.iter().find(|attribute| attribute.key == *key));
            let value = found.map(|found| found.value.clone().unwrap_or_default()).or_else(|| default.clone());
            Some(KeyValue { key: key.clone(), value: Some(value?), ..KeyValue::default() })
        };
        self.attributes.iter().map(one).collect()
    }

    /// Whether an item counts.
    ///
    /// # Errors
    /// The first condition that fails.
    pub fn counts(&self, target: &Target<'_>, failures: &Failures) -> Result<bool, String> {
        for (condition, text) in &self.conditions {
            match condition.holds(target) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(failure) => failures.handle(ErrorMode::Propagate, "condition", text, &failure)?,
            }
        }
        Ok(self.conditions.is_empty())
    }
}

/// All metrics of a connector.
pub struct Definitions {
    /// By the kind of items that they count.
    pub of_items: Vec<(Context, Vec<Definition>)>,
    /// Whether a condition asks who sent what is counted.
    pub ask_for_client: bool,
}

impl Definitions {
    /// # Errors
    /// What the rules of the settings would have found.
    pub fn new(config: &Config) -> Result<Self, String> {
        let all = [
            (Context::Span, &config.spans, "trace.span.count", "The number of spans observed."),
            (Context::SpanEvent, &config.spanevents, "trace.span.event.count", "The number of span events observed."),
            (Context::Metric, &config.metrics, "metric.count", "The number of metrics observed."),
            (Context::DataPoint, &config.datapoints, "metric.datapoint.count", "The number of data points observed."),
            (Context::Log, &config.logs, "log.record.count", "The number of log records observed."),
            (Context::Profile, &config.profiles, "profile.count", "The number of profiles observed."),
        ];
        let mut texts = all.iter().flat_map(|(_, metrics, ..)| metrics.values()).map(|metric| &metric.conditions);
        let ask_for_client = texts.any(Client::is_in);
        let of_items = all
            .into_iter()
            .map(|(context, metrics, name, about)| Ok((context, definitions(metrics, context, name, about)?)));
        Ok(Self { of_items: of_items.collect::<Result<_, String>>()?, ask_for_client })
    }

    /// The metrics that count items of one of these contexts.
    pub fn of(&self, contexts: &[Context]) -> impl Iterator<Item = (Context, &[Definition])> {
        let of_items = self.of_items.iter().filter(move |(context, _)| contexts.contains(context));
        of_items.map(|(context, definitions)| (*context, definitions.as_slice()))
    }
}

/// The metrics that are written, or the one that counts all where none is.
fn definitions(
    metrics: &IndexMap<String, Metric>,
    context: Context,
    name: &str,
    about: &str,
) -> Result<Vec<Definition>, String> {
    if metrics.is_empty() {
        let all = Metric { description: about.to_owned(), ..Metric::default() };
        return Ok(vec![Definition::new(name, &all, context)?]);
    }
    metrics.iter().map(|(name, metric)| Definition::new(name, metric, context)).collect()
}
