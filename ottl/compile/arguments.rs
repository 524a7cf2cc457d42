//! What stands in the brackets of a call, as its parameters want it.

use super::{Compiler, Node, Rule, fault, last_line, only};
use crate::call::Arg;
use crate::expr::Expr;
use crate::functions::{self, Function, Kind, Param};
use crate::value::Val;
use crate::xpath::XPath;
use crate::{Fault, client};

impl Compiler {
    pub(super) fn arguments(
        &self,
        function: &Function,
        written: Vec<Node<'_>>,
        call: &Node<'_>,
    ) -> Result<Vec<Arg>, Fault> {
        let params = function.params;
        let mut slots: Vec<Option<Node<'_>>> = params.iter().map(|_| None).collect();
        for (index, argument) in written.into_iter().enumerate() {
            let place = argument.clone();
            let mut parts = argument.into_inner().peekable();
            let named = parts.next_if(|part| part.as_rule() == Rule::name_of_argument);
            let slot = match &named {
                Some(name) => params.iter().position(|param| camel(param.name).eq(camel(name.as_str()))),
                None => Some(index).filter(|index| *index < params.len()),
            };
            let Some(slot) = slot else {
                return fault(&place, format!("{} takes {}", function.name, signature(params)));
            };
            if slots[slot].replace(only_of(parts, &place)?).is_some() {
                return fault(&place, format!("argument {} is given twice", params[slot].name));
            }
        }
        let missing = params.iter().zip(&slots).find(|(param, slot)| !param.optional && slot.is_none());
        if let Some((param, _)) = missing {
            return fault(
                call,
                format!("argument {} of {} is missing; it takes {}", param.name, function.name, signature(params)),
            );
        }
        let args = params.iter().zip(slots).map(|(param, slot)| match slot {
            Some(node) => self.argument(function, param, node),
            None => Ok(Arg::Missing),
        });
        args.collect()
    }

    fn argument(&self, function: &Function, param: &Param, node: Node<'_>) -> Result<Arg, Fault> {
        let place = node.clone();
        let wrong = |what: &str| fault(&place, format!("{} of {} {what}", param.name, function.name));
        match param.kind {
            Kind::Converter => {
                return self
                    .function(node.as_str(), true)
                    .map(Arg::Function)
                    .or_else(|message| wrong(&format!("must be a converter's name: {message}")));
            }
            Kind::Path => {
                return match self.value(node)? {
                    Expr::Path(path) if client::has(path.parts().0) => wrong("is who sent it, which cannot be changed"),
                    Expr::Path(path) => Ok(Arg::Path(path)),
                    _ => wrong("must be a path"),
                };
            }
            Kind::Values | Kind::Texts | Kind::Words => {
                let inner = only(node)?;
                if inner.as_rule() != Rule::list {
                    return wrong("must be a list in brackets");
                }
                let items = inner.into_inner().map(|item| self.value(item)).collect::<Result<Vec<_>, _>>()?;
                let odd =
                    items.iter().any(|item| matches!(item, Expr::Literal(value) if !matches!(value, Val::Text(_))));
                let open = items.iter().any(|item| !matches!(item, Expr::Literal(_)));
                return if param.kind != Kind::Values && odd {
                    wrong("must be a list of strings")
                } else if param.kind == Kind::Words && open {
                    wrong("must be a list of strings that are written out")
                } else {
                    Ok(Arg::Exprs(items))
                };
            }
            _ => {}
        }
        if node.as_rule() == Rule::name_of_function {
            return wrong("must be a value; a converter is called with brackets");
        }
        let expr = self.value(node)?;
        match param.kind.check(&expr) {
            Ok(()) => {}
            Err(message) => return wrong(&message),
        }
        match (param.kind, &expr) {
            (Kind::Glob, Expr::Literal(Val::Text(glob))) => match functions::glob::regex(glob, None) {
                Ok(regex) => Ok(Arg::Regex(Box::new(regex))),
                Err(message) => wrong(&message),
            },
            (Kind::XPath, Expr::Literal(Val::Text(path))) if path.is_empty() && param.optional => Ok(Arg::Missing),
            (Kind::XPath, Expr::Literal(Val::Text(path))) => match XPath::parse(path) {
                Ok(path) => Ok(Arg::XPath(Box::new(path))),
                Err(message) => wrong(&format!("is no XPath: {message}")),
            },
            (Kind::Pattern, Expr::Literal(Val::Text(pattern))) => match regex::Regex::new(pattern) {
                Ok(regex) => Ok(Arg::Regex(Box::new(regex))),
                Err(error) => wrong(&format!("is no regular expression: {}", last_line(&error))),
            },
            _ => Ok(Arg::Expr(expr)),
        }
    }
}

impl Kind {
    /// Whether an expression can be what is wanted, as far as that is known before there is an item.
    fn check(self, expr: &Expr) -> Result<(), String> {
        let literal = match expr {
            Expr::Literal(value) => Some(value),
            _ => None,
        };
        let fits = |fits: fn(&Val<'static>) -> bool| literal.is_none_or(fits);
        let written = |fits: fn(&Val<'static>) -> bool| literal.is_some_and(fits);
        let (good, wanted) = match self {
            Self::Glob => (written(|v| matches!(v, Val::Text(_))), "a string that is written out"),
            Self::Float => (written(|v| matches!(v, Val::Double(_))), "a double that is written out, such as 0.001"),
            Self::Text | Self::Pattern => (fits(|v| matches!(v, Val::Text(_))), "a string"),
            Self::Int => (fits(|v| matches!(v, Val::Int(_))), "an int"),
            Self::Map => (fits(|v| matches!(v, Val::Map(_))), "a map"),
            Self::List => (fits(|v| matches!(v, Val::List(_))), "a list"),
            Self::Time => (fits(|v| matches!(v, Val::Time(_))), "a time"),
            Self::Duration => (fits(|v| matches!(v, Val::Duration(_))), "a duration"),
            Self::Word | Self::XPath => (written(|v| matches!(v, Val::Text(_))), "a string that is written out"),
            Self::Number => (written(|v| matches!(v, Val::Int(_))), "an int that is written out"),
            Self::Flag => (written(|v| matches!(v, Val::Bool(_))), "true or false"),
            Self::OneOf(words) => {
                let good = matches!(literal, Some(Val::Text(word)) if words.contains(&&**word));
                return if good { Ok(()) } else { Err(format!("must be one of {}", words.join(", "))) };
            }
            Self::Any | Self::Path | Self::Values | Self::Texts | Self::Words | Self::Converter => (true, ""),
        };
        if good { Ok(()) } else { Err(format!("must be {wanted}")) }
    }
}

/// A name of an argument without its underscores: `named_only` is also written `namedOnly`.
fn camel(name: &str) -> impl Iterator<Item = char> {
    let begins = |(before, c): (char, char)| if before == '_' { c.to_ascii_uppercase() } else { c };
    std::iter::once('_').chain(name.chars()).zip(name.chars()).map(begins).filter(|c| *c != '_')
}

fn only_of<'i>(mut parts: impl Iterator<Item = Node<'i>>, place: &Node<'i>) -> Result<Node<'i>, Fault> {
    parts.next().map_or_else(|| fault(place, "an argument has no value"), Ok)
}

fn signature(params: &[Param]) -> String {
    if params.is_empty() {
        return "no arguments".to_owned();
    }
    let shown = params.iter().map(|p| if p.optional { format!("{}?", p.name) } else { p.name.to_owned() });
    format!("({})", shown.collect::<Vec<_>>().join(", "))
}
