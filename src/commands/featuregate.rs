//! `kpulse featuregate`: behaviour that `--feature-gates` switches.

use std::io::Write;

use config::gates::{ALL, Effect, Gate, find};

use super::Error;

/// Prints all gates, or one in full.
pub fn featuregate(id: Option<&str>) -> Result<(), Error> {
    let text = match id {
        None => table(),
        Some(id) => details(find(id).ok_or_else(|| Error::NoGate(id.to_owned()))?),
    };
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

fn table() -> String {
    let width = ALL.iter().map(|gate| gate.id.len()).max().unwrap_or_default();
    let row =
        |id: &str, enabled: &str, stage: &str, about: &str| format!("{id:width$}  {enabled:7}  {stage:5}  {about}\n");
    let rows = ALL.iter().map(|gate| row(gate.id, &gate.is_on().to_string(), gate.stage.name(), gate.about));
    std::iter::once(row("ID", "Enabled", "Stage", "Description")).chain(rows).collect()
}

fn details(gate: &Gate) -> String {
    let here = match gate.effect {
        Effect::Followed => "followed".to_owned(),
        Effect::AlwaysOn(why) => format!("always on: {why}"),
        Effect::AlwaysOff(why) => format!("always off: {why}"),
    };
    format!(
        "Feature: {}\nEnabled: {}\nStage: {}\nDescription: {}\nFrom Version: {}\nIn kpulse: {here}\n",
        gate.id,
        gate.is_on(),
        gate.stage.name(),
        gate.about,
        gate.since.unwrap_or("unknown"),
    )
}
