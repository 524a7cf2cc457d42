//! Policies about one attribute of spans and resources.

use std::collections::HashSet;

use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::common::v1::any_value::Value;
use regex::Regex;

use crate::tail_sampling::evaluator::{Evaluate, Seen, Verdict};
use crate::tail_sampling::settings::{BooleanAttribute, NumericAttribute, StringAttribute, Wrong};

/// An attribute whose value has to fit, or must not.
pub struct Attribute {
    key: String,
    wanted: Wanted,
    invert: bool,
}

enum Wanted {
    Text(HashSet<String>),
    Patterns(Vec<Regex>),
    Number { min: i64, max: i64 },
    Truth(bool),
}

impl Attribute {
    /// A text.
    ///
    /// # Errors
    /// A value that is no regular expression, where they are.
    pub fn text(settings: &StringAttribute) -> Result<Self, Wrong> {
        let wanted = match settings.enabled_regex_matching {
            true => Wanted::Patterns(settings.values.iter().map(pattern).collect::<Result<_, _>>()?),
            false => Wanted::Text(settings.values.iter().filter(|value| !value.is_empty()).cloned().collect()),
        };
        Ok(Self { key: settings.key.clone(), wanted, invert: settings.invert_match })
    }

    /// A whole number in a range.
    ///
    /// # Errors
    /// It has no limit.
    pub fn number(settings: &NumericAttribute) -> Result<Self, Wrong> {
        // Zero is no limit, as in the Collector, which cannot tell it from one that is left out.
        let limit = |value: i64| Some(value).filter(|value| *value != 0);
        let (min, max) = (limit(settings.min_value), limit(settings.max_value));
        if min.is_none() && max.is_none() {
            return Err(Wrong::new("numeric_attribute", "min_value or max_value must be set, and not to 0"));
        }
        let wanted = Wanted::Number { min: min.unwrap_or(i64::MIN), max: max.unwrap_or(i64::MAX) };
        Ok(Self { key: settings.key.clone(), wanted, invert: settings.invert_match })
    }

    /// True or false.
    pub fn truth(settings: &BooleanAttribute) -> Self {
        Self { key: settings.key.clone(), wanted: Wanted::Truth(settings.value), invert: settings.invert_match }
    }

    fn value<'a>(&self, attributes: &'a [KeyValue]) -> Option<Option<&'a Value>> {
        let attribute = attributes.iter().find(|attribute| attribute.key == self.key)?;
        Some(attribute.value.as_ref().and_then(|value| value.value.as_ref()))
    }
}

fn pattern(text: &String) -> Result<Regex, Wrong> {
    Regex::new(text).map_err(|error| {
        let said = error.to_string();
        let said = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
        Wrong::new("string_attribute", format!("values: {text:?} is no regular expression: {said}"))
    })
}

impl Wanted {
    /// Whether a value fits. One of another kind counts as empty, zero or false, as in the Collector.
    fn is(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Text(texts) => texts.contains(text(value)),
            Self::Patterns(patterns) => patterns.iter().any(|pattern| pattern.is_match(text(value))),
            Self::Number { min, max } => match value {
                Some(Value::IntValue(int)) => (min..=max).contains(&int),
                _ => (min..=max).contains(&&0),
            },
            Self::Truth(wanted) => matches!(value, Some(Value::BoolValue(true))) == *wanted,
        }
    }

    /// Whether an empty text of a span is not looked at.
    fn skips(&self, value: Option<&Value>) -> bool {
        matches!(self, Self::Text(_) | Self::Patterns(_)) && text(value).is_empty()
    }
}

fn text(value: Option<&Value>) -> &str {
    match value {
        Some(Value::StringValue(text)) => text,
        _ => "",
    }
}

impl Evaluate for Attribute {
    fn evaluate(&mut self, trace: &mut Seen<'_>) -> Result<Verdict, String> {
        let of_resource = |attributes: &[KeyValue]| self.value(attributes).is_some_and(|value| self.wanted.is(value));
        let of_span = |attributes: &[KeyValue]| {
            self.value(attributes).is_some_and(|value| !self.wanted.skips(value) && self.wanted.is(value))
        };
        Ok(Verdict::when(trace.has_attributes(of_resource, of_span)? != self.invert))
    }
}
