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
    /// A part of it.
    Part {
        /// The attributes with these names.
        attributes: BTreeSet<String>,
        /// Whether anything but attributes is read.
        others: bool,
    },
    /// All of it, or who knows what.
    All,
}

impl Reads {
    /// Nothing so far.
    pub fn nothing() -> Self {
        Self::Part { attributes: BTreeSet::new(), others: false }
    }

    /// What a condition reads of an item of this context, too.
    pub fn add(&mut self, condition: &Condition, context: Context) {
        Reader { fields: fields::of(context), reads: self }.condition(condition);
    }
}

struct Reader<'r> {
    fields: &'static [Field],
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
        let Reads::Part { attributes, others } = self.reads else { return };
        match keys {
            _ if !is_of_item => {}
            _ if field.name != "attributes" => *others = true,
            Keys::Fixed(keys) if let [Key::Name(name), ..] = &keys[..] => drop(attributes.insert(name.clone())),
            _ => *self.reads = Reads::All,
        }
    }

    fn keys(&mut self, keys: &Keys) {
        if let Keys::Computed(exprs) = keys {
            exprs.iter().for_each(|expr| self.expr(expr));
        }
    }
}
