//! Policies in OTTL.

use crate::tail_sampling::evaluator::{Evaluate, Seen, Verdict};
use crate::tail_sampling::settings::{OttlCondition, Wrong};
use ottl::walk;
use ottl::{self, Condition, Context, ErrorMode, Prefix};

/// Conditions of which one has to be true for one span, or one event.
pub struct Conditions {
    error_mode: ErrorMode,
    lists: Vec<(Context, Vec<(Condition, String)>)>,
}

impl Conditions {
    /// Reads the conditions.
    ///
    /// # Errors
    /// The first that is wrong, or that there is none.
    pub fn new(settings: &OttlCondition) -> Result<Self, Wrong> {
        let lists = [("span", Context::Span, &settings.span), ("spanevent", Context::SpanEvent, &settings.spanevent)];
        if lists.iter().all(|(.., list)| list.is_empty()) {
            return Err(Wrong::new("ottl_condition", "needs at least one condition in span or spanevent"));
        }
        let lists = lists.into_iter().filter(|(.., list)| !list.is_empty());
        let lists = lists.map(|(key, context, list)| Ok((context, compiled(key, context, list)?)));
        Ok(Self { error_mode: settings.error_mode, lists: lists.collect::<Result<_, Wrong>>()? })
    }
}

fn compiled(key: &str, context: Context, list: &[String]) -> Result<Vec<(Condition, String)>, Wrong> {
    let one = |(index, text): (usize, &String)| match ottl::condition(text, context, Prefix::Optional) {
        Ok(condition) => Ok((condition, text.clone())),
        Err(fault) => Err(Wrong::new("ottl_condition", format!("{key}::{index}: {}", fault.show(text)))),
    };
    list.iter().enumerate().map(one).collect()
}

impl Evaluate for Conditions {
    fn evaluate(&mut self, trace: &mut Seen<'_>) -> Result<Verdict, String> {
        let failures = trace.failures;
        let mut found = false;
        for (context, conditions) in &self.lists {
            walk::visit(trace.request()?, *context, &mut |target| {
                for (condition, text) in conditions.iter().filter(|_| !found) {
                    match condition.holds(target) {
                        Ok(holds) if holds => {
                            found = true;
                            break;
                        }
                        Ok(_) => {}
                        Err(failure) => failures.handle(self.error_mode, "condition", text, &failure)?,
                    }
                }
                Ok(())
            })?;
        }
        Ok(Verdict::when(found))
    }
}
