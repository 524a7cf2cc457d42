//! From text to trees.

mod arguments;

use pest::Parser;
use pest::iterators::Pair;

use super::call::Call;
use super::compare::Comparator;
use super::expr::{Condition, Expr, Statement};
use super::fields::{self, Field};
use super::functions::{self, Function};
use super::math::Operator;
use super::path::{Key, Keys, Path};
use super::strings::unquote;
use super::target::Context;
use super::value::Val;
use super::{Fault, client, enums};

/// The grammar as a parser.
#[derive(pest_derive::Parser)]
#[grammar = "grammar.pest"]
pub(super) struct Grammar;

pub(super) type Node<'i> = Pair<'i, Rule>;

/// The deepest nesting of brackets: more is a mistake, and must not exhaust the stack.
const DEEPEST: usize = 64;

/// Whether paths say which context they are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// They must: the context was inferred from them.
    Required,
    /// They may: a path without one is of the context that was given.
    Optional,
}

/// A statement, as in `transform`.
///
/// # Errors
/// What is wrong with the text, and where.
pub fn statement(text: &str, context: Context, prefix: Prefix) -> Result<Statement, Fault> {
    let compiler = Compiler { context, prefix };
    let mut parts = parse(Rule::statement, text)?.into_inner();
    let call = parts.next().ok_or_else(|| Fault::new(0, "a statement is empty"))?;
    let call = compiler.editor(call)?;
    let condition = parts.find(|part| part.as_rule() == Rule::condition);
    let only_if = condition.map_or(Ok(Condition::Always(true)), |condition| compiler.condition(condition))?;
    Ok(Statement { call, only_if })
}

/// A condition, as in `filter`.
///
/// # Errors
/// What is wrong with the text, and where.
pub fn condition(text: &str, context: Context, prefix: Prefix) -> Result<Condition, Fault> {
    let mut parts = parse(Rule::predicate, text)?.into_inner();
    let condition = parts.next().ok_or_else(|| Fault::new(0, "a condition is empty"))?;
    Compiler { context, prefix }.condition(condition)
}

/// The tree of the grammar's rules.
pub(super) fn parse(rule: Rule, text: &str) -> Result<Node<'_>, Fault> {
    check_depth(text)?;
    let mut parsed = Grammar::parse(rule, text).map_err(|error| {
        let at = match error.location {
            pest::error::InputLocation::Pos(at) | pest::error::InputLocation::Span((at, _)) => at,
        };
        let error = error.renamed_rules(|rule| described(*rule));
        Fault::new(at, error.variant.message().into_owned())
    })?;
    parsed.next().ok_or_else(|| Fault::new(0, "is empty"))
}

fn check_depth(text: &str) -> Result<(), Fault> {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'(' | b'[' | b'{' if !quoted => depth += 1,
            b')' | b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Err(Fault::new(at, format!("more than {DEEPEST} brackets in each other")));
        }
    }
    Ok(())
}

/// How a rule is called in messages.
fn described(rule: Rule) -> String {
    match rule {
        Rule::EOI => "the end",
        Rule::plus_or_minus => "+ or -",
        Rule::times_or_by => "* or /",
        Rule::comparator => "==, !=, <, <=, > or >=",
        Rule::text => "a quoted text",
        Rule::int | Rule::float => "a number",
        Rule::key => "[",
        Rule::call => "a call",
        Rule::path | Rule::segment | Rule::name => "a path",
        Rule::value | Rule::math | Rule::term | Rule::factor => "a value",
        Rule::condition | Rule::conjunction | Rule::test | Rule::comparison => "a condition",
        Rule::argument | Rule::name_of_argument => "an argument",
        Rule::name_of_function => "a function",
        Rule::name_of_enum => "an enum",
        Rule::bytes => "bytes",
        Rule::boolean | Rule::yes | Rule::no => "true or false",
        other => return format!("{other:?}"),
    }
    .to_owned()
}

/// What a node says at its own place.
fn fault<T>(node: &Node<'_>, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::new(node.as_span().start(), message))
}

