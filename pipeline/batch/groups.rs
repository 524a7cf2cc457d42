//! One batch as several, by what its resources say.

use std::hash::Hash;

use indexmap::IndexMap;
use prost::Message;

use super::resources::{RESOURCE, name};
use super::{Batch, Signal, Undecodable};
use crate::otlp::wire::{self, Value};
use crate::proto::ProfilesRequest;
use crate::proto::resource::v1::Resource;

impl Batch {
    /// A batch for each key, in the order in which keys first appear. Of resources only they themselves are decoded;
    /// profiles get a dictionary of what they name.
    ///
    /// # Errors
    /// Bytes that cannot be decoded although their structure is sound.
    pub fn by_resource<K: Eq + Hash>(&self, key: impl Fn(&Resource) -> K) -> Result<Vec<(K, Self)>, Undecodable> {
        let request = self.encode();
        let around = beside_resources(&request)?;
        let strings = match self.signal() {
            Signal::Profiles => strings(&around)?,
            _ => Vec::new(),
        };
        let (mut groups, mut at) = (IndexMap::<K, Vec<u8>>::new(), 0);
        while at < request.len() {
            let start = at;
            if let (RESOURCE, Value::Bytes(content)) = wire::field(&request, &mut at)? {
                let group = groups.entry(key(&resource(content, &strings)?)).or_insert_with(|| around.clone());
                group.extend_from_slice(&request[start..at]);
            }
        }
        groups.into_iter().map(|(key, bytes)| Ok((key, self.part(bytes)?))).collect()
    }

    fn part(&self, bytes: Vec<u8>) -> Result<Self, Undecodable> {
        let part = Self::received(self.signal(), bytes.into(), self.origin.clone());
        part.map(Self::with_own_dictionary).map_err(|error| Undecodable(error.to_string()))
    }
}

/// What stands in a request that is no resource: the dictionary of profiles, and what is newer than kpulse.
fn beside_resources(request: &[u8]) -> Result<Vec<u8>, wire::Fault> {
    let (mut around, mut at) = (Vec::new(), 0);
    while at < request.len() {
        let start = at;
        if wire::field(request, &mut at)?.0 != RESOURCE {
            around.extend_from_slice(&request[start..at]);
        }
    }
    Ok(around)
}

fn strings(around: &[u8]) -> Result<Vec<String>, Undecodable> {
    let request = ProfilesRequest::decode(around)?;
    Ok(request.dictionary.map(|dictionary| dictionary.string_table).unwrap_or_default())
}

fn resource(content: &[u8], strings: &[String]) -> Result<Resource, Undecodable> {
    let (mut resource, mut at) = (Resource::default(), 0);
    while at < content.len() {
        // A field that stands twice is merged: protobuf's rule.
        if let (RESOURCE, Value::Bytes(bytes)) = wire::field(content, &mut at)? {
            resource.merge(bytes)?;
        }
    }
    resource.attributes.iter_mut().for_each(|attribute| name(attribute, strings));
    Ok(resource)
}
