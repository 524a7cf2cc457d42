//! Attributes that tell series apart.

use ottl::functions::glob;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};
use regex::Regex;

use super::settings::Dimension;

/// Dimensions ready to be looked for.
pub struct Dimensions {
    names: Vec<(String, Option<AnyValue>)>,
    globs: Vec<Regex>,
}

impl Dimensions {
    /// # Errors
    /// What the rules of the settings would have found.
    pub fn new(settings: &[Dimension]) -> Result<Self, String> {
        let named = settings.iter().filter(|dimension| dimension.glob.is_empty());
        let default = |text: &String| AnyValue { value: Some(Value::StringValue(text.clone())) };
        let globs = settings.iter().filter(|dimension| !dimension.glob.is_empty());
        Ok(Self {
            names: named.map(|one| (one.name.clone(), one.default.as_ref().map(default))).collect(),
            globs: globs.map(|one| glob::regex(&one.glob, Some('.'))).collect::<Result<_, _>>()?,
        })
    }

    /// Shows what is found to `found`; the first list that has a key counts.
    pub fn each<'a>(&'a self, lists: &[&'a [KeyValue]], found: &mut dyn FnMut(&'a str, Option<&'a AnyValue>)) {
        for (name, default) in &self.names {
            let attribute = lists.iter().find_map(|list| list.iter().find(|attribute| attribute.key == *name));
            match (attribute, default) {
                (Some(attribute), _) => found(name, attribute.value.as_ref()),
                (None, Some(default)) => found(name, Some(default)),
                (None, None) => {}
            }
        }
        if self.globs.is_empty() {
            return;
        }
        for (index, list) in lists.iter().enumerate() {
            let is_new = |key: &str| lists[..index].iter().all(|list| list.iter().all(|other| other.key != key));
            let fits = |attribute: &&KeyValue| self.globs.iter().any(|glob| glob.is_match(&attribute.key));
            let mut fitting: Vec<_> = list.iter().filter(fits).filter(|attribute| is_new(&attribute.key)).collect();
            fitting.sort_by(|one, other| one.key.cmp(&other.key));
            fitting.into_iter().for_each(|attribute| found(&attribute.key, attribute.value.as_ref()));
        }
    }
}
