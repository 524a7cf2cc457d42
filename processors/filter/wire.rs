//! Conditions about spans and log records, looked at where these lie on the wire: only what conditions read is decoded.

use std::collections::BTreeSet;

use pipeline::otlp::wire::{self, Value};
use pipeline::proto::{LogsRequest, TracesRequest};
use pipeline::{Batch, Judge, Rejected, Signal, Undecodable, key_in};
use prost::Message;

use super::seen::Seen;
use super::stage::{Stage, Verdict};
use ottl::walk::{Around, Inner, Leaf, Outer, Tree};
use ottl::{Context, Part, Reads};

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
    looks: Vec<Look<'s>>,
    attributes: u32,
    /// One item without the attributes that nobody reads.
    excerpt: Vec<u8>,
    judged: Judged<T>,
}

/// A stage with what it said lately.
struct Look<'s> {
    stage: &'s Stage,
    seen: Seen,
}

impl Look<'_> {
    fn drops<T: Tree>(&mut self, excerpt: &[u8], judged: &mut Judged<T>) -> Result<bool, Rejected>
    where
        LeafOf<T>: Message,
    {
        if let Some(drops) = self.seen.verdict(excerpt) {
            return Ok(drops);
        }
        let verdict = judged.by(self.stage, excerpt)?;
        // Failures are counted for every item.
        if verdict.is_clear {
            self.seen.remember(excerpt, verdict.drops);
        }
        Ok(verdict.drops)
    }
}

/// What a stage is shown.
struct Judged<T: Tree> {
    outer: T::Outer,
    inner: <T::Outer as Outer>::Inner,
    /// The item that is looked at; its room is used again for the next.
    leaf: LeafOf<T>,
}

type LeafOf<T> = <<<T as Tree>::Outer as Outer>::Inner as Inner>::Leaf;

impl<T: Tree> Judged<T>
where
    LeafOf<T>: Message,
{
    fn by(&mut self, stage: &Stage, item: &[u8]) -> Result<Verdict, Rejected> {
        self.leaf.clear();
        self.leaf.merge(item).map_err(Undecodable::from)?;
        let mut around = Around::of(&mut self.outer, &mut self.inner);
        let mut outcome = Ok(Verdict { drops: false, is_clear: true });
        self.leaf.retain(stage.context, &mut around, &mut |target| {
            outcome = stage.judge(target);
            outcome.as_ref().is_ok_and(|verdict| verdict.drops)
        });
        outcome.map_err(Rejected::permanent)
    }
}

impl<'s, T: Tree> Looker<'s, T>
where
    T::Outer: Default,
    <T::Outer as Outer>::Inner: Default,
    LeafOf<T>: Message + Default,
{
    fn new(stages: &'s [Stage], attributes: u32) -> Self {
        Self {
            looks: stages.iter().map(|stage| Look { stage, seen: Seen::default() }).collect(),
            attributes,
            excerpt: Vec::new(),
            judged: Judged { outer: Default::default(), inner: Default::default(), leaf: Default::default() },
        }
    }

    /// Forgets what was said about items with something else around them.
    fn enter(&mut self) {
        let looks = self.looks.iter_mut();
        looks.filter(|look| look.stage.reads.reaches_around()).for_each(|look| look.seen.forget());
    }
}

/// Copies of the item what is read of it.
fn excerpt(item: &[u8], attributes: u32, part: &Part, out: &mut Vec<u8>) -> Result<(), Undecodable> {
    out.clear();
    let mut at = 0;
    while at < item.len() {
        let start = at;
        let is_read = match wire::field(item, &mut at)? {
            (number, Value::Bytes(attribute)) if number == attributes => is_named(attribute, &part.attributes)?,
            (number, _) => part.others || part.fields.contains(&number),
        };
        if is_read {
            out.extend_from_slice(&item[start..at]);
        }
    }
    Ok(())
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
        self.judged.outer = Message::decode(message).map_err(Undecodable::from)?;
        self.enter();
        Ok(())
    }

    fn scope(&mut self, message: &[u8]) -> Result<(), Rejected> {
        self.judged.inner = Message::decode(message).map_err(Undecodable::from)?;
        self.enter();
        Ok(())
    }

    fn keeps(&mut self, item: &[u8]) -> Result<bool, Rejected> {
        for look in &mut self.looks {
            let drops = match &look.stage.reads {
                Reads::All => self.judged.by(look.stage, item)?.drops,
                Reads::Part(part) => {
                    excerpt(item, self.attributes, part, &mut self.excerpt)?;
                    look.drops(&self.excerpt, &mut self.judged)?
                }
            };
            if drops {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
