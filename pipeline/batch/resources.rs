//! Changes of resources alone: the items below them are copied as bytes, never decoded.

use bytes::Bytes;
use prost::Message;

use super::{Batch, Form, Payload, Undecodable};
use crate::otlp::wire::{self, Value};
use crate::proto::common::v1::KeyValue;
use crate::proto::common::v1::any_value::Value as AnyValue;
use crate::proto::resource::v1::Resource;
use crate::proto::{LogsRequest, MetricsRequest, ProfilesRequest, TracesRequest};

/// The field of a request that holds resources with all below them, and the field of the resource in these.
const RESOURCE: u32 = 1;

impl Batch {
    /// Changes every resource; one that is missing is made.
    ///
    /// # Errors
    /// Bytes that cannot be decoded although their structure is sound.
    pub fn change_resources(&mut self, mut change: impl FnMut(&mut Resource)) -> Result<(), Undecodable> {
        let change = &mut change;
        match &mut self.payload {
            Payload::Traces(Form::Encoded(bytes)) => *bytes = rewrite(bytes, change)?,
            Payload::Metrics(Form::Encoded(bytes)) => *bytes = rewrite(bytes, change)?,
            Payload::Logs(Form::Encoded(bytes)) => *bytes = rewrite(bytes, change)?,
            Payload::Traces(_) => self.decoded_resources::<TracesRequest>(change)?,
            Payload::Metrics(_) => self.decoded_resources::<MetricsRequest>(change)?,
            Payload::Logs(_) => self.decoded_resources::<LogsRequest>(change)?,
            Payload::Profiles(_) => self.decoded_resources::<ProfilesRequest>(change)?,
        }
        // Bodies that others made of the batch as it was are not those of this one.
        self.prepared = crate::Prepared::default();
        Ok(())
    }

    fn decoded_resources<T: Resources>(&mut self, change: &mut dyn FnMut(&mut Resource)) -> Result<(), Undecodable> {
        self.change::<T>(|request| request.each(change)).map(|_| ())
    }
}

trait Resources: super::Request {
    fn each(&mut self, change: &mut dyn FnMut(&mut Resource));
}

macro_rules! resources {
    ($($request:ident: $field:ident),*) => {$(
        impl Resources for $request {
            fn each(&mut self, change: &mut dyn FnMut(&mut Resource)) {
                self.$field.iter_mut().for_each(|outer| change(outer.resource.get_or_insert_default()));
            }
        }
    )*};
}
resources!(TracesRequest: resource_spans, MetricsRequest: resource_metrics, LogsRequest: resource_logs);

/// Profiles may name attributes by their place in the dictionary; whoever changes them wants to see names.
impl Resources for ProfilesRequest {
    fn each(&mut self, change: &mut dyn FnMut(&mut Resource)) {
        let strings = self.dictionary.as_ref().map_or(&[][..], |dictionary| &dictionary.string_table);
        for outer in &mut self.resource_profiles {
            let resource = outer.resource.get_or_insert_default();
            resource.attributes.iter_mut().for_each(|attribute| name(attribute, strings));
            change(resource);
        }
    }
}

fn name(attribute: &mut KeyValue, strings: &[String]) {
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

fn rewrite(request: &Bytes, change: &mut dyn FnMut(&mut Resource)) -> Result<Bytes, Undecodable> {
    let (mut out, mut at) = (Vec::with_capacity(request.len() + 128), 0);
    while at < request.len() {
        let start = at;
        match wire::field(request, &mut at)? {
            (RESOURCE, Value::Bytes(outer)) => {
                wire::put_tag(&mut out, RESOURCE, 2);
                let content = out.len();
                rewrite_one(outer, change, &mut out)?;
                wire::put_length_before(&mut out, content);
            }
            _ => out.extend_from_slice(&request[start..at]),
        }
    }
    Ok(out.into())
}

fn rewrite_one(outer: &[u8], change: &mut dyn FnMut(&mut Resource), out: &mut Vec<u8>) -> Result<(), Undecodable> {
    let (mut resource, mut rest, mut at) = (Resource::default(), Vec::with_capacity(outer.len()), 0);
    while at < outer.len() {
        let start = at;
        match wire::field(outer, &mut at)? {
            // A field that stands twice is merged: protobuf's rule.
            (RESOURCE, Value::Bytes(content)) => {
                resource.merge(content)?;
            }
            _ => rest.extend_from_slice(&outer[start..at]),
        }
    }
    change(&mut resource);
    wire::put_tag(out, RESOURCE, 2);
    wire::put_varint(out, resource.encoded_len() as u64);
    out.extend_from_slice(&resource.encode_to_vec());
    out.append(&mut rest);
    Ok(())
}
