//! Dropping items by what is around them, on the wire form: what stays is copied as it came, and nothing at all when
//! everything stays.

use std::slice;

use super::{Batch, Form, Payload, Signal, Undecodable};
use crate::otlp::wire::{self, Fault, Length, Value};

/// Looks at a request from the outside to the inside. Messages come without those inside of them.
pub trait Judge {
    /// Why nothing can be said.
    type Error: From<Undecodable>;

    /// What is told of all that follows belongs to this resource.
    ///
    /// # Errors
    /// It cannot be decoded.
    fn resource(&mut self, message: &[u8]) -> Result<(), Self::Error>;

    /// ... and to this scope.
    ///
    /// # Errors
    /// It cannot be decoded.
    fn scope(&mut self, message: &[u8]) -> Result<(), Self::Error>;

    /// Whether this span or log record stays.
    ///
    /// # Errors
    /// It cannot be decoded, or not be judged.
    fn keeps(&mut self, item: &[u8]) -> Result<bool, Self::Error>;
}

/// The field number of scopes in a resource's message, and of items in a scope's.
const INSIDE: u32 = 2;

/// What was judged so far.
#[derive(Default)]
struct Verdicts {
    keeps: Vec<bool>,
    /// Whether anything goes: an item, or a scope or resource in which there is none.
    any_goes: bool,
}

impl Batch {
    /// Whether [`Batch::prune`] can look at it: spans and log records that lie here as wire bytes.
    pub fn can_be_pruned(&self) -> bool {
        matches!(&self.payload, Payload::Traces(Form::Encoded(_)) | Payload::Logs(Form::Encoded(_)))
    }

    /// Drops the spans or log records that `judge` does not keep, with the scopes and resources that are empty then.
    /// Batches of other signals are left alone: their items lie elsewhere.
    ///
    /// # Errors
    /// What `judge` says, and damage that the structural check would have found; nothing was dropped then.
    pub fn prune<J: Judge>(&mut self, judge: &mut J) -> Result<(), J::Error> {
        if !matches!(self.signal(), Signal::Traces | Signal::Logs) {
            return Ok(());
        }
        let request = self.encode();
        let mut verdicts = Verdicts::default();
        for resource in parts(&request, 1) {
            of_resource(resource?, judge, &mut verdicts)?;
        }
        if !verdicts.any_goes {
            return Ok(());
        }
        let mut out = Vec::with_capacity(request.len());
        let items = copy(&request, RESOURCES, &mut verdicts.keeps.iter(), &mut out).map_err(Undecodable::from)?;
        self.replace(out, items);
        Ok(())
    }
}

fn of_resource<J: Judge>(message: &[u8], judge: &mut J, verdicts: &mut Verdicts) -> Result<(), J::Error> {
    let before = verdicts.keeps.len();
    judge.resource(&rest(message)?)?;
    for scope in parts(message, INSIDE) {
        let scope = scope?;
        let before = verdicts.keeps.len();
        judge.scope(&rest(scope)?)?;
        for item in parts(scope, INSIDE) {
            let keeps = judge.keeps(item?)?;
            verdicts.keeps.push(keeps);
            verdicts.any_goes |= !keeps;
        }
        verdicts.any_goes |= verdicts.keeps.len() == before;
    }
    verdicts.any_goes |= verdicts.keeps.len() == before;
    Ok(())
}

/// How far inside a request a message is: in it are its resources, or the items.
const RESOURCES: u8 = 0;
const ITEMS: u8 = 2;

/// Copies a message without the items that go and what is empty without them; what stays together is copied together.
/// Returns how many items stay.
fn copy(content: &[u8], depth: u8, keeps: &mut slice::Iter<'_, bool>, out: &mut Vec<u8>) -> Result<u32, Fault> {
    let wanted = if depth == RESOURCES { 1 } else { INSIDE };
    let (mut items, mut at, mut copied) = (0, 0, 0);
    while at < content.len() {
        let start = at;
        let (number, Value::Bytes(inner)) = wire::field(content, &mut at)? else { continue };
        if number != wanted {
            continue;
        }
        if depth == ITEMS && keeps.next().copied().unwrap_or(true) {
            items += 1;
            continue;
        }
        out.extend_from_slice(&content[copied..start]);
        copied = at;
        if depth == ITEMS {
            continue;
        }
        let before = out.len();
        wire::put_tag(out, number, 2);
        let length = Length::ahead(out, inner.len());
        match copy(inner, depth + 1, keeps, out)? {
            0 => out.truncate(before),
            stay => {
                length.set(out);
                items += stay;
            }
        }
    }
    out.extend_from_slice(&content[copied..]);
    Ok(items)
}

/// The messages in this field.
fn parts(message: &[u8], wanted: u32) -> impl Iterator<Item = Result<&[u8], Undecodable>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < message.len() {
            match wire::field(message, &mut at) {
                Ok((number, Value::Bytes(inner))) if number == wanted => return Some(Ok(inner)),
                Ok(_) => {}
                Err(fault) => {
                    at = message.len();
                    return Some(Err(fault.into()));
                }
            }
        }
        None
    })
}

/// A message without what is inside of it.
fn rest(message: &[u8]) -> Result<Vec<u8>, Undecodable> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < message.len() {
        let start = at;
        let (number, _) = wire::field(message, &mut at)?;
        if number != INSIDE {
            out.extend_from_slice(&message[start..at]);
        }
    }
    Ok(out)
}
