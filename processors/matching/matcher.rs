//! Properties ready to be looked for.

use std::borrow::Cow;

use pipeline::proto::common::v1::{AnyValue, KeyValue};
use pipeline::proto::logs::v1::LogRecord;
use pipeline::proto::trace::v1::Span;
use regex::Regex;

use super::attributes::Attributes;
use super::settings::{Kind, Library, MatchType, Properties};
use ottl::{Item, Target, plain_text};

/// Texts of which one is enough.
#[derive(Debug)]
pub enum Texts {
    /// Equal to it.
    Strict(Vec<String>),
    /// Found in it.
    Regexp(Vec<Regex>),
}

impl Texts {
    /// Makes settings ready.
    ///
    /// # Errors
    /// `match_type` is missing, or a text is no regular expression.
    pub fn new(texts: &[String], match_type: Option<MatchType>) -> Result<Self, String> {
        let regex = |text: &String| Regex::new(text).map_err(|error| not_regular(text, &error));
        match match_type {
            Some(MatchType::Strict) => Ok(Self::Strict(texts.to_vec())),
            Some(MatchType::Regexp) => texts.iter().map(regex).collect::<Result<_, _>>().map(Self::Regexp),
            None => Err("needs match_type: strict or regexp".to_owned()),
        }
    }

    /// Whether one of them fits.
    pub fn have(&self, text: &str) -> bool {
        match self {
            Self::Strict(texts) => texts.iter().any(|wanted| wanted == text),
            Self::Regexp(regexes) => regexes.iter().any(|regex| regex.is_match(text)),
        }
    }
}

fn not_regular(text: &str, error: &regex::Error) -> String {
    let said = error.to_string();
    let said = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
    format!("{text:?} is no regular expression: {said}")
}

/// What an item must have; what is not given is not looked at.
#[derive(Debug)]
pub struct Matcher {
    services: Option<Texts>,
    names: Option<Texts>,
    kinds: Option<Texts>,
    bodies: Option<Texts>,
    severity_texts: Option<Texts>,
    severity: Option<(i32, bool)>,
    libraries: Vec<(Texts, Option<Texts>)>,
    resources: Attributes,
    attributes: Attributes,
}

impl Matcher {
    /// Makes properties of a kind of items ready.
    ///
    /// # Errors
    /// Such items have not all of the properties, `match_type` is missing, or a text is no regular expression.
    pub fn new(properties: &Properties, kind: Kind) -> Result<Self, String> {
        properties.fit(kind)?;
        let match_type = properties.match_type;
        let texts = |list: &[String]| {
            Some(list).filter(|list| !list.is_empty()).map(|list| Texts::new(list, match_type)).transpose()
        };
        if kind == Kind::Span && match_type == Some(MatchType::Strict) {
            check_kinds(&properties.span_kinds)?;
        }
        let names = if kind == Kind::Metric { &properties.metric_names } else { &properties.span_names };
        Ok(Self {
            services: texts(&properties.services)?,
            names: texts(names)?,
            kinds: texts(&properties.span_kinds)?,
            bodies: texts(&properties.log_bodies)?,
            severity_texts: texts(&properties.log_severity_texts)?,
            severity: properties.log_severity_number.as_ref().map(|number| (number.min, number.match_undefined)),
            libraries: properties.libraries.iter().map(|one| library(one, match_type)).collect::<Result<_, _>>()?,
            resources: Attributes::new(&properties.resources, match_type)?,
            attributes: Attributes::new(&properties.attributes, match_type)?,
        })
    }

    /// Whether this item has them all.
    pub fn fits(&self, target: &Target<'_>) -> bool {
        self.fits_item(target) && self.fits_scope(target) && self.resources.are_in(&target.resource.attributes)
    }

    fn fits_item(&self, target: &Target<'_>) -> bool {
        match &target.item {
            Item::Span(span) | Item::SpanEvent(span, _) => self.fits_span(span, &target.resource.attributes),
            Item::Log(record) => self.fits_record(record),
            Item::Metric(metric) | Item::DataPoint(metric, _) => {
                self.names.as_ref().is_none_or(|names| names.have(&metric.name))
            }
            Item::None | Item::Profile(..) => true,
        }
    }

    fn fits_span(&self, span: &Span, resource: &[KeyValue]) -> bool {
        let service = || {
            let service = resource.iter().find(|attribute| attribute.key == "service.name");
            service.map_or(Cow::Borrowed("<nil-service-name>"), |service| text(service.value.as_ref()))
        };
        self.services.as_ref().is_none_or(|services| services.have(&service()))
            && self.names.as_ref().is_none_or(|names| names.have(&span.name))
            && self.kinds.as_ref().is_none_or(|kinds| kinds.have(span.kind().as_str_name()))
            && self.attributes.are_in(&span.attributes)
    }

    fn fits_record(&self, record: &LogRecord) -> bool {
        let enough = |(min, undefined): (i32, bool)| match record.severity_number {
            0 => undefined,
            number => number >= min,
        };
        self.bodies.as_ref().is_none_or(|bodies| bodies.have(&text(record.body.as_ref())))
            && self.severity_texts.as_ref().is_none_or(|texts| texts.have(&record.severity_text))
            && self.severity.is_none_or(enough)
            && self.attributes.are_in(&record.attributes)
    }

    fn fits_scope(&self, target: &Target<'_>) -> bool {
        let (name, version) = match &target.scope {
            Some(scope) => (&*scope.scope.name, &*scope.scope.version),
            None => ("", ""),
        };
        let fits = |(names, versions): &(Texts, Option<Texts>)| {
            names.have(name) && versions.as_ref().is_none_or(|versions| versions.have(version))
        };
        self.libraries.iter().all(fits)
    }
}

fn text(value: Option<&AnyValue>) -> Cow<'_, str> {
    plain_text(value)
}

fn library(library: &Library, match_type: Option<MatchType>) -> Result<(Texts, Option<Texts>), String> {
    let texts = |text: &String| Texts::new(std::slice::from_ref(text), match_type);
    Ok((texts(&library.name)?, library.version.as_ref().map(texts).transpose()?))
}

fn check_kinds(kinds: &[String]) -> Result<(), String> {
    const KNOWN: [&str; 5] =
        ["SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"];
    match kinds.iter().find(|kind| !KNOWN.contains(&kind.as_str())) {
        Some(other) => Err(format!("unknown span kind {other:?}; known: {}", KNOWN.join(", "))),
        None => Ok(()),
    }
}

/// Which items are meant: those that fit `include`, without those that fit `exclude`.
#[derive(Debug, Default)]
pub struct Chosen {
    /// All when left out.
    pub include: Option<Matcher>,
    /// None when left out.
    pub exclude: Option<Matcher>,
}

impl Chosen {
    /// Whether an item is meant.
    pub fn has(&self, target: &Target<'_>) -> bool {
        self.include.as_ref().is_none_or(|include| include.fits(target))
            && !self.exclude.as_ref().is_some_and(|exclude| exclude.fits(target))
    }

    /// Whether nothing was chosen, so that every item is meant.
    pub fn is_everything(&self) -> bool {
        self.include.is_none() && self.exclude.is_none()
    }
}
