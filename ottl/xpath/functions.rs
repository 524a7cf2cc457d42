//! The functions of XPath: one row each.

use regex::Regex;

use super::Expr;
use super::evaluate::{Here, Value, text};

/// A function.
pub struct Function {
    name: &'static str,
    least: usize,
    most: usize,
    /// Its value.
    pub run: fn(&[Value], Here<'_>) -> Value,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn row(name: &'static str, least: usize, most: usize, run: fn(&[Value], Here<'_>) -> Value) -> Function {
    Function { name, least, most, run }
}

static FUNCTIONS: &[Function] = &[
    row("last", 0, 0, |_, here| Value::Number(here.last as f64)),
    row("position", 0, 0, |_, here| Value::Number(here.position as f64)),
    row("count", 1, 1, |args, _| Value::Number(args[0].clone().places().len() as f64)),
    row("sum", 1, 1, |args, here| match &args[0] {
        Value::Nodes(places) => {
            let numbers = places.iter().map(|place| number(&text(here.tree, *place)));
            Value::Number(numbers.filter(|number| !number.is_nan()).sum())
        }
        plain => Value::Number(plain.number(here.tree)),
    }),
    row("name", 0, 1, |args, here| {
        let (prefix, name, _) = names(args, here);
        Value::Text(if prefix.is_empty() { name } else { format!("{prefix}:{name}") })
    }),
    row("local-name", 0, 1, |args, here| Value::Text(names(args, here).1)),
    row("namespace-uri", 0, 1, |args, here| Value::Text(names(args, here).2)),
    row("string", 0, 1, |args, here| Value::Text(or_here(args, here))),
    row("number", 0, 1, |args, here| match args.first() {
        Some(arg) => Value::Number(arg.number(here.tree)),
        None => Value::Number(number(&text(here.tree, here.place))),
    }),
    row("boolean", 1, 1, |args, _| Value::Bool(args[0].truth())),
    row("not", 1, 1, |args, _| Value::Bool(!args[0].truth())),
    row("true", 0, 0, |_, _| Value::Bool(true)),
    row("false", 0, 0, |_, _| Value::Bool(false)),
    row("floor", 1, 1, |args, here| Value::Number(args[0].number(here.tree).floor())),
    row("ceiling", 1, 1, |args, here| Value::Number(args[0].number(here.tree).ceil())),
    row("round", 1, 1, |args, here| Value::Number((args[0].number(here.tree) + 0.5).floor())),
    row("concat", 2, usize::MAX, |args, here| Value::Text(args.iter().map(|arg| arg.text(here.tree)).collect())),
    row("contains", 2, 2, |args, here| Value::Bool(args[0].text(here.tree).contains(&args[1].text(here.tree)))),
    row("starts-with", 2, 2, |args, here| Value::Bool(args[0].text(here.tree).starts_with(&args[1].text(here.tree)))),
    row("ends-with", 2, 2, |args, here| Value::Bool(args[0].text(here.tree).ends_with(&args[1].text(here.tree)))),
    row("substring", 2, 3, substring),
    row("substring-before", 2, 2, |args, here| {
        let (text, part) = (args[0].text(here.tree), args[1].text(here.tree));
        Value::Text(text.split_once(&*part).map_or_else(String::new, |(before, _)| before.to_owned()))
    }),
    row("substring-after", 2, 2, |args, here| {
        let (text, part) = (args[0].text(here.tree), args[1].text(here.tree));
        let part = Some(part).filter(|part| !part.is_empty());
        let after = part.and_then(|part| text.split_once(&*part).map(|(_, after)| after.to_owned()));
        Value::Text(after.unwrap_or_default())
    }),
    row("string-length", 0, 1, |args, here| Value::Number(or_here(args, here).chars().count() as f64)),
    row("normalize-space", 0, 1, |args, here| {
        Value::Text(or_here(args, here).split_whitespace().collect::<Vec<_>>().join(" "))
    }),
    row("translate", 3, 3, translate),
    row("lower-case", 1, 1, |args, here| Value::Text(args[0].text(here.tree).to_lowercase())),
    row("matches", 2, 2, |args, here| {
        let pattern = Regex::new(&args[1].text(here.tree));
        Value::Bool(pattern.is_ok_and(|pattern| pattern.is_match(&args[0].text(here.tree))))
    }),
    row("replace", 3, 3, |args, here| {
        let (text, new) = (args[0].text(here.tree), args[2].text(here.tree));
        match Regex::new(&args[1].text(here.tree)) {
            Ok(pattern) => Value::Text(pattern.replace_all(&text, &*new).into_owned()),
            Err(_) => Value::Text(text),
        }
    }),
    row("reverse", 1, 1, |args, _| {
        let mut places = args[0].clone().places();
        places.reverse();
        Value::Nodes(places)
    }),
    row("string-join", 2, 2, |args, here| match &args[0] {
        Value::Nodes(places) => {
            let texts: Vec<String> = places.iter().map(|place| text(here.tree, *place)).collect();
            Value::Text(texts.join(&args[1].text(here.tree)))
        }
        plain => Value::Text(plain.text(here.tree)),
    }),
];

/// The function that is written so.
///
/// # Errors
/// There is none.
pub fn find(prefix: &str, name: &str) -> Result<&'static Function, String> {
    let found = FUNCTIONS.iter().find(|function| prefix.is_empty() && function.name == name);
    found.ok_or_else(|| match config::nearest(name, FUNCTIONS.iter().map(|function| function.name)) {
        Some(near) => format!("XPath function {name:?} does not exist; did you mean {near:?}?"),
        None => format!("XPath function {name:?} does not exist"),
    })
}

impl Function {
    /// Refuses what it cannot be called with.
    ///
    /// # Errors
    /// Too few or too many arguments, or a pattern that is written out and wrong.
    pub fn check(&self, args: &[Expr]) -> Result<(), String> {
        if args.len() < self.least || args.len() > self.most {
            return Err(format!("XPath function {} does not take {} arguments", self.name, args.len()));
        }
        match args.get(1) {
            Some(Expr::Text(pattern)) if matches!(self.name, "matches" | "replace") => Regex::new(pattern)
                .map(|_| ())
                .map_err(|_| format!("{pattern:?} in {} is no regular expression", self.name)),
            _ => Ok(()),
        }
    }
}

/// What a text is as a number.
pub fn number(text: &str) -> f64 {
    text.trim().parse().unwrap_or(f64::NAN)
}

fn or_here(args: &[Value], here: Here<'_>) -> String {
    args.first().map_or_else(|| text(here.tree, here.place), |arg| arg.text(here.tree))
}

/// Prefix, name and namespace of the first node, or of where one stands.
fn names(args: &[Value], here: Here<'_>) -> (String, String, String) {
    let place = match args.first() {
        None => Some(here.place),
        Some(Value::Nodes(places)) => places.first().copied(),
        Some(_) => None,
    };
    let Some(place) = place else { return Default::default() };
    let node = here.tree.node(place.node);
    match place.attribute.and_then(|index| node.attributes.get(index)) {
        Some(attribute) => (attribute.prefix.clone(), attribute.name.clone(), String::new()),
        None => (node.prefix.clone(), node.data.clone(), node.namespace.to_string()),
    }
}

/// From one on, by characters.
fn substring(args: &[Value], here: Here<'_>) -> Value {
    let round = |index: usize| args.get(index).map(|arg| (arg.number(here.tree) + 0.5).floor());
    let start = round(1).unwrap_or(f64::NAN);
    let end = round(2).map_or(f64::INFINITY, |length| start + length);
    let text = args[0].text(here.tree);
    let within = |(index, c): (usize, char)| {
        let place = (index + 1) as f64;
        (place >= start && place < end).then_some(c)
    };
    Value::Text(text.chars().enumerate().filter_map(within).collect())
}

fn translate(args: &[Value], here: Here<'_>) -> Value {
    let from: Vec<char> = args[1].text(here.tree).chars().collect();
    let to: Vec<char> = args[2].text(here.tree).chars().collect();
    let other = |c: char| match from.iter().position(|from| *from == c) {
        Some(place) => to.get(place).copied(),
        None => Some(c),
    };
    Value::Text(args[0].text(here.tree).chars().filter_map(other).collect())
}