/// The only node in another one.
fn only(node: Node<'_>) -> Result<Node<'_>, Fault> {
    let at = node.as_span().start();
    node.into_inner().next().ok_or_else(|| Fault::new(at, "is empty"))
}

struct Compiler {
    context: Context,
    prefix: Prefix,
}

impl Compiler {
    fn condition(&self, node: Node<'_>) -> Result<Condition, Fault> {
        let parts = node.into_inner().filter(|part| part.as_rule() == Rule::conjunction);
        let mut parts = parts.map(|part| self.conjunction(part)).collect::<Result<Vec<_>, _>>()?;
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Any(parts) })
    }

    fn conjunction(&self, node: Node<'_>) -> Result<Condition, Fault> {
        let parts = node.into_inner().filter(|part| part.as_rule() == Rule::test);
        let mut parts = parts.map(|part| self.test(part)).collect::<Result<Vec<_>, _>>()?;
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
    }

    fn test(&self, node: Node<'_>) -> Result<Condition, Fault> {
        let (mut negated, mut condition) = (false, Condition::Always(true));
        for part in node.into_inner() {
            condition = match part.as_rule() {
                Rule::not => {
                    negated = true;
                    continue;
                }
                Rule::comparison => self.comparison(part)?,
                Rule::boolean => Condition::Always(is_true(&part)),
                Rule::call => Condition::Holds(self.converter(part)?),
                _ => self.condition(part)?,
            };
        }
        Ok(if negated { Condition::Not(Box::new(condition)) } else { condition })
    }

    fn comparison(&self, node: Node<'_>) -> Result<Condition, Fault> {
        let mut comparator = Comparator::Equal;
        let mut sides = Vec::with_capacity(2);
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::comparator => comparator = Comparator::parse(part.as_str()),
                _ => sides.push(self.value(part)?),
            }
        }
        let (Some(right), Some(left)) = (sides.pop(), sides.pop()) else {
            return Err(Fault::new(0, "a comparison has two sides"));
        };
        if let (Expr::Literal(left), Expr::Literal(right)) = (&left, &right) {
            return Ok(Condition::Always(comparator.holds(left, right)));
        }
        Ok(Condition::Compare(comparator, Box::new([left, right])))
    }

    fn value(&self, node: Node<'_>) -> Result<Expr, Fault> {
        let node = if node.as_rule() == Rule::value { only(node)? } else { node };
        Ok(match node.as_rule() {
            Rule::nil => Expr::Literal(Val::Nil),
            Rule::boolean => Expr::Literal(Val::Bool(is_true(&node))),
            Rule::text => Expr::Literal(Val::owned(text(&node)?)),
            Rule::bytes => {
                let Some(bytes) = fields::ids::unhex(&node.as_str()[2..]) else {
                    return fault(&node, "bytes have an even number of hexadecimal digits");
                };
                Expr::Literal(Val::Bytes(bytes.into()))
            }
            Rule::name_of_enum => match enums::number(self.context, node.as_str()) {
                Some(number) => Expr::Literal(Val::Int(number)),
                None => return fault(&node, unknown_enum(self.context, node.as_str())),
            },
            Rule::list => Expr::List(node.into_inner().map(|item| self.value(item)).collect::<Result<_, _>>()?).fold(),
            Rule::map => Expr::Map(node.into_inner().map(|entry| self.entry(entry)).collect::<Result<_, _>>()?).fold(),
            _ => self.math(node)?,
        })
    }

    fn entry(&self, node: Node<'_>) -> Result<(String, Expr), Fault> {
        let at = node.as_span().start();
        let mut parts = node.into_inner();
        match (parts.next(), parts.next()) {
            (Some(key), Some(value)) => Ok((text(&key)?, self.value(value)?)),
            _ => Err(Fault::new(at, "an entry has a key and a value")),
        }
    }

    /// Sums, products and what they are made of: operators bind to the left.
    fn math(&self, node: Node<'_>) -> Result<Expr, Fault> {
        if node.as_rule() == Rule::factor {
            return self.factor(node);
        }
        let (mut sum, mut operator) = (None, Operator::Add);
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::plus_or_minus | Rule::times_or_by => operator = Operator::parse(part.as_str()),
                _ => {
                    let right = self.math(part)?;
                    sum = Some(match sum {
                        None => right,
                        Some(left) => Expr::Math(operator, Box::new([left, right])).fold(),
                    });
                }
            }
        }
        sum.ok_or_else(|| Fault::new(0, "nothing to calculate"))
    }

    fn factor(&self, node: Node<'_>) -> Result<Expr, Fault> {
        let (mut negative, mut value) = (false, Expr::Literal(Val::Nil));
        for part in node.into_inner() {
            value = match part.as_rule() {
                Rule::plus_or_minus => {
                    negative = part.as_str() == "-";
                    continue;
                }
                Rule::float => Expr::Literal(Val::Double(number(&part)?)),
                Rule::int if negative && part.as_str() == "9223372036854775808" => {
                    return Ok(Expr::Literal(Val::Int(i64::MIN)));
                }
                Rule::int => Expr::Literal(Val::Int(number(&part)?)),
                Rule::call => self.converter(part)?,
                Rule::path => Expr::Path(self.path(part)?),
                _ => self.math(part)?,
            };
        }
        Ok(if negative { Expr::Negative(Box::new(value)).fold() } else { value })
    }

    /// A path with the context in front of it taken off.
    fn path(&self, node: Node<'_>) -> Result<Path, Fault> {
        let at = node.as_span().start();
        let written = node.as_str().to_owned();
        let mut segments: Vec<(String, Vec<Node<'_>>)> = Vec::new();
        for segment in node.into_inner() {
            let mut parts = segment.into_inner();
            let name = parts.next().map(|name| name.as_str().to_owned()).unwrap_or_default();
            segments.push((name, parts.collect()));
        }
        if segments.len() > 1 && segments[0].0 == client::NAME && segments[0].1.is_empty() {
            segments.remove(0);
            return self.path_to(&written, at, segments, client::field);
        }
        let context = self.context_of(&mut segments).map_err(|message| Fault::new(at, message))?;
        self.path_to(&written, at, segments, |name| self.field(context, name))
    }

    fn path_to(
        &self,
        written: &str,
        at: usize,
        mut segments: Vec<(String, Vec<Node<'_>>)>,
        field: impl Fn(&str) -> Result<&'static Field, String>,
    ) -> Result<Path, Fault> {
        let last = segments.len().saturating_sub(1);
        if let Some((_, keys)) = segments[..last].iter().find(|(_, keys)| !keys.is_empty()) {
            return fault(&keys[0], "keys can only stand at the end of a path");
        }
        let name = segments.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(".");
        let field = field(&name).map_err(|message| Fault::new(at, message))?;
        let keys = segments.pop().map(|(_, keys)| keys).unwrap_or_default();
        let mut keys = self.keys(keys)?;
        if client::is_caseless(field) {
            keys.lower_case();
        }
        Path::new(field, keys).ok_or_else(|| Fault::new(at, format!("{written}: {name} has no keys")))
    }

    fn context_of(&self, segments: &mut Vec<(String, Vec<Node<'_>>)>) -> Result<Context, String> {
        let named = match &segments[..] {
            [(first, keys), _, ..] if keys.is_empty() => Context::parse(first),
            _ => None,
        };
        match (named, self.prefix) {
            (Some(context), _) if self.context.sees(context) => {
                segments.remove(0);
                Ok(context)
            }
            (_, Prefix::Optional) => Ok(self.context),
            (Some(context), Prefix::Required) => {
                Err(format!("{} is not to be seen from context {}", context.name(), self.context.name()))
            }
            (None, Prefix::Required) => {
                let path = segments.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(".");
                let seen: Vec<_> = Context::ALL.into_iter().filter(|context| self.context.sees(*context)).collect();
                let fits = seen.iter().find(|context| self.field(**context, &path).is_ok());
                let context = fits.copied().unwrap_or(self.context);
                Err(format!("path {path} does not say its context; did you mean {}.{path}?", context.name()))
            }
        }
    }

    fn field(&self, context: Context, name: &str) -> Result<&'static Field, String> {
        if name == fields::CACHE.name {
            let own = context == self.context;
            return own
                .then_some(&fields::CACHE)
                .ok_or_else(|| format!("only the cache of context {} can be used here", self.context.name()));
        }
        let table = fields::of(context);
        table.iter().find(|field| field.name == name).ok_or_else(|| {
            let hint = match config::nearest(name, table.iter().map(|field| field.name)) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("known: {}", table.iter().map(|field| field.name).collect::<Vec<_>>().join(", ")),
            };
            format!("unknown path {name:?} in context {}; {hint}", context.name())
        })
    }

    fn keys(&self, nodes: Vec<Node<'_>>) -> Result<Keys, Fault> {
        let exprs = nodes.into_iter().map(|node| self.key(node)).collect::<Result<Vec<_>, _>>()?;
        let fixed = exprs.iter().map(|expr| match expr {
            Expr::Literal(Val::Text(name)) => Some(Key::Name(name.to_string())),
            Expr::Literal(Val::Int(index)) => Some(Key::Index(*index)),
            _ => None,
        });
        Ok(fixed.collect::<Option<Vec<_>>>().map_or(Keys::Computed(exprs), Keys::Fixed))
    }

    fn key(&self, node: Node<'_>) -> Result<Expr, Fault> {
        let inner = only(node)?;
        let place = inner.clone();
        match self.value(inner)? {
            Expr::Literal(value) if !matches!(value, Val::Text(_) | Val::Int(_)) => {
                fault(&place, "a key is a string or an int")
            }
            expr => Ok(expr),
        }
    }

    fn editor(&self, node: Node<'_>) -> Result<Call, Fault> {
        if let Some(key) = node.clone().into_inner().find(|part| part.as_rule() == Rule::key) {
            return fault(&key, "editors have no value that keys could reach into");
        }
        self.call(node, false).map(|(call, _)| call)
    }

    fn converter(&self, node: Node<'_>) -> Result<Expr, Fault> {
        let (call, keys) = self.call(node, true)?;
        Ok(match self.keys(keys)? {
            Keys::Fixed(keys) if keys.is_empty() => Expr::Call(call),
            keys => Expr::At(call, keys),
        })
    }

    fn call<'i>(&self, node: Node<'i>, converter: bool) -> Result<(Call, Vec<Node<'i>>), Fault> {
        let place = node.clone();
        let (mut name, mut written, mut keys) = ("", Vec::new(), Vec::new());
        for part in node.into_inner() {
            match part.as_rule() {
                Rule::name_of_function => name = part.as_str(),
                Rule::argument => written.push(part),
                _ => keys.push(part),
            }
        }
        let function = self.function(name, converter).map_err(|m| Fault::new(place.as_span().start(), m))?;
        let mut call = Call { function, args: self.arguments(function, written, &place)? };
        (function.check)(&call)
            .and_then(|()| (function.prepare)(&mut call))
            .or_else(|message| fault(&place, format!("{name}: {message}")))?;
        Ok((call, keys))
    }

    fn function(&self, name: &str, converter: bool) -> Result<&'static Function, String> {
        let is_converter = name.starts_with(|c: char| c.is_ascii_uppercase());
        match (is_converter, converter) {
            (true, false) => return Err(format!("a statement begins with an editor, and {name} is no editor")),
            (false, true) => return Err(format!("converters begin with a capital letter, and {name} does not")),
            _ => {}
        }
        let known = || functions::known(self.context).filter(|function| function.is_converter() == converter);
        known().find(|function| function.name == name).ok_or_else(|| {
            if let Some((_, sentence)) = functions::REFUSED.iter().find(|(refused, _)| *refused == name) {
                return (*sentence).to_owned();
            }
            let hint = match config::nearest(name, known().map(|function| function.name)) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("known: {}", known().map(|function| function.name).collect::<Vec<_>>().join(", ")),
            };
            format!("unknown function {name:?} in context {}; {hint}", self.context.name())
        })
    }
}

