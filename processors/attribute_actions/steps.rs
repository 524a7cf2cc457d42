//! Changes ready to be made.

use config::Node;
use pipeline::Origin;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};
use regex::Regex;

use super::values::{self, convert, hash};
use super::{Action, Target, Verb};

/// Changes in the order they are made.
#[derive(Debug)]
pub struct Steps(Vec<Step>);

#[derive(Debug)]
struct Step {
    key: String,
    what: What,
}

#[derive(Debug)]
enum What {
    Set(Verb, Source),
    Delete(Option<Regex>),
    Hash(Option<Regex>),
    Extract(Regex),
    Convert(Target),
}

/// Where a new value comes from; the first that has one.
#[derive(Debug)]
struct Source {
    value: Option<AnyValue>,
    from_context: String,
    from_attribute: String,
    default: Option<AnyValue>,
}

impl Steps {
    /// Makes checked settings ready.
    ///
    /// # Errors
    /// What the rules of the settings would have found.
    pub fn new(actions: &[Action]) -> Result<Self, String> {
        actions.iter().map(step).collect::<Result<_, _>>().map(Self)
    }

    /// Makes every change.
    pub fn apply(&self, attributes: &mut Vec<KeyValue>, origin: &Origin) {
        self.0.iter().for_each(|step| step.apply(attributes, origin));
    }
}

fn step(action: &Action) -> Result<Step, String> {
    let regex = |pattern: &str| Regex::new(pattern).map_err(|e| e.to_string());
    let keys = || Some(&action.pattern).filter(|p| !p.is_empty()).map(|p| regex(p)).transpose();
    let what = match action.action.ok_or("an action is missing")? {
        verb @ (Verb::Insert | Verb::Update | Verb::Upsert) => What::Set(verb, source(action)),
        Verb::Delete => What::Delete(keys()?),
        Verb::Hash => What::Hash(keys()?),
        Verb::Extract => What::Extract(regex(&action.pattern)?),
        Verb::Convert => What::Convert(action.converted_type.ok_or("converted_type is missing")?),
    };
    Ok(Step { key: action.key.clone(), what })
}

fn source(action: &Action) -> Source {
    let value = |node: &Option<Node>| node.as_ref().map(values::from_node);
    Source {
        value: value(&action.value),
        from_context: action.from_context.clone(),
        from_attribute: action.from_attribute.clone(),
        default: value(&action.default_value),
    }
}

impl Step {
    fn apply(&self, attributes: &mut Vec<KeyValue>, origin: &Origin) {
        match &self.what {
            What::Set(verb, source) => {
                let wanted = *verb == Verb::Upsert || (*verb == Verb::Update) == get(attributes, &self.key).is_some();
                if let (true, Some(value)) = (wanted, source.find(attributes, origin)) {
                    put(attributes, &self.key, value);
                }
            }
            What::Delete(pattern) => attributes.retain(|attribute| !self.is_meant(attribute, pattern)),
            What::Hash(pattern) => {
                attributes.iter_mut().filter(|attribute| self.is_meant(attribute, pattern)).for_each(hash);
            }
            What::Extract(regex) => extract(attributes, &self.key, regex),
            What::Convert(target) => {
                let found = attributes.iter_mut().find(|attribute| attribute.key == self.key);
                if let Some(value) = found.and_then(|attribute| attribute.value.as_mut()) {
                    convert(value, *target);
                }
            }
        }
    }

    fn is_meant(&self, attribute: &KeyValue, pattern: &Option<Regex>) -> bool {
        (!self.key.is_empty() && attribute.key == self.key)
            || pattern.as_ref().is_some_and(|pattern| pattern.is_match(&attribute.key))
    }
}

impl Source {
    fn find(&self, attributes: &[KeyValue], origin: &Origin) -> Option<AnyValue> {
        let context = || from_context(&self.from_context, origin);
        let attribute = || get(attributes, &self.from_attribute).cloned();
        self.value.clone().or_else(context).or_else(attribute).or_else(|| self.default.clone())
    }
}

/// `client.address`, `metadata.NAME`, or plain `NAME`, which the Collector takes for metadata too.
fn from_context(name: &str, origin: &Origin) -> Option<AnyValue> {
    let text = if name == "client.address" {
        origin.peer?.ip().to_string()
    } else {
        let name = name.strip_prefix("metadata.").unwrap_or(name);
        let values = origin.metadata.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let values: Vec<_> = values.map(|(_, value)| value.as_str()).collect();
        Some(values.join(";")).filter(|_| !values.is_empty())?
    };
    Some(AnyValue { value: Some(Value::StringValue(text)) })
}

fn extract(attributes: &mut Vec<KeyValue>, key: &str, regex: &Regex) {
    let Some(Value::StringValue(text)) = get(attributes, key).and_then(|value| value.value.as_ref()) else {
        return;
    };
    let text = text.clone();
    let Some(found) = regex.captures(&text) else {
        return;
    };
    for name in regex.capture_names().flatten() {
        // A group that took no part in the match is empty text, as in Go.
        let part = found.name(name).map_or("", |part| part.as_str()).to_owned();
        put(attributes, name, AnyValue { value: Some(Value::StringValue(part)) });
    }
}

fn get<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a AnyValue> {
    attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()
}

fn put(attributes: &mut Vec<KeyValue>, key: &str, value: AnyValue) {
    match attributes.iter_mut().find(|attribute| attribute.key == key) {
        Some(attribute) => attribute.value = Some(value),
        None => attributes.push(KeyValue { key: key.to_owned(), value: Some(value), ..KeyValue::default() }),
    }
}
