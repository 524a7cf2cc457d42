//! Attributes that have to be there.

use std::borrow::Cow;

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};

use super::matcher::Texts;
use super::settings::{Attribute, MatchType};
use ottl::same_value;
use pipeline::value_of;

/// Attributes of which all have to be there.
#[derive(Debug, Default)]
pub struct Attributes(Vec<(String, Wanted)>);

#[derive(Debug)]
enum Wanted {
    Anything,
    Equal(AnyValue),
    Text(Texts),
}

impl Attributes {
    /// Makes settings ready.
    ///
    /// # Errors
    /// A key or `match_type` is missing, or a value is no regular expression.
    pub fn new(attributes: &[Attribute], match_type: Option<MatchType>) -> Result<Self, String> {
        attributes.iter().map(|attribute| one(attribute, match_type)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether all of them are among these.
    pub fn are_in(&self, attributes: &[KeyValue]) -> bool {
        self.0.iter().all(|(key, wanted)| {
            let found = attributes.iter().find(|attribute| attribute.key == *key);
            found.is_some_and(|attribute| wanted.is(attribute.value.as_ref()))
        })
    }
}

fn one(attribute: &Attribute, match_type: Option<MatchType>) -> Result<(String, Wanted), String> {
    let key = attribute.key.clone();
    if key.is_empty() {
        return Err("an attribute without a key".to_owned());
    }
    let Some(node) = &attribute.value else { return Ok((key, Wanted::Anything)) };
    let wanted = match (match_type, &node.value) {
        (Some(MatchType::Strict), _) => Wanted::Equal(value_of(node)),
        (_, config::Value::String(text)) => Wanted::Text(Texts::new(std::slice::from_ref(text), match_type)?),
        (Some(MatchType::Regexp), _) => {
            return Err(format!("the value of attribute {key:?} must be a string for match_type regexp"));
        }
        (None, _) => return Err("needs match_type: strict or regexp".to_owned()),
    };
    Ok((key, wanted))
}

impl Wanted {
    fn is(&self, value: Option<&AnyValue>) -> bool {
        match self {
            Self::Anything => true,
            Self::Equal(wanted) => same_value(Some(wanted), value),
            Self::Text(texts) => value.and_then(plain_text).is_some_and(|text| texts.have(&text)),
        }
    }
}

/// Plain values as text; lists, maps and bytes have none here.
fn plain_text(value: &AnyValue) -> Option<Cow<'_, str>> {
    Some(match value.value.as_ref()? {
        Value::StringValue(text) => Cow::Borrowed(text),
        Value::BoolValue(truth) => truth.to_string().into(),
        Value::IntValue(int) => int.to_string().into(),
        Value::DoubleValue(double) => double.to_string().into(),
        _ => return None,
    })
}
