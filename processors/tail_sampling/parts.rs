//! A request cut by trace, on the wire form.

use indexmap::IndexMap;
use pipeline::otlp::wire::{self, Fault, Length, Value};

use super::TraceId;

/// Field numbers: of resources in a request, of scopes below a resource, of spans below a scope.
const RESOURCE_SPANS: u32 = 1;
const SCOPE_SPANS: u32 = 2;
const SPANS: u32 = 2;

/// The spans of one trace under one resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// The trace.
    pub id: TraceId,
    /// Whether one of the spans has no parent.
    pub has_root: bool,
    /// How many spans.
    pub spans: u32,
    /// How many bytes of resource, scopes and spans.
    pub size: u64,
    /// A request with nothing else in it.
    pub bytes: Vec<u8>,
}

/// A message without the fields that are looked into, and those.
struct Cut<'a> {
    rest: Vec<u8>,
    inner: Vec<&'a [u8]>,
}

/// The spans of one trace below one resource.
#[derive(Default)]
struct Spans<'a> {
    has_root: bool,
    /// Each with the place of its scope.
    all: Vec<(usize, &'a [u8])>,
}

fn cut(content: &[u8], looked_into: u32) -> Result<Cut<'_>, Fault> {
    let (mut cut, mut at) = (Cut { rest: Vec::new(), inner: Vec::new() }, 0);
    while at < content.len() {
        let start = at;
        match wire::field(content, &mut at)? {
            (number, Value::Bytes(inner)) if number == looked_into => cut.inner.push(inner),
            _ => cut.rest.extend_from_slice(&content[start..at]),
        }
    }
    Ok(cut)
}

/// The traces in a request, resource by resource.
///
/// # Errors
/// Damage that the structural check would have found.
pub fn by_trace(request: &[u8]) -> Result<Vec<Part>, Fault> {
    let mut parts = Vec::new();
    for outer in cut(request, RESOURCE_SPANS)?.inner {
        let resource = cut(outer, SCOPE_SPANS)?;
        let scopes: Vec<_> = resource.inner.iter().map(|scope| cut(scope, SPANS)).collect::<Result<_, _>>()?;
        let mut traces: IndexMap<TraceId, Spans<'_>> = IndexMap::new();
        for (index, scope) in scopes.iter().enumerate() {
            for span in &scope.inner {
                let (id, is_root) = ids(span)?;
                let trace = traces.entry(id).or_default();
                trace.has_root |= is_root;
                trace.all.push((index, span));
            }
        }
        parts.extend(traces.into_iter().map(|(id, spans)| part(id, &spans, &resource.rest, &scopes)));
    }
    Ok(parts)
}

/// The trace of a span, and whether it has no parent.
fn ids(span: &[u8]) -> Result<(TraceId, bool), Fault> {
    let (mut id, mut is_root, mut at) = (TraceId::default(), true, 0);
    while at < span.len() {
        match wire::field(span, &mut at)? {
            (1, Value::Bytes(bytes)) => id = bytes.try_into().unwrap_or_default(),
            (4, Value::Bytes(parent)) => is_root = parent.iter().all(|byte| *byte == 0),
            _ => {}
        }
    }
    Ok((id, is_root))
}

fn part(id: TraceId, spans: &Spans<'_>, resource: &[u8], scopes: &[Cut<'_>]) -> Part {
    let mut content = resource.to_vec();
    for of_scope in spans.all.chunk_by(|(one, _), (other, _)| one == other) {
        wire::put_tag(&mut content, SCOPE_SPANS, 2);
        let inside = of_scope.iter().map(|(_, span)| span.len() + 3).sum();
        let length = Length::ahead(&mut content, inside);
        content.extend_from_slice(&scopes[of_scope[0].0].rest);
        for (_, span) in of_scope {
            wire::put_tag(&mut content, SPANS, 2);
            wire::put_varint(&mut content, span.len() as u64);
            content.extend_from_slice(span);
        }
        length.set(&mut content);
    }
    let size = content.len() as u64;
    let mut bytes = Vec::with_capacity(content.len() + 8);
    wire::put_tag(&mut bytes, RESOURCE_SPANS, 2);
    wire::put_varint(&mut bytes, size);
    bytes.append(&mut content);
    let count = u32::try_from(spans.all.len()).unwrap_or(u32::MAX);
    Part { id, has_root: spans.has_root, spans: count, size, bytes }
}
