//! Dropping and changing items one by one on the wire form.

use super::{Batch, Form, Payload, Signal, Undecodable};
use crate::otlp::wire::{self, Length, Value};

/// Says of an item, whose content comes as wire bytes, whether it stays; what stays is appended to the second.
type Keep<'k> = dyn FnMut(&[u8], &mut Vec<u8>) -> Result<bool, Undecodable> + 'k;

/// The field numbers of what stands below a resource and below a scope, for spans and log records alike.
const BELOW: u32 = 2;

impl Batch {
    /// Keeps the spans or log records that `keep` says yes to, as it writes them, and with them their scopes and
    /// resources. Batches of other signals are left alone: their items lie elsewhere.
    ///
    /// # Errors
    /// What `keep` says, and damage that the structural check would have found.
    pub fn retain_items(
        &mut self,
        mut keep: impl FnMut(&[u8], &mut Vec<u8>) -> Result<bool, Undecodable>,
    ) -> Result<(), Undecodable> {
        if !matches!(self.signal(), Signal::Traces | Signal::Logs) {
            return Ok(());
        }
        let request = self.encode();
        let mut out = Vec::with_capacity(request.len());
        let items = level(&request, &[1, BELOW, BELOW], &mut keep, &mut out)?;
        self.replace(out, items);
        Ok(())
    }

    /// Puts other spans or log records, on the wire form, into the place of these.
    pub(super) fn replace(&mut self, request: Vec<u8>, items: u32) {
        match &mut self.payload {
            Payload::Traces(form) => *form = Form::Encoded(request.into()),
            Payload::Logs(form) => *form = Form::Encoded(request.into()),
            Payload::Metrics(_) | Payload::Profiles(_) => {}
        }
        self.items = items;
        self.prepared = crate::Prepared::default();
    }
}

/// Copies a message with those of its inner messages in which something stays. Returns how many items stay.
fn level(content: &[u8], way: &[u32], keep: &mut Keep<'_>, out: &mut Vec<u8>) -> Result<u32, Undecodable> {
    let Some((leads_on, rest)) = way.split_first() else {
        return Ok(keep(content, out)?.into());
    };
    let (mut items, mut at) = (0, 0);
    while at < content.len() {
        let start = at;
        match wire::field(content, &mut at)? {
            (number, Value::Bytes(inner)) if number == *leads_on => {
                let before = out.len();
                wire::put_tag(out, number, 2);
                let length = Length::ahead(out, inner.len());
                let kept = level(inner, rest, keep, out)?;
                items += kept;
                match kept {
                    0 => out.truncate(before),
                    _ => length.set(out),
                }
            }
            _ => out.extend_from_slice(&content[start..at]),
        }
    }
    Ok(items)
}