impl Expr {
    /// What can be calculated before there is an item, is.
    fn fold(self) -> Self {
        let literal = |expr: &Self| match expr {
            Self::Literal(value) => Some(value.clone()),
            _ => None,
        };
        let folded = match &self {
            Self::Math(operator, sides) => match (literal(&sides[0]), literal(&sides[1])) {
                (Some(left), Some(right)) => operator.apply(&left, &right).ok(),
                _ => None,
            },
            Self::Negative(inner) => match literal(inner) {
                Some(Val::Int(int)) => Some(Val::Int(int.wrapping_neg())),
                Some(Val::Double(double)) => Some(Val::Double(-double)),
                _ => None,
            },
            Self::List(items) => items
                .iter()
                .map(literal)
                .map(|item| item?.into_any().ok())
                .collect::<Option<Vec<_>>>()
                .map(|list| Val::List(list.into())),
            _ => None,
        };
        folded.map_or(self, Self::Literal)
    }
}

fn is_true(node: &Node<'_>) -> bool {
    node.as_str() == "true"
}

fn text(node: &Node<'_>) -> Result<String, Fault> {
    match unquote(node.as_str()) {
        Some(text) => Ok(text),
        None => fault(node, "a text has an escape that does not exist; a backslash is written \\\\"),
    }
}

fn number<T: std::str::FromStr>(node: &Node<'_>) -> Result<T, Fault> {
    node.as_str().parse().or_else(|_| fault(node, "a number out of range"))
}

/// The parser's message without the drawing above it.
pub(super) fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().map_or(String::new(), |line| line.trim_start_matches("error: ").to_owned())
}

fn unknown_enum(context: Context, symbol: &str) -> String {
    let names: Vec<String> = enums::families(context)
        .iter()
        .flat_map(|(prefix, names)| names.iter().map(move |name| format!("{prefix}{name}")))
        .collect();
    match config::nearest(symbol, names.iter().map(String::as_str)) {
        Some(near) => format!("unknown enum {symbol:?}; did you mean {near:?}?"),
        None => format!("unknown enum {symbol:?} in context {}", context.name()),
    }
}
