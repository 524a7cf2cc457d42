//! Which context a group of texts is about, told from the paths, functions and enums in it.

use super::compile::{Rule, parse};
use super::target::Context;
use super::{Fault, enums, functions};

/// The context of statements and conditions that belong together: the innermost that a path names, or the next inner
/// one that knows all functions and enums.
///
/// # Errors
/// The first text that is wrong, by its place among statements and then conditions, or that no context fits.
pub fn infer(candidates: &[Context], statements: &[String], conditions: &[String]) -> Result<Context, (usize, Fault)> {
    let mut needs = Needs::default();
    let statements = statements.iter().map(|text| (Rule::statement, text));
    let conditions = conditions.iter().map(|text| (Rule::predicate, text));
    for (index, (rule, text)) in statements.chain(conditions).enumerate() {
        needs.read(rule, text).map_err(|fault| (index, fault))?;
    }
    let known: Vec<_> = candidates.iter().map(|context| context.name()).collect();
    let Some(named) = Context::ALL.into_iter().find(|context| needs.contexts.contains(context)) else {
        let message = format!("no path says its context; begin paths with one of {}", known.join(", "));
        return Err((0, Fault { at: 0, message }));
    };
    if !candidates.contains(&named) {
        let message = format!("context {} does not exist here; known: {}", named.name(), known.join(", "));
        return Err((0, Fault { at: 0, message }));
    }
    // A text that no context fits is compiled for the one it names, which tells what is wrong with it.
    let mut inner = Context::ALL.into_iter().filter(|context| candidates.contains(context) && context.sees(named));
    if needs.fit(named) {
        return Ok(named);
    }
    Ok(inner.find(|context| needs.fit(*context)).unwrap_or(named))
}

#[derive(Default)]
struct Needs {
    contexts: Vec<Context>,
    functions: Vec<String>,
    enums: Vec<String>,
}

impl Needs {
    fn read(&mut self, rule: Rule, text: &str) -> Result<(), Fault> {
        for node in parse(rule, text)?.into_inner().flatten() {
            match node.as_rule() {
                Rule::path => {
                    let mut segments = node.into_inner();
                    let first = segments.next().map(|segment| segment.as_str());
                    let named = first.filter(|_| segments.next().is_some()).and_then(Context::parse);
                    self.contexts.extend(named);
                }
                Rule::name_of_function => self.functions.push(node.as_str().to_owned()),
                Rule::name_of_enum => self.enums.push(node.as_str().to_owned()),
                _ => {}
            }
        }
        Ok(())
    }

    fn fit(&self, context: Context) -> bool {
        let knows = |name: &String| functions::known(context).any(|function| function.name == *name);
        // A converter may be named where an enum could stand.
        let numbered = |symbol: &String| enums::number(context, symbol).is_some() || knows(symbol);
        self.functions.iter().all(knows) && self.enums.iter().all(numbered)
    }
}
