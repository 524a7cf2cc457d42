//! Feature gates: behaviour that the Collector switches by name (`--feature-gates=a,-b`), not by a setting.
//!
//! Every id of a Collector 0.155 with the components that kpulse has is known, so that a command line made for it is
//! taken. What a gate does here is in [`ALL`]; one that does nothing says so when it is asked for.

mod table;

pub use table::{
    ALL, APPENDING_MERGE, FILTER_IGNORES, FLATTEN_LOGS, NATIVE_COMPRESSION, NO_PIPELINES, OTELCOL_PATHS,
    SPANS_BY_CONVENTION, SPANS_IN_SECONDS, SPANS_WITH_INSTANCE, SPANS_WITHOUT_NAMESPACE, SPANS_WITHOUT_RESOURCE,
    TRANSFORM_IGNORES,
};

use std::sync::atomic::{AtomicBool, Ordering};

/// How settled a behaviour is in the Collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Off until it is asked for.
    Alpha,
    /// On until it is declined.
    Beta,
}

impl Stage {
    /// As the Collector writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alpha => "Alpha",
            Self::Beta => "Beta",
        }
    }
}

/// What a gate does in kpulse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is followed.
    Followed,
    /// What it names is always so; the text says why.
    AlwaysOn(&'static str),
    /// What it names is never so; the text says why.
    AlwaysOff(&'static str),
}

/// One gate.
#[derive(Debug)]
pub struct Gate {
    /// Its name in the Collector.
    pub id: &'static str,
    /// How settled it is there, which is also what it is when nobody says anything.
    pub stage: Stage,
    /// The Collector's version that brought it, if it tells.
    pub since: Option<&'static str>,
    /// What it is about.
    pub about: &'static str,
    /// What it does here.
    pub effect: Effect,
    chosen: AtomicBool,
}

impl Gate {
    /// Whether the behaviour is there.
    pub fn is_on(&self) -> bool {
        match self.effect {
            Effect::Followed => self.chosen.load(Ordering::Relaxed),
            Effect::AlwaysOn(_) => true,
            Effect::AlwaysOff(_) => false,
        }
    }
}

/// What one `--feature-gates` says: gates and whether they are wanted, in its order.
#[derive(Clone, Debug, Default)]
pub struct Choices(Vec<(&'static Gate, bool)>);

/// A `--feature-gates` that cannot be followed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum GateError {
    /// Nobody knows it.
    #[error("no such feature gate {id:?}{hint}; there are: {all}", hint = hint(id), all = ids().join(" "))]
    Unknown {
        /// As written, without its sign.
        id: String,
    },
    /// Nothing between two commas.
    #[error("an empty name in {0:?}: write --feature-gates=one,-another")]
    Empty(String),
}

fn ids() -> Vec<&'static str> {
    ALL.iter().map(|gate| gate.id).collect()
}

fn hint(id: &str) -> String {
    crate::nearest(id, ids()).map_or_else(String::new, |near| format!(" (did you mean {near:?}?)"))
}

impl std::str::FromStr for Choices {
    type Err = GateError;

    /// `a`, `+a` or `-a`, with commas between. Nothing at all is no choice.
    fn from_str(text: &str) -> Result<Self, GateError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        text.split(',').map(|word| choice(word, text)).collect::<Result<_, _>>().map(Self)
    }
}

fn choice(word: &str, whole: &str) -> Result<(&'static Gate, bool), GateError> {
    let (id, wanted) = match word.strip_prefix('-') {
        Some(id) => (id, false),
        None => (word.strip_prefix('+').unwrap_or(word), true),
    };
    if id.is_empty() {
        return Err(GateError::Empty(whole.into()));
    }
    Ok((find(id).ok_or_else(|| GateError::Unknown { id: id.into() })?, wanted))
}

/// The gate of this name.
pub fn find(id: &str) -> Option<&'static Gate> {
    ALL.iter().copied().find(|gate| gate.id == id)
}

impl Choices {
    /// Makes them so for the whole process; the last word on a gate counts. Returns what is worth a warning: gates that
    /// were asked for and stay as they are.
    pub fn apply(&self) -> Vec<String> {
        for (gate, wanted) in &self.0 {
            gate.chosen.store(*wanted, Ordering::Relaxed);
        }
        self.0.iter().filter_map(|(gate, wanted)| unheeded(gate, *wanted)).collect()
    }
}

fn unheeded(gate: &Gate, wanted: bool) -> Option<String> {
    match gate.effect {
        Effect::AlwaysOn(why) if !wanted => Some(format!("feature gate {} stays on: {why}", gate.id)),
        Effect::AlwaysOff(why) if wanted => Some(format!("feature gate {} stays off: {why}", gate.id)),
        _ => None,
    }
}
