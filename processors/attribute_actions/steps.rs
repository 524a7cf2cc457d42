//! Changes ready to be made.

use std::borrow::Cow;

use config::Node;
use pipeline::proto::common::v1::AnyValue;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::{Attributes, Made, Origin};
use regex::Regex;

use super::values::{convert, hash};
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
    value: Option<Made>,
    from_context: String,
    from_attribute: String,
    default: Option<Made>,
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
    pub fn apply(&self, attributes: &mut dyn Attributes, origin: &Origin) {
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
    let value = |node: &Option<Node>| node.as_ref().map(|node| Made::new(&action.key, pipeline::value_of(node)));
    Source {
        value: value(&action.value),
        from_context: action.from_context.clone(),
        from_attribute: action.from_attribute.clone(),
        default: value(&action.default_value),
    }
}

impl Step {
    fn apply(&self, attributes: &mut dyn Attributes, origin: &Origin) {
        match &self.what {
            What::Set(verb, source) => {
                let wanted = *verb == Verb::Upsert || (*verb == Verb::Update) == attributes.has(&self.key);
                if let (true, Some(made)) = (wanted, source.find(&self.key, attributes, origin)) {
                    attributes.put_made(&made);
                }
            }
            What::Delete(None) => attributes.remove(&self.key),
            What::Delete(pattern) => attributes.retain(&mut |key| !self.is_meant(key, pattern)),
            What::Hash(pattern) => attributes.change(&|key| self.is_meant(key, pattern), &mut hash),
            What::Extract(regex) => extract(attributes, &self.key, regex),
            What::Convert(target) => {
                attributes.change(&|key| key == self.key, &mut |value| convert(value, *target));
            }
        }
    }

    fn is_meant(&self, key: &str, pattern: &Option<Regex>) -> bool {
        (!self.key.is_empty() && key == self.key) || pattern.as_ref().is_some_and(|pattern| pattern.is_match(key))
    }
}

impl Source {
    /// The attribute that is to be set.
    fn find<'s>(&'s self, key: &str, attributes: &dyn Attributes, origin: &Origin) -> Option<Cow<'s, Made>> {
        if let Some(value) = &self.value {
            return Some(Cow::Borrowed(value));
        }
        let context = || from_context(&self.from_context, origin);
        let found = context().or_else(|| attributes.get(&self.from_attribute).map(Cow::into_owned));
        let made = found.map(|value| Cow::Owned(Made::new(key, value)));
        made.or_else(|| self.default.as_ref().map(Cow::Borrowed))
    }
}

/// `client.address`, `auth.NAME`, `metadata.NAME`, or plain `NAME`, which the Collector takes for metadata too.
fn from_context(name: &str, origin: &Origin) -> Option<AnyValue> {
    let text = if name == "client.address" {
        origin.peer?.ip().to_string()
    } else if let Some(name) = name.strip_prefix("auth.") {
        origin.identity.iter().find(|(own, _)| own == name)?.1.clone()
    } else {
        let name = name.strip_prefix("metadata.").unwrap_or(name);
        let values = origin.metadata.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let values: Vec<_> = values.map(|(_, value)| value.as_str()).collect();
        Some(values.join(";")).filter(|_| !values.is_empty())?
    };
    Some(AnyValue { value: Some(Value::StringValue(text)) })
}

fn extract(attributes: &mut dyn Attributes, key: &str, regex: &Regex) {
    let text = match attributes.get(key).map(Cow::into_owned) {
        Some(AnyValue { value: Some(Value::StringValue(text)) }) => text,
        _ => return,
    };
    let Some(found) = regex.captures(&text) else {
        return;
    };
    for name in regex.capture_names().flatten() {
        // A group that took no part in the match is empty text, as in Go.
        let part = found.name(name).map_or("", |part| part.as_str()).to_owned();
        attributes.put(name, AnyValue { value: Some(Value::StringValue(part)) });
    }
}
