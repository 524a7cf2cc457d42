//! Conditions about spans and log records, looked at where these lie on the wire: only what conditions read is decoded.

use std::collections::BTreeSet;

use pipeline::otlp::wire::{self, Value};
use pipeline::proto::{LogsRequest, TracesRequest};
use pipeline::{Batch, Judge, Rejected, Signal, Undecodable, key_in};
use prost::Message;

use super::stage::Stage;
use ottl::walk::{Around, Inner, Leaf, Outer, Tree};
use ottl::{Context, Reads, Target};

/// The field numbers of attributes: of a span and of a log record.
const OF_SPAN: u32 = 9;
const OF_RECORD: u32 = 6;

/// Runs all stages at once, if they are about spans or log records and the batch was not decoded yet. `None` otherwise:
/// nothing was done.
pub fn run(stages: &[Stage], batch: &mut Batch) -> Option<Result<(), Rejected>> {
    let (context, attributes) = match batch.signal() {
        Signal::Traces => (Context::Span, OF_SPAN),
        Signal::Logs => (Context::Log, OF_RECORD),
        Signal::Metrics | Signal::Profiles => return None,
    };
    if !batch.can_be_pruned() || stages.iter().any(|stage| stage.context != context) {
        return None;
    }
    Some(match context {
        Context::Span => batch.prune(&mut Looker::<TracesRequest>::new(stages, attributes)),
        _ => batch.prune(&mut Looker::<LogsRequest>::new(stages, attributes)),
    })
}

struct Looker<'s, T: Tree> {
    stages: &'s [Stage],
    attributes: u32,
    outer: T::Outer,
    inner: <T::Outer as Outer>::Inner,
    /// The item that is looked at; its room is used again for the next.
    leaf: LeafOf<T>,
    /// One item without the attributes that nobody reads.
    excerpt: Vec<u8>,
}

type LeafOf<T> = <<<T as Tree>::Outer as Outer>::Inner as Inner>::Leaf;

impl<'s, T: Tree> Looker<'s, T>
where
    T::Outer: Message + Default,
    <T::Outer as Outer>::Inner: Message + Default,
    LeafOf<T>: Message + Default,
{
    fn new(stages: &'s [Stage], attributes: u32) -> Self {
        Self {
            stages,
            attributes,
            outer: Default::default(),
            inner: Default::default(),
            leaf: Default::default(),
            excerpt: Vec::new(),
        }
    }

    /// Copies of the item what the stage reads: attributes of these names, and possibly everything else.
    fn excerpt(&mut self, item: &[u8], names: &BTreeSet<String>, others: bool) -> Result<&[u8], Undecodable> {
        self.excerpt.clear();
        let mut at = 0;
        while at < item.len() {
            let start = at;
            let is_read = match wire::field(item, &mut at)? {
                (number, Value::Bytes(attribute)) if number == self.attributes => is_named(attribute, names)?,
                _ => others,
            };
            if is_read {
                self.excerpt.extend_from_slice(&item[start..at]);
            }
        }
        Ok(&self.excerpt)
    }
}

/// Whether the attribute has one of the names.
fn is_named(attribute: &[u8], names: &BTreeSet<String>) -> Result<bool, Undecodable> {
    let key = key_in(attribute)?;
    Ok(names.iter().any(|name| name.as_bytes() == key))
}

impl<T: Tree> Judge for Looker<'_, T>
where
    T::Outer: Message + Default,
    <T::Outer as Outer>::Inner: Message + Default,
    LeafOf<T>: Message + Default,
{
    type Error = Rejected;

    fn resource(&mut self, message: &[u8]) -> Result<(), Rejected> {
        self.outer = T::Outer::decode(message).map_err(Undecodable::from)?;
        Ok(())
    }

    fn scope(&mut self, message: &[u8]) -> Result<(), Rejected> {
        self.inner = Message::decode(message).map_err(Undecodable::from)?;
        Ok(())
    }

    fn keeps(&mut self, item: &[u8]) -> Result<bool, Rejected> {
        for stage in self.stages {
            let mut leaf = std::mem::take(&mut self.leaf);
            leaf.clear();
            let excerpt = match &stage.reads {
                Reads::All => item,
                Reads::Part { attributes, others } => self.excerpt(item, attributes, *others)?,
            };
            leaf.merge(excerpt).map_err(Undecodable::from)?;
            let mut around = Around::of(&mut self.outer, &mut self.inner);
            let mut outcome = Ok(());
            let mut drops = |target: &Target<'_>| match stage.drops(target) {
                Ok(drops) => drops,
                Err(failure) => {
                    outcome = Err(Rejected::permanent(failure));
                    false
                }
            };
            let stays = leaf.retain(stage.context, &mut around, &mut drops);
            self.leaf = leaf;
            outcome?;
            if !stays {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
