//! What an expression is about: one item with its scope and resource.

use std::sync::Arc;

use pipeline::Signal;
use pipeline::proto::common::v1::{InstrumentationScope, KeyValue};
use pipeline::proto::logs::v1::LogRecord;
use pipeline::proto::metrics::v1::Metric;
use pipeline::proto::profiles::v1development::Profile;
use pipeline::proto::resource::v1::Resource;
use pipeline::proto::trace::v1::Span;

use crate::client::Client;

config::words! {
    /// Which kind of item paths are about.
    pub enum Context: "context" {
        /// A resource.
        Resource = "resource",
        /// An instrumentation scope.
        Scope = "scope",
        /// A span.
        Span = "span",
        /// An event of a span.
        SpanEvent = "spanevent",
        /// A metric with all its data points.
        Metric = "metric",
        /// One data point.
        DataPoint = "datapoint",
        /// A log record.
        Log = "log",
        /// A profile.
        Profile = "profile",
    }
}

/// What stands in for a word that was not understood; the fault was reported.
impl Default for Context {
    fn default() -> Self {
        Self::Resource
    }
}

impl Context {
    /// Every context, the one that is inferred first at the front.
    pub const ALL: [Self; 8] = [
        Self::Log,
        Self::Profile,
        Self::DataPoint,
        Self::Metric,
        Self::SpanEvent,
        Self::Span,
        Self::Scope,
        Self::Resource,
    ];

    /// The contexts of a signal.
    pub fn of(signal: Signal) -> &'static [Self] {
        match signal {
            Signal::Traces => &[Self::SpanEvent, Self::Span, Self::Scope, Self::Resource],
            Signal::Metrics => &[Self::DataPoint, Self::Metric, Self::Scope, Self::Resource],
            Signal::Logs => &[Self::Log, Self::Scope, Self::Resource],
            Signal::Profiles => &[Self::Profile, Self::Scope, Self::Resource],
        }
    }

    /// As it is written in front of a path.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Scope => "scope",
            Self::Span => "span",
            Self::SpanEvent => "spanevent",
            Self::Metric => "metric",
            Self::DataPoint => "datapoint",
            Self::Log => "log",
            Self::Profile => "profile",
        }
    }

    /// The context that is written so.
    pub fn parse(name: &str) -> Option<Self> {
        let name = if name == "instrumentation_scope" { "scope" } else { name };
        Self::ALL.into_iter().find(|context| context.name() == name)
    }

    /// Whether an item of this context lies in one of `outer`, or is one.
    pub fn sees(self, outer: Self) -> bool {
        let parent = match self {
            Self::Resource => return outer == self,
            Self::Scope => Self::Resource,
            Self::Span | Self::Metric | Self::Log | Self::Profile => Self::Scope,
            Self::SpanEvent => Self::Span,
            Self::DataPoint => Self::Metric,
        };
        outer == self || parent.sees(outer)
    }
}

/// A scope and the URL of its schema.
#[derive(Debug)]
pub struct Scope<'a> {
    /// The scope.
    pub scope: &'a mut InstrumentationScope,
    /// The URL of the schema of what is in it.
    pub schema_url: &'a mut String,
}

/// The item itself.
#[derive(Debug)]
pub enum Item<'a> {
    /// Nothing below the resource or the scope.
    None,
    /// A log record.
    Log(&'a mut LogRecord),
    /// A span.
    Span(&'a mut Span),
    /// One event of a span, by its place.
    SpanEvent(&'a mut Span, usize),
    /// A metric.
    Metric(&'a mut Metric),
    /// One data point of a metric, by its place.
    DataPoint(&'a mut Metric, usize),
    /// A profile, and what it names by places in a dictionary.
    Profile(&'a mut Profile, Named<'a>),
}

/// What a profile names by places in the dictionary of its request.
#[derive(Debug)]
pub struct Named<'a> {
    /// Its attributes by their names.
    pub attributes: &'a mut Vec<KeyValue>,
    /// The texts that places mean.
    pub strings: &'a mut Vec<String>,
}

/// One item with its scope and resource, and the notes that statements make about it.
#[derive(Debug)]
pub struct Target<'a> {
    /// The resource.
    pub resource: &'a mut Resource,
    /// The URL of the schema of what is in it.
    pub resource_schema_url: &'a mut String,
    /// The scope, unless it is about the resource.
    pub scope: Option<Scope<'a>>,
    /// The item.
    pub item: Item<'a>,
    /// What `cache` is; gone with the item.
    pub cache: Vec<KeyValue>,
    /// Metrics that statements made of this one.
    pub made: Vec<Metric>,
    /// Who sent it, where a text asks for that.
    pub client: Option<Arc<Client>>,
}
