//! How an element lies on disk: under a key that is its order and its size, so that a start knows both without reading
//! it.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;

use crate::delivery::queue::Sizer;
use crate::own_spans::{Context, Span};
use crate::{Batch, Origin, Signal};

/// One element on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the order.
    pub index: u64,
    /// Its items.
    pub items: u32,
    /// The size of its OTLP wire form.
    pub bytes: u32,
}

/// A batch, and what is known of its sender. Its deadline is over by the time it is read.
#[derive(Clone, PartialEq, Message)]
struct Record {
    #[prost(bytes = "bytes", tag = "1")]
    request: Bytes,
    #[prost(string, tag = "2")]
    peer: String,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<Metadata>,
    /// Trace, span and whether it is recorded, if there is one.
    #[prost(bytes = "bytes", tag = "4")]
    span: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

impl Entry {
    pub fn new(index: u64, batch: &Batch) -> Self {
        Self { index, items: batch.items(), bytes: u32::try_from(batch.encode().len()).unwrap_or(u32::MAX) }
    }

    pub fn key(self) -> Vec<u8> {
        let mut key = self.index.to_be_bytes().to_vec();
        key.extend(self.items.to_be_bytes());
        key.extend(self.bytes.to_be_bytes());
        key
    }

    pub fn parse(key: &[u8]) -> Option<Self> {
        let (index, rest) = key.split_first_chunk()?;
        let (items, rest) = rest.split_first_chunk()?;
        let bytes = u32::from_be_bytes(rest.try_into().ok()?);
        Some(Self { index: u64::from_be_bytes(*index), items: u32::from_be_bytes(*items), bytes })
    }

    /// What the batch's size was.
    pub fn size(self, sizer: Sizer) -> u64 {
        match sizer {
            Sizer::Requests => 1,
            Sizer::Items => self.items.into(),
            Sizer::Bytes => self.bytes.into(),
        }
    }
}

/// What is written.
pub fn encode(batch: &Batch) -> Bytes {
    let origin = batch.origin();
    let metadata = origin.metadata.iter().map(|(key, value)| Metadata { key: key.clone(), value: value.clone() });
    let peer = origin.peer.map_or_else(String::new, |peer| peer.to_string());
    let span = origin.span.context().map_or_else(Bytes::new, span_bytes);
    Record { request: batch.encode(), peer, metadata: metadata.collect(), span }.encode_to_vec().into()
}

/// What was written, if it is that.
pub fn decode(signal: Signal, bytes: Bytes) -> Result<Batch, String> {
    let Record { request, peer, metadata, span } = Record::decode(bytes).map_err(|error| error.to_string())?;
    let metadata = metadata.into_iter().map(|Metadata { key, value }| (key, value)).collect();
    let origin =
        Origin { peer: peer.parse().ok(), metadata, span: span_of(&span).unwrap_or_default(), ..Origin::default() };
    Batch::received(signal, request, Arc::new(origin)).map_err(|error| error.to_string())
}

fn span_bytes(context: Context) -> Bytes {
    let mut bytes = context.trace.to_be_bytes().to_vec();
    bytes.extend(context.span.to_be_bytes());
    bytes.push(context.is_sampled.into());
    bytes.into()
}

fn span_of(bytes: &[u8]) -> Option<Span> {
    let (trace, rest) = bytes.split_first_chunk()?;
    let (span, rest) = rest.split_first_chunk()?;
    let (trace, span) = (u128::from_be_bytes(*trace), u64::from_be_bytes(*span));
    Some(Span::known(Context { trace, span, is_sampled: rest == [1], is_remote: false }))
}
