//! `tracestate`, with what OpenTelemetry keeps in it: `ot=rv:...;th:...`.

use std::fmt::{self, Display};

use super::members::{is_key, is_own_key, is_own_value, is_value};
use super::{Malformed, Randomness, State, Threshold};

/// As many bytes a list may have.
const MOST_BYTES: usize = 1024;
/// A list of this many members is too long for the Collector.
const TOO_MANY: usize = 32;

/// A trace state: what OpenTelemetry says in it, and what others do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TraceState {
    /// Randomness and threshold.
    pub state: State,
    own: Vec<(String, String)>,
    others: Vec<(String, String)>,
}

impl TraceState {
    /// Reads the text of a span.
    ///
    /// # Errors
    /// It is too long or not of the form.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.len() > MOST_BYTES {
            return Err(Malformed::TooLong);
        }
        let mut read = Self::default();
        if text.is_empty() {
            return Ok(read);
        }
        // A comma at the end has nothing behind it.
        let members = text.strip_suffix(',').unwrap_or(text).split(',');
        for (index, member) in members.enumerate() {
            let member = member.trim_matches([' ', '\t']);
            if index + 1 >= TOO_MANY {
                return Err(Malformed::TooLong);
            }
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=').ok_or(Malformed::Syntax)?;
            match (is_key(key) && is_value(value), key) {
                (false, _) => return Err(Malformed::Syntax),
                (true, "ot") => read.own(value)?,
                (true, _) => read.others.push((key.to_owned(), value.to_owned())),
            }
        }
        Ok(read)
    }

    fn own(&mut self, list: &str) -> Result<(), Malformed> {
        (self.state, self.own) = (State::default(), Vec::new());
        for member in list.split(';') {
            let (key, value) = member.split_once(':').ok_or(Malformed::Syntax)?;
            match (is_own_key(key) && is_own_value(value), key) {
                (false, _) => return Err(Malformed::Syntax),
                (true, "rv") => self.state.randomness = Some(Randomness::parse(value)?),
                (true, "th") => self.state.threshold = Some(Threshold::parse(value)?),
                (true, _) => self.own.push((key.to_owned(), value.to_owned())),
            }
        }
        Ok(())
    }

    /// The same with another randomness and threshold.
    pub fn with(self, state: State) -> Self {
        Self { state, ..self }
    }
}

/// What is said under a key in the text of a span; nothing where the text is not of the form.
pub fn member<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let members = text.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty());
    let mut found = None;
    for (index, member) in members.enumerate() {
        let (name, value) = member.split_once('=').filter(|(name, value)| is_key(name) && is_value(value))?;
        if index >= TOO_MANY {
            return None;
        }
        if name == key {
            found = Some(value);
        }
    }
    found
}

impl Display for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let randomness = self.state.randomness.map(|randomness| format!("rv:{}", randomness.text()));
        let threshold = self.state.threshold.map(|threshold| format!("th:{}", threshold.text()));
        let rest = self.own.iter().map(|(key, value)| format!("{key}:{value}"));
        let own: Vec<_> = randomness.into_iter().chain(threshold).chain(rest).collect();
        let own = Some(own).filter(|own| !own.is_empty()).map(|own| format!("ot={}", own.join(";")));
        let others = self.others.iter().map(|(key, value)| format!("{key}={value}"));
        f.write_str(&own.into_iter().chain(others).collect::<Vec<_>>().join(","))
    }
}
