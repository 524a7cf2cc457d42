//! Log records each with a resource and a scope of its own, and put together again.

use std::collections::HashMap;
use std::hash::Hash;

use pipeline::SetKey;
use pipeline::proto::LogsRequest;
use pipeline::proto::logs::v1::{ResourceLogs, ScopeLogs};

/// Gives every record its own copies, so that a statement about one of them changes nothing for others.
pub fn apart(request: &mut LogsRequest) {
    let outers = std::mem::take(&mut request.resource_logs);
    for mut outer in outers {
        for mut inner in std::mem::take(&mut outer.scope_logs) {
            for record in std::mem::take(&mut inner.log_records) {
                let inner = ScopeLogs { log_records: vec![record], ..inner.clone() };
                request.resource_logs.push(ResourceLogs { scope_logs: vec![inner], ..outer.clone() });
            }
        }
    }
}

/// Puts records together whose resources have the same attributes, and whose scopes are the same.
pub fn together(request: &mut LogsRequest) {
    let outers = std::mem::take(&mut request.resource_logs);
    let of_resource =
        |outer: &ResourceLogs| SetKey::of(outer.resource.as_ref().map_or(&[][..], |resource| &resource.attributes));
    request.resource_logs = joined(outers, of_resource, |outer| &mut outer.scope_logs);
    for outer in &mut request.resource_logs {
        let of_scope = |inner: &ScopeLogs| {
            let scope = inner.scope.clone().unwrap_or_default();
            (scope.name, scope.version, SetKey::of(&scope.attributes), inner.schema_url.clone())
        };
        outer.scope_logs = joined(std::mem::take(&mut outer.scope_logs), of_scope, |inner| &mut inner.log_records);
    }
}

/// The first of each key, with what is in the others behind its own.
fn joined<T, K: Hash + Eq, I>(all: Vec<T>, key: impl Fn(&T) -> K, inner: fn(&mut T) -> &mut Vec<I>) -> Vec<T> {
    let (mut out, mut places): (Vec<T>, HashMap<K, usize>) = Default::default();
    for mut one in all {
        match places.entry(key(&one)) {
            std::collections::hash_map::Entry::Occupied(place) => {
                inner(&mut out[*place.get()]).append(inner(&mut one));
            }
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(out.len());
                out.push(one);
            }
        }
    }
    out
}
