//! What is written in a configuration.

use config::{Node, Rules};

config::words! {
    /// How texts are compared.
    pub enum MatchType: "match_type" {
        /// They are equal.
        Strict = "strict",
        /// The regular expression is somewhere in the text.
        Regexp = "regexp",
    }
}

/// What stands in for a word that was not understood; the fault was reported.
impl Default for MatchType {
    fn default() -> Self {
        Self::Strict
    }
}

config::settings! {
    /// Properties that an item must have.
    pub struct Properties {
        /// How texts are compared: strict or regexp.
        pub match_type: Option<MatchType> = None,
        /// A cache that the Collector has for regular expressions; read and not needed.
        pub regexp: Option<RegexpCache> = None,
        /// `service.name` of the resource; spans only.
        pub services: Vec<String> = Vec::new(),
        /// Names of spans.
        pub span_names: Vec<String> = Vec::new(),
        /// Kinds of spans, such as SPAN_KIND_SERVER.
        pub span_kinds: Vec<String> = Vec::new(),
        /// Bodies of log records as text.
        pub log_bodies: Vec<String> = Vec::new(),
        /// Severity texts of log records.
        pub log_severity_texts: Vec<String> = Vec::new(),
        /// Severity numbers of log records.
        pub log_severity_number: Option<Severity> = None,
        /// Names of metrics.
        pub metric_names: Vec<String> = Vec::new(),
        /// Attributes of the span or log record.
        pub attributes: Vec<Attribute> = Vec::new(),
        /// Attributes of the resource.
        pub resources: Vec<Attribute> = Vec::new(),
        /// Instrumentation scopes.
        pub libraries: Vec<Library> = Vec::new(),
    }
}

config::settings! {
    /// An attribute that must be there.
    pub struct Attribute {
        /// Its key.
        pub key: String = String::new(),
        /// Its value; any if left out.
        pub value: Option<Node> = None,
    }
}

config::settings! {
    /// An instrumentation scope.
    pub struct Library {
        /// Its name.
        pub name: String = String::new(),
        /// Its version; any if left out.
        pub version: Option<String> = None,
    }
}

config::settings! {
    /// A lowest severity.
    pub struct Severity {
        /// The lowest severity number that matches.
        pub min: i32 = 0,
        /// Whether records without a severity match too.
        pub match_undefined: bool = false,
    }
}

config::settings! {
    /// The Collector's cache of results.
    pub struct RegexpCache {
        /// Whether results are kept.
        pub cacheenabled: bool = false,
        /// How many at the most; 0 for any number.
        pub cachemaxnumentries: u32 = 0,
    }
}

impl Rules for Properties {}
impl Rules for Attribute {}
impl Rules for Library {}
impl Rules for Severity {}
impl Rules for RegexpCache {}

/// What kind of items properties are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Spans.
    Span,
    /// Metrics.
    Metric,
    /// Log records.
    Log,
}

impl Kind {
    /// The properties that such items have, besides those of their scope and resource.
    fn own(self) -> &'static [&'static str] {
        match self {
            Self::Span => &["services", "span_names", "span_kinds", "attributes", "libraries", "resources"],
            Self::Metric => &["metric_names", "resources"],
            Self::Log => {
                &["log_bodies", "log_severity_texts", "log_severity_number", "attributes", "libraries", "resources"]
            }
        }
    }
}

impl Properties {
    /// The properties that are given.
    fn given(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            ("services", self.services.is_empty()),
            ("span_names", self.span_names.is_empty()),
            ("span_kinds", self.span_kinds.is_empty()),
            ("log_bodies", self.log_bodies.is_empty()),
            ("log_severity_texts", self.log_severity_texts.is_empty()),
            ("log_severity_number", self.log_severity_number.is_none()),
            ("metric_names", self.metric_names.is_empty()),
            ("attributes", self.attributes.is_empty()),
            ("resources", self.resources.is_empty()),
            ("libraries", self.libraries.is_empty()),
        ];
        all.into_iter().filter(|(_, empty)| !empty).map(|(name, _)| name)
    }

    /// Whether the properties are such as items of this kind have, and at least one of them.
    ///
    /// # Errors
    /// The first property that they do not have.
    pub fn fit(&self, kind: Kind) -> Result<(), String> {
        let own = kind.own();
        if let Some(other) = self.given().find(|name| !own.contains(name)) {
            return Err(format!("{other} is no property of {}; use {}", kind.plural(), own.join(", ")));
        }
        match self.given().next() {
            Some(_) => Ok(()),
            None => Err(format!("needs at least one of {}", own.join(", "))),
        }
    }
}

impl Kind {
    fn plural(self) -> &'static str {
        match self {
            Self::Span => "spans",
            Self::Metric => "metrics",
            Self::Log => "log records",
        }
    }
}
