//! One group of statements, ready to run.

use ottl::walk::{self, Tree};
use std::sync::Arc;

use ottl::{Client, Condition, Context, ErrorMode, Failures, Statement, Target};

/// Statements of one context.
#[derive(Debug)]
pub struct Stage {
    /// Which items they are about.
    pub context: Context,
    /// One of these is true for an item that is changed, if there are any; with their texts.
    pub conditions: Vec<(Condition, String)>,
    /// The changes with their texts.
    pub statements: Vec<(Statement, String)>,
    /// Whether one of them asks who sent what is looked at.
    pub asks_for_client: bool,
    /// What becomes of a failure.
    pub error_mode: ErrorMode,
    /// Where failures are told.
    pub failures: Failures,
}

impl Stage {
    /// Changes every item.
    ///
    /// # Errors
    /// The first failure, when failures are propagated.
    pub fn run<T: Tree>(&self, request: &mut T, client: Option<&Arc<Client>>) -> Result<(), String> {
        walk::visit(request, self.context, &mut |target| {
            target.client = client.cloned();
            if !self.is_about(target)? {
                return Ok(());
            }
            for (statement, text) in &self.statements {
                if let Err(failure) = statement.apply(target) {
                    self.failures.handle(self.error_mode, "statement", text, &failure)?;
                }
            }
            Ok(())
        })
    }

    fn is_about(&self, target: &Target<'_>) -> Result<bool, String> {
        for (condition, text) in &self.conditions {
            match condition.holds(target) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(failure) => self.failures.handle(self.error_mode, "condition", text, &failure)?,
            }
        }
        Ok(self.conditions.is_empty())
    }
}
