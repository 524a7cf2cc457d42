//! One list of conditions of one context, ready to be looked at.

use crate::ottl::walk::{self, Tree};
use crate::ottl::{Condition, Context, ErrorMode, Failures, Target};

/// Conditions of one context: an item goes when one of them is true.
#[derive(Debug)]
pub struct Stage {
    /// Which items they are about.
    pub context: Context,
    /// The conditions with their texts.
    pub conditions: Vec<(Condition, String)>,
    /// What becomes of a failure.
    pub error_mode: ErrorMode,
    /// Where failures are told.
    pub failures: Failures,
}

impl Stage {
    /// Drops what a condition is true for.
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

    fn drops(&self, target: &Target<'_>) -> Result<bool, String> {
        for (condition, text) in &self.conditions {
            match condition.holds(target) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(failure) => self.failures.handle(self.error_mode, "condition", text, &failure)?,
            }
        }
        Ok(false)
    }
}
