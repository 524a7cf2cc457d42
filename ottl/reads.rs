//! What conditions read of an item: the rest of it need not be decoded.

use std::collections::BTreeSet;

use super::call::{Arg, Call};
use super::expr::{Condition, Expr};
use super::fields::{self, Field};
use super::path::{Key, Keys, Path};
use super::target::Context;

/// What is read of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reads {
    /// A part of it, and nothing but that decides.
    Part(Part),
    /// All of it, or who knows what.
    All,
}

/// A part of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The attributes with these names.
    pub attributes: BTreeSet<String>,
    /// The fields with these numbers in the item's message.
    pub fields: BTreeSet<u32>,
    /// Whether fields are read that are not told one by one.
    pub others: bool,
    /// Whether anything around the item is read, as its resource.
    pub around: bool,
}

impl Reads {
    /// Nothing so far.
    pub fn nothing() -> Self {
        Self::Part(Part::default())
    }

    /// Whether what is said of an item may depend on more than the item.
    pub fn reaches_around(&self) -> bool {
        !matches!(self, Self::Part(Part { around: false, .. }))
    }

    /// What a condition reads of an item of this context, too.
    pub fn add(&mut self, condition: &Condition, context: Context) {
        Reader { fields: fields::of(context), numbers: numbers(context), reads: self }.condition(condition);
    }
}

/// Fields that are like each other in many items, by the first word of their paths.
fn numbers(context: Context) -> &'static [(&'static str, u32)] {
    match context {
        Context::Span => &[("trace_state", 3), ("name", 5), ("kind", 6), ("status", 15), ("flags", 16)],
        Context::Log => &[("severity_number", 2), ("severity_text", 3), ("body", 5), ("flags", 8), ("event_name", 12)],
        _ => &[],
    }
}

struct Reader<'r> {
    fields: &'static [Field],
    numbers: &'static [(&'static str, u32)],
    reads: &'r mut Reads,
}

impl Reader<'_> {
    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Always(_) => {}
            Condition::Not(inner) => self.condition(inner),
            Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| self.condition(part)),
            Condition::Compare(_, sides) => sides.iter().for_each(|side| self.expr(side)),
            Condition::Holds(expr) => self.expr(expr),
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Literal(_) => {}
            Expr::Path(path) => self.path(path),
            Expr::Call(call) => self.call(call),
            Expr::At(call, keys) => {
                self.call(call);
                self.keys(keys);
            }
            Expr::Math(_, sides) => sides.iter().for_each(|side| self.expr(side)),
            Expr::Negative(inner) => self.expr(inner),
            Expr::List(items) => items.iter().for_each(|item| self.expr(item)),
            Expr::Map(entries) => entries.iter().for_each(|(_, item)| self.expr(item)),
        }
    }

    fn call(&mut self, call: &Call) {
        if call.args.is_empty() {
            // It may look at the item itself, as `IsRootSpan()` does.
            *self.reads = Reads::All;
        }
        for arg in &call.args {
            match arg {
                Arg::Missing | Arg::Regex(_) => {}
                Arg::Expr(expr) => self.expr(expr),
                Arg::Exprs(exprs) => exprs.iter().for_each(|expr| self.expr(expr)),
                Arg::Path(path) => self.path(path),
                // It is applied to values that other arguments give.
                Arg::Function(_) | Arg::XPath(_) | Arg::Grok(_) => {}
            }
        }
    }

    fn path(&mut self, path: &Path) {
        let (field, keys) = path.parts();
        self.keys(keys);
        let is_of_item = self.fields.iter().any(|of_item| std::ptr::eq(of_item, field));
        let number = self.number(field);
        let Reads::Part(part) = self.reads else { return };
        match keys {
            _ if !is_of_item => part.around = true,
            _ if field.name != "attributes" => match number {
                Some(number) => drop(part.fields.insert(number)),
                None => part.others = true,
            },
            Keys::Fixed(keys) if let [Key::Name(name), ..] = &keys[..] => drop(part.attributes.insert(name.clone())),
            _ => *self.reads = Reads::All,
        }
    }

    /// The number of a field that is told by itself; `status.code` is a part of `status`.
    fn number(&self, field: &Field) -> Option<u32> {
        let name = field.name.split('.').next()?;
        self.numbers.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
    }

    fn keys(&mut self, keys: &Keys) {
        if let Keys::Computed(exprs) = keys {
            exprs.iter().for_each(|expr| self.expr(expr));
        }
    }
}
