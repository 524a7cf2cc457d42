//! The Collector's list of changes to attributes, for whoever has attributes to change.

mod steps;
#[cfg(test)]
mod tests;
mod values;

use config::{Decoder, Node, Rules};
use regex::Regex;

pub use steps::Steps;

config::settings! {
    /// One change.
    pub struct Action {
        /// The attribute it is about.
        pub key: String = String::new(),
        /// What is done with it: insert, update, upsert, delete, hash, extract or convert.
        pub action: Option<Verb> = None,
        /// A new value of any type.
        pub value: Option<Node> = None,
        /// The attribute whose value is copied.
        pub from_attribute: String = String::new(),
        /// The client metadata that becomes the value: metadata.NAME or client.address.
        pub from_context: String = String::new(),
        /// The value when the one to copy is missing.
        pub default_value: Option<Node> = None,
        /// A regular expression: of keys to delete or hash, or with named groups to extract from the value.
        pub pattern: String = String::new(),
        /// The type to convert to.
        pub converted_type: Option<Target> = None,
    }
}

config::words! {
    /// What is done with an attribute.
    pub enum Verb: "action" {
        /// Set where it is missing.
        Insert = "insert",
        /// Set where it is there.
        Update = "update",
        /// Set in any case.
        Upsert = "upsert",
        /// Remove.
        Delete = "delete",
        /// Replace by the SHA-256 of the value.
        Hash = "hash",
        /// Set an attribute for each named group of the pattern.
        Extract = "extract",
        /// Change its type.
        Convert = "convert",
    }
}

config::words! {
    /// A type of values.
    pub enum Target: "converted_type" {
        /// Text.
        Text = "string",
        /// A whole number.
        Int = "int",
        /// A floating point number.
        Double = "double",
    }
}

/// What stands in for a word that was not understood; the fault was reported.
impl Default for Verb {
    fn default() -> Self {
        Self::Upsert
    }
}

/// As for [`Verb`].
impl Default for Target {
    fn default() -> Self {
        Self::Text
    }
}

impl Rules for Action {
    fn rules(&self, decoder: &mut Decoder) {
        let Some(verb) = self.action else {
            return decoder.at("action", |d| d.error("must be set"));
        };
        let by_pattern = verb.takes_keys_by_pattern() && !self.pattern.is_empty();
        if self.key.is_empty() && !by_pattern {
            decoder.at("key", |d| d.error("must be set"));
        }
        self.sources(verb, decoder);
        for value in [("value", &self.value), ("default_value", &self.default_value)] {
            if let (key, Some(node)) = value {
                decoder.at(key, |decoder| pipeline::check_value(node, decoder));
            }
        }
        match (verb, self.converted_type) {
            (Verb::Convert, None) => decoder.at("converted_type", |d| d.error("must be set")),
            (Verb::Convert, _) | (_, None) => {}
            (_, Some(_)) => self.unused("converted_type", verb, decoder),
        }
        decoder.at("pattern", |decoder| self.check_pattern(verb, decoder));
    }
}

impl Verb {
    fn takes_keys_by_pattern(self) -> bool {
        matches!(self, Self::Delete | Self::Hash)
    }

    fn sets(self) -> bool {
        matches!(self, Self::Insert | Self::Update | Self::Upsert)
    }
}

impl Action {
    /// One source of a value where one is needed, none where not.
    fn sources(&self, verb: Verb, decoder: &mut Decoder) {
        let given = [
            ("value", self.value.is_some()),
            ("from_attribute", !self.from_attribute.is_empty()),
            ("from_context", !self.from_context.is_empty()),
        ];
        let named: Vec<_> = given.into_iter().filter(|(_, given)| *given).map(|(key, _)| key).collect();
        if !verb.sets() {
            named.iter().for_each(|key| self.unused(key, verb, decoder));
            if self.default_value.is_some() {
                self.unused("default_value", verb, decoder);
            }
        } else if named.is_empty() && self.default_value.is_none() {
            decoder.error("needs one of value, from_attribute, from_context or default_value");
        } else if named.len() > 1 {
            decoder.error(format!("only one of {} can be set", named.join(" and ")));
        }
    }

    fn unused(&self, key: &str, verb: Verb, decoder: &mut Decoder) {
        let word = config::Decode::encode(&verb, config::Secrets::Redacted).value;
        let word = if let config::Value::String(word) = word { word } else { String::new() };
        decoder.at(key, |d| d.error(format!("action {word} does not use it")));
    }

    fn check_pattern(&self, verb: Verb, decoder: &mut Decoder) {
        match (verb, self.pattern.is_empty()) {
            (Verb::Extract, true) => return decoder.error("must be set"),
            (_, true) => return,
            (Verb::Extract | Verb::Delete | Verb::Hash, false) => {}
            (_, false) => return decoder.error("only delete, hash and extract use it"),
        }
        match Regex::new(&self.pattern) {
            Err(error) => decoder.error(format!("is no regular expression: {}", last_line(&error))),
            Ok(regex) if verb == Verb::Extract => check_groups(&regex, decoder),
            Ok(_) => {}
        }
    }
}

/// The parser's message without the drawing above it.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().map_or(String::new(), |line| line.trim_start_matches("error: ").to_owned())
}

fn check_groups(regex: &Regex, decoder: &mut Decoder) {
    let mut groups = regex.capture_names().skip(1).peekable();
    if groups.peek().is_none() {
        decoder.error("has no named group, such as (?P<name>...)");
    } else if groups.any(|name| name.is_none()) {
        decoder.error("has a group without a name; write (?P<name>...) or (?:...)");
    }
}
