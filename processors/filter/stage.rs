//! One list of conditions or properties of one context, ready to be looked at.

use crate::matching::Chosen;
use ottl::walk::{self, Tree};
use ottl::{Condition, Context, ErrorMode, Failures, Reads, Target};

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
    /// What becomes of a failure.
    pub error_mode: ErrorMode,
    /// Where failures are told.
    pub failures: Failures,
}

impl Stage {
    /// Drops what does not pass.
    ///
    /// # Errors
    /// The first failure, when failures are propagated.
    pub fn run<T: Tree>(&self, request: &mut T) -> Result<(), String> {
        let mut outcome = Ok(());
        walk::retain(request, self.context, &mut |target| match self.drops(target) {
            Ok(drops) => drops,
            Err(failure) => {
                outcome = Err(failure);
                false
            }
        });
        outcome
    }

    /// Whether an item goes.
    ///
    /// # Errors
    /// A failure that is propagated.
    pub fn drops(&self, target: &Target<'_>) -> Result<bool, String> {
        let conditions = match &self.test {
            Test::Properties(chosen) => return Ok(!chosen.has(target)),
            Test::Conditions(conditions) => conditions,
        };
        for (condition, text) in conditions {
            match condition.holds(target) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(failure) => self.failures.handle(self.error_mode, "condition", text, &failure)?,
            }
        }
        Ok(false)
    }
}
