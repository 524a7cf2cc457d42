//! What is written in the configuration, and what is made of it.

use config::{Decoder, Rules, gates};
use pipeline::Signal;

use super::stage::Stage;
use ottl::{self, Client, Context, ErrorMode, Failures, Group, Groups, Prefix};

config::settings! {
    /// What is changed.
    pub struct Config {
        /// What becomes of a statement that fails for an item: ignore, silent or propagate.
        pub error_mode: ErrorMode = ErrorMode::by_default(&gates::TRANSFORM_IGNORES),
        /// Statements for spans, their events, scopes and resources.
        pub trace_statements: Groups<Statements> = Groups::default(),
        /// Statements for metrics, data points, scopes and resources.
        pub metric_statements: Groups<Statements> = Groups::default(),
        /// Statements for log records, scopes and resources.
        pub log_statements: Groups<Statements> = Groups::default(),
        /// Statements for profiles, scopes and resources.
        pub profile_statements: Groups<Statements> = Groups::default(),
        /// Whether each log record gets a resource and a scope of its own for its statements; needs the feature gate
        /// transform.flatten.logs.
        pub flatten_data: bool = false,
    }
}

config::settings! {
    /// Statements of one context.
    pub struct Statements {
        /// The context of paths that do not say theirs; without it every path says its own, and it is inferred.
        pub context: Option<Context> = None,
        /// When given, only items that one of them is true for are changed.
        pub conditions: Vec<String> = Vec::new(),
        /// The changes, in this order.
        pub statements: Vec<String> = Vec::new(),
        /// What becomes of failures here, if not the same as elsewhere.
        pub error_mode: Option<ErrorMode> = None,
    }
}

impl Rules for Statements {}

impl Group for Statements {
    // Plain statements may follow groups, as in the Collector.
    const MIXES: bool = true;
}

/// Where in a group something is wrong: which of its lists, the place in it, and what.
type Wrong = (&'static str, usize, String);

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.flatten_data && !gates::FLATTEN_LOGS.is_on() {
            let message = format!("needs --feature-gates={}", gates::FLATTEN_LOGS.id);
            decoder.at("flatten_data", |decoder| decoder.error(message));
        }
        for signal in Signal::ALL {
            let (key, groups) = self.of(signal);
            for (index, group) in groups.groups.iter().enumerate() {
                if let Err((list, place, message)) = group.compile(signal) {
                    let at = format!("{key}::{index}::{list}::{place}");
                    decoder.at(at, |decoder| decoder.error(message));
                }
            }
            if let Err((_, place, message)) = plain(groups).compile(signal) {
                let place = place + groups.groups.len();
                decoder.at(format!("{key}::{place}"), |decoder| decoder.error(message));
            }
        }
    }
}

fn plain(groups: &Groups<Statements>) -> Statements {
    Statements { statements: groups.plain.clone(), ..Statements::default() }
}

impl Config {
    fn of(&self, signal: Signal) -> (&'static str, &Groups<Statements>) {
        match signal {
            Signal::Traces => ("trace_statements", &self.trace_statements),
            Signal::Metrics => ("metric_statements", &self.metric_statements),
            Signal::Logs => ("log_statements", &self.log_statements),
            Signal::Profiles => ("profile_statements", &self.profile_statements),
        }
    }

    /// The groups of a signal in their order.
    ///
    /// # Errors
    /// What the rules would have found.
    pub fn stages(&self, signal: Signal, failures: &Failures) -> Result<Vec<Stage>, String> {
        let (_, groups) = self.of(signal);
        let mut all = groups.groups.clone();
        all.push(plain(groups));
        all.retain(|group| !group.statements.is_empty());
        let stage = |group: &Statements| {
            let (context, conditions, statements) = group.compile(signal).map_err(|(.., message)| message)?;
            Ok(Stage {
                context,
                conditions: conditions.into_iter().zip(group.conditions.iter().cloned()).collect(),
                statements: statements.into_iter().zip(group.statements.iter().cloned()).collect(),
                asks_for_client: Client::is_in(group.conditions.iter().chain(&group.statements)),
                error_mode: group.error_mode.unwrap_or(self.error_mode),
                failures: failures.clone(),
            })
        };
        all.iter().map(stage).collect()
    }
}

type Compiled = (Context, Vec<ottl::Condition>, Vec<ottl::Statement>);

impl Statements {
    fn compile(&self, signal: Signal) -> Result<Compiled, Wrong> {
        if self.statements.is_empty() {
            return Ok((Context::Resource, Vec::new(), Vec::new()));
        }
        let (context, prefix) = self.context(Context::of(signal), signal)?;
        let mut statements = Vec::with_capacity(self.statements.len());
        for (index, text) in self.statements.iter().enumerate() {
            let made = ottl::statement(text, context, prefix);
            statements.push(made.map_err(|fault| ("statements", index, fault.show(text)))?);
        }
        let mut conditions = Vec::with_capacity(self.conditions.len());
        for (index, text) in self.conditions.iter().enumerate() {
            let made = ottl::condition(text, context, prefix);
            conditions.push(made.map_err(|fault| ("conditions", index, fault.show(text)))?);
        }
        Ok((context, conditions, statements))
    }

    fn context(&self, candidates: &'static [Context], signal: Signal) -> Result<(Context, Prefix), Wrong> {
        match self.context {
            Some(context) if candidates.contains(&context) => return Ok((context, Prefix::Optional)),
            Some(context) => {
                let message = format!("context {} does not exist for {signal}", context.name());
                return Err(("statements", 0, message));
            }
            None => {}
        }
        let inferred = ottl::infer(candidates, &self.statements, &self.conditions);
        let context = inferred.map_err(|(index, fault)| match index.checked_sub(self.statements.len()) {
            None => ("statements", index, fault.show(&self.statements[index])),
            Some(index) => ("conditions", index, fault.show(&self.conditions[index])),
        })?;
        Ok((context, Prefix::Required))
    }
}
