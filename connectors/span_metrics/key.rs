//! What tells the series of a span: its key, and the attributes that it becomes.

use config::gates;
use ottl::plain_text;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use pipeline::proto::trace::v1::Span;
use pipeline::{Attributes, otlp::wire};

use super::dimensions::Dimensions;
use super::settings::Config;

/// Kinds of spans by their numbers.
const KINDS: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];
/// Status codes by their numbers.
const STATUSES: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

const SHORT_STATUSES: [&str; 3] = ["", "OK", "ERROR"];

/// How the status of spans is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// By the words of OTLP.
    OfOtlp,
    /// By those of the semantic conventions.
    OfConventions,
}

impl Status {
    fn key(self) -> &'static str {
        match self {
            Self::OfOtlp => "status.code",
            Self::OfConventions => "otel.status_code",
        }
    }
}

/// Which attributes every series has.
pub struct Shape {
    service: bool,
    name: bool,
    kind: bool,
    status: Option<Status>,
    instance: Option<String>,
    scopes: Vec<String>,
    sampling_method: bool,
}

/// A span in its place.
pub struct Seen<'a> {
    /// `service.name` of its resource.
    pub service: &'a str,
    /// The span.
    pub span: &'a Span,
    /// Its scope.
    pub scope: Option<&'a InstrumentationScope>,
    /// Whether it stands for others that were not sampled.
    pub extrapolated: bool,
}

impl Shape {
    pub fn new(config: &Config, instance_id: &str) -> Self {
        let wanted = |name: &str| config.exclude_dimensions.iter().all(|excluded| excluded != name);
        Self {
            service: wanted("service.name"),
            name: wanted("span.name"),
            kind: wanted("span.kind"),
            status: Some(if gates::SPANS_BY_CONVENTION.is_on() { Status::OfConventions } else { Status::OfOtlp })
                .filter(|status| wanted(status.key())),
            instance: (wanted("collector.instance.id") && gates::SPANS_WITH_INSTANCE.is_on())
                .then(|| instance_id.to_owned()),
            scopes: config.include_instrumentation_scope.clone(),
            sampling_method: config.enable_metrics_sampling_method,
        }
    }

    /// Writes the key of the series that a span belongs to. Values count as their text, as in the Collector.
    pub fn key<'a>(
        &self,
        seen: &Seen<'a>,
        dimensions: [&'a Dimensions; 2],
        lists: &[&'a [KeyValue]],
        out: &mut Vec<u8>,
    ) {
        out.clear();
        self.own(seen, &mut |_, value| text(out, value));
        for dimensions in dimensions {
            dimensions.each(lists, &mut |name, value| {
                text(out, name);
                text(out, &plain_text(value));
            });
        }
        out.push(u8::from(self.sampling_method && seen.extrapolated));
    }

    /// The attributes of the series that a span begins.
    pub fn attributes<'a>(
        &self,
        seen: &Seen<'a>,
        dimensions: [&'a Dimensions; 2],
        lists: &[&'a [KeyValue]],
    ) -> Vec<KeyValue> {
        let mut attributes = Vec::new();
        let plain = |text: &str| AnyValue { value: Some(Value::StringValue(text.to_owned())) };
        self.own(seen, &mut |name, value| attributes.put(name, plain(value)));
        if let Some(id) = &self.instance {
            attributes.put("collector.instance.id", plain(id));
        }
        if let Some(scope) = seen.scope.filter(|scope| !scope.name.is_empty() && self.scopes.contains(&scope.name)) {
            attributes.put("span.instrumentation.scope.name", plain(&scope.name));
            if !scope.version.is_empty() {
                attributes.put("span.instrumentation.scope.version", plain(&scope.version));
            }
        }
        if self.sampling_method {
            attributes.put("sampling.method", plain(if seen.extrapolated { "extrapolated" } else { "counted" }));
        }
        for dimensions in dimensions {
            dimensions.each(lists, &mut |name, value| attributes.put(name, value.cloned().unwrap_or_default()));
        }
        attributes
    }

    fn own(&self, seen: &Seen<'_>, found: &mut dyn FnMut(&'static str, &str)) {
        let word = |words: &[&'static str], number: i32| {
            usize::try_from(number).ok().and_then(|number| words.get(number)).copied().unwrap_or_default()
        };
        if self.service {
            found("service.name", seen.service);
        }
        if self.name {
            found("span.name", &seen.span.name);
        }
        if self.kind {
            found("span.kind", word(&KINDS, seen.span.kind));
        }
        let code = seen.span.status.as_ref().map_or(0, |status| status.code);
        match self.status {
            Some(Status::OfOtlp) => found("status.code", word(&STATUSES, code)),
            // Without a status there is no such attribute.
            Some(Status::OfConventions) if !word(&SHORT_STATUSES, code).is_empty() => {
                found("otel.status_code", word(&SHORT_STATUSES, code));
            }
            Some(Status::OfConventions) | None => {}
        }
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    wire::put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}
