//! `set_semconv_span_name`: names of spans by the semantic conventions.

use pipeline::proto::common::v1::AnyValue;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::trace::v1::Span;
use pipeline::proto::trace::v1::span::SpanKind;

use super::Kind::Word;
use super::{Failure, Function, Run, may, need};
use crate::call::Call;
use crate::strings::as_text;
use crate::target::{Context, Item, Target};
use crate::value::{Val, find, find_or_insert};

/// The versions of the conventions whose names these are.
const VERSIONS: [(u32, u32); 2] = [(1, 37), (1, 40)];

pub static FUNCTIONS: &[Function] = &[Function {
    name: "set_semconv_span_name",
    params: &[need("semconv_version", Word), may("original_span_name_attribute", Word)],
    about: "Names a span by its attributes, as the semantic conventions do.",
    contexts: &[Context::Span],
    run: Run::Editor(set_name),
    check,
    prepare: super::nothing,
}];

fn check(call: &Call) -> Result<(), String> {
    let version = call.word(0).unwrap_or_default();
    let mut parts = version.trim_start_matches('v').split('.').map(str::parse::<u32>);
    let major_minor = (parts.next(), parts.next());
    let known = match (major_minor, parts.next(), parts.next()) {
        ((Some(Ok(major)), Some(Ok(minor))), None | Some(Ok(_)), None) => Some((major, minor)),
        _ => None,
    };
    if known.is_none_or(|version| version < VERSIONS[0] || version > VERSIONS[1]) {
        return Err(format!("semconv_version must be from 1.37.0 to 1.40.0, is {version:?}"));
    }
    if call.word(1) == Some("") {
        return Err("original_span_name_attribute must not be empty".into());
    }
    Ok(())
}

fn set_name(call: &Call, target: &mut Target<'_>) -> Result<(), Failure> {
    let Item::Span(span) = &mut target.item else {
        return Err(Failure::from("not a span"));
    };
    let Some(name) = name(span).filter(|name| *name != span.name) else {
        return Ok(());
    };
    let original = std::mem::replace(&mut span.name, name);
    if let Some(key) = call.word(1) {
        *find_or_insert(&mut span.attributes, key) = AnyValue { value: Some(Value::StringValue(original)) };
    }
    Ok(())
}

fn name(span: &Span) -> Option<String> {
    let of = Attributes(span);
    let named = match span.kind() {
        SpanKind::Server => of.http("http.route").or_else(|| of.rpc()).or_else(|| of.messaging()),
        SpanKind::Client => {
            of.http("url.template").or_else(|| of.rpc()).or_else(|| of.database()).or_else(|| of.messaging())
        }
        SpanKind::Consumer | SpanKind::Producer => of.messaging(),
        SpanKind::Internal | SpanKind::Unspecified => None,
    };
    named.filter(|name| !name.is_empty())
}

struct Attributes<'a>(&'a Span);

impl Attributes<'_> {
    fn text(&self, key: &str) -> Option<String> {
        find(&self.0.attributes, key).map(|value| as_text(&Val::of(Some(value))).into_owned())
    }

    /// By its name, or by the one it had before.
    fn either(&self, key: &str, older: &str) -> Option<String> {
        self.text(key).or_else(|| self.text(older))
    }

    fn is_true(&self, key: &str) -> bool {
        matches!(find(&self.0.attributes, key), Some(AnyValue { value: Some(Value::BoolValue(true)) }))
    }

    fn http(&self, subject: &str) -> Option<String> {
        let method = self.either("http.request.method", "http.method")?;
        Some(match self.text(subject) {
            Some(subject) => format!("{method} {subject}"),
            None => method,
        })
        .filter(|name| !name.is_empty())
    }

    fn rpc(&self) -> Option<String> {
        let system = self.either("rpc.system.name", "rpc.system")?;
        let (method, service) =
            (self.either("rpc.method", "rpc.grpc.method"), self.either("rpc.service", "rpc.grpc.service"));
        Some(match (service, method) {
            (Some(service), Some(method)) => format!("{service}/{method}"),
            (None, Some(method)) => method,
            (Some(service), None) => format!("{service}/*"),
            (None, None) => system,
        })
        .filter(|name| !name.is_empty())
    }

    fn database(&self) -> Option<String> {
        let system = self.either("db.system.name", "db.system")?;
        if let Some(summary) = self.text("db.query.summary") {
            return Some(summary).filter(|name| !name.is_empty());
        }
        let operation = self.either("db.operation.name", "db.operation").unwrap_or_default();
        let about = self.database_target();
        Some(match (&*operation, &*about) {
            ("", "") => system,
            (operation, "") => operation.to_owned(),
            ("", about) => about.to_owned(),
            (operation, about) => format!("{operation} {about}"),
        })
        .filter(|name| !name.is_empty())
    }

    fn database_target(&self) -> String {
        let namespace = self.either("db.namespace", "db.name").unwrap_or_default();
        let within = self.text("db.collection.name").or_else(|| self.text("db.stored_procedure.name"));
        match within {
            Some(within) if namespace.is_empty() => within,
            Some(within) => format!("{namespace}.{within}"),
            None if namespace.is_empty() => self.server(),
            None => namespace,
        }
    }

    fn messaging(&self) -> Option<String> {
        let system = self.text("messaging.system")?;
        let operation = self.either("messaging.operation.name", "messaging.operation");
        let destination = self.destination();
        Some(match operation {
            Some(operation) if !destination.is_empty() => format!("{operation} {destination}"),
            _ if !destination.is_empty() => destination,
            Some(operation) => operation,
            None => system,
        })
        .filter(|name| !name.is_empty())
    }

    fn destination(&self) -> String {
        if self.is_true("messaging.destination.temporary") {
            return "(temporary)".into();
        }
        if self.is_true("messaging.destination.anonymous") {
            return "(anonymous)".into();
        }
        let named = self.text("messaging.destination.template");
        named
            .or_else(|| self.either("messaging.destination.name", "messaging.destination"))
            .unwrap_or_else(|| self.server())
    }

    fn server(&self) -> String {
        match (self.text("server.address"), self.text("server.port")) {
            (Some(address), Some(port)) => format!("{address}:{port}"),
            (Some(address), None) => address,
            (None, _) => String::new(),
        }
    }
}
