//! One list of conditions or properties of one context, ready to be looked at.

use crate::matching::Chosen;
use ottl::walk::{self, Tree};
use std::sync::Arc;

use ottl::{Client, Condition, Context, ErrorMode, Failures, Reads, Target};

/// What makes an item go.
#[derive(Debug)]
pub enum Test {
    /// One of these conditions is true; with their texts.
    Conditions(Vec<(Condition, String)>),
    /// It is not among the chosen.
    Properties(Box<Chosen>),
}

/// One look at the items of one context.
#[derive(Debug)]
pub struct Stage {
    /// Which items they are about.
    pub context: Context,
    /// What makes one of them go.
    pub test: Test,
    /// The attributes that this reads.
    pub reads: Reads,
    /// Whether this asks who sent what is looked at.
    pub asks_for_client: bool,
    /// What becomes of a failure.
    pub error_mode: ErrorMode,
    /// Where failures are told.
    pub failures: Failures,
}

/// What a stage says of an item.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// Whether it goes.
    pub drops: bool,
    /// Whether no condition failed.
    pub is_clear: bool,
}

impl Stage {
    /// Drops what does not pass.
    ///
    /// # Errors
    /// The first failure, when failures are propagated.
    pub fn run<T: Tree>(&self, request: &mut T, client: Option<&Arc<Client>>) -> Result<(), String> {
        let mut outcome = Ok(());
        walk::retain(request, self.context, &mut |target| {
            target.client = client.cloned();
            let judged = self.judge(target).map(|verdict| verdict.drops);
            judged.unwrap_or_else(|failure| {
                outcome = Err(failure);
                false
            })
        });
        outcome
    }

    /// Whether an item goes.
    ///
    /// # Errors
    /// A failure that is propagated.
    pub fn judge(&self, target: &Target<'_>) -> Result<Verdict, String> {
        let conditions = match &self.test {
            Test::Properties(chosen) => return Ok(Verdict { drops: !chosen.has(target), is_clear: true }),
            Test::Conditions(conditions) => conditions,
        };
        let mut is_clear = true;
        for (condition, text) in conditions {
            match condition.holds(target) {
                Ok(true) => return Ok(Verdict { drops: true, is_clear }),
                Ok(false) => {}
                Err(failure) => {
                    is_clear = false;
                    self.failures.handle(self.error_mode, "condition", text, &failure)?;
                }
            }
        }
        Ok(Verdict { drops: false, is_clear })
    }
}
