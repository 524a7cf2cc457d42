//! Changes of resources alone: the items below them are copied as bytes, never decoded.

use bytes::Bytes;
use prost::Message;

use super::{Batch, Form, Payload, Undecodable};
use crate::otlp::wire::{self, Length, Value};
use crate::proto::common::v1::KeyValue;
use crate::proto::common::v1::any_value::Value as AnyValue;
use crate::proto::resource::v1::Resource;
use crate::proto::{LogsRequest, MetricsRequest, ProfilesRequest, TracesRequest};

/// The field of a request that holds resources with all below them, and the field of the resource in these.
pub(super) const RESOURCE: u32 = 1;
/// The field of the URL of their schema.
const SCHEMA_URL: u32 = 3;

impl Batch {
    /// Changes every resource; one that is missing is made.
    ///
    /// # Errors
    /// Bytes that cannot be decoded although their structure is sound.
    pub fn change_resources(&mut self, change: impl FnMut(&mut Resource)) -> Result<(), Undecodable> {
        self.describe_resources("", change)
    }

    /// The same; those that do not say which schema they follow, say this one from then on.
    ///
    /// # Errors
    /// As [`Batch::change_resources`].
    pub fn describe_resources(
        &mut self,
        schema_url: &str,
        mut change: impl FnMut(&mut Resource),
    ) -> Result<(), Undecodable> {
        let new = &mut New { schema_url, change: &mut change };
        match &mut self.payload {
            Payload::Traces(Form::Encoded(bytes))
            | Payload::Metrics(Form::Encoded(bytes))
            | Payload::Logs(Form::Encoded(bytes)) => *bytes = rewrite(bytes, new)?,
            Payload::Traces(_) => self.decoded_resources::<TracesRequest>(new)?,
            Payload::Metrics(_) => self.decoded_resources::<MetricsRequest>(new)?,
            Payload::Logs(_) => self.decoded_resources::<LogsRequest>(new)?,
            Payload::Profiles(_) => self.decoded_resources::<ProfilesRequest>(new)?,
        }
        // Bodies that others made of the batch as it was are not those of this one.
        self.prepared = crate::Prepared::default();
        Ok(())
    }

    fn decoded_resources<T: Resources>(&mut self, new: &mut New<'_>) -> Result<(), Undecodable> {
        self.change::<T>(|request| request.each(new)).map(|_| ())
    }
}

/// What becomes of each resource.
struct New<'c> {
    schema_url: &'c str,
    change: &'c mut dyn FnMut(&mut Resource),
}

impl New<'_> {
    fn apply(&mut self, resource: &mut Option<Resource>, schema_url: &mut String) {
        (self.change)(resource.get_or_insert_default());
        if schema_url.is_empty() {
            self.schema_url.clone_into(schema_url);
        }
    }
}

trait Resources: super::Request {
    fn each(&mut self, new: &mut New<'_>);
}

macro_rules! resources {
    ($($request:ident: $field:ident),*) => {$(
        impl Resources for $request {
            fn each(&mut self, new: &mut New<'_>) {
                self.$field.iter_mut().for_each(|outer| new.apply(&mut outer.resource, &mut outer.schema_url));
            }
        }
    )*};
}
resources!(TracesRequest: resource_spans, MetricsRequest: resource_metrics, LogsRequest: resource_logs);

/// Profiles may name attributes by their place in the dictionary; whoever changes them wants to see names.
impl Resources for ProfilesRequest {
    fn each(&mut self, new: &mut New<'_>) {
        let strings = self.dictionary.as_ref().map_or(&[][..], |dictionary| &dictionary.string_table);
        for outer in &mut self.resource_profiles {
            let resource = outer.resource.get_or_insert_default();
            resource.attributes.iter_mut().for_each(|attribute| name(attribute, strings));
            new.apply(&mut outer.resource, &mut outer.schema_url);
        }
    }
}

/// Writes the names of an attribute where it has their places in a dictionary.
pub(super) fn name(attribute: &mut KeyValue, strings: &[String]) {
    let text = |index: i32| usize::try_from(index).ok().and_then(|index| strings.get(index)).cloned();
    if attribute.key.is_empty()
        && let Some(key) = text(std::mem::take(&mut attribute.key_strindex))
    {
        attribute.key = key;
    }
    if let Some(value) = &mut attribute.value
        && let Some(AnyValue::StringValueStrindex(index)) = value.value
    {
        value.value = text(index).map(AnyValue::StringValue);
    }
}

fn rewrite(request: &Bytes, new: &mut New<'_>) -> Result<Bytes, Undecodable> {
    let (mut out, mut at) = (Vec::with_capacity(request.len() + 128), 0);
    while at < request.len() {
        let start = at;
        match wire::field(request, &mut at)? {
            (RESOURCE, Value::Bytes(outer)) => {
                wire::put_tag(&mut out, RESOURCE, 2);
                let length = Length::ahead(&mut out, outer.len());
                rewrite_one(outer, new, &mut out)?;
                length.set(&mut out);
            }
            _ => out.extend_from_slice(&request[start..at]),
        }
    }
    Ok(out.into())
}

fn rewrite_one(outer: &[u8], new: &mut New<'_>, out: &mut Vec<u8>) -> Result<(), Undecodable> {
    let (mut resource, mut rest, mut at) = (Resource::default(), Vec::with_capacity(outer.len()), 0);
    let mut has_schema = false;
    while at < outer.len() {
        let start = at;
        match wire::field(outer, &mut at)? {
            // A field that stands twice is merged: protobuf's rule.
            (RESOURCE, Value::Bytes(content)) => {
                resource.merge(content)?;
            }
            (number, value) => {
                has_schema |= number == SCHEMA_URL && !matches!(value, Value::Bytes([]));
                rest.extend_from_slice(&outer[start..at]);
            }
        }
    }
    (new.change)(&mut resource);
    wire::put_tag(out, RESOURCE, 2);
    wire::put_varint(out, resource.encoded_len() as u64);
    out.extend_from_slice(&resource.encode_to_vec());
    out.append(&mut rest);
    if !has_schema && !new.schema_url.is_empty() {
        wire::put_tag(out, SCHEMA_URL, 2);
        wire::put_varint(out, new.schema_url.len() as u64);
        out.extend_from_slice(new.schema_url.as_bytes());
    }
    Ok(())
}
