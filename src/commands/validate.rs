//! `kpulse validate`: silent when all is well.

use pipeline::Graph;

use super::Error;
use crate::cli::Sources;
use crate::configuration;

/// Decodes, checks and builds; opens nothing.
pub fn validate(sources: &Sources) -> Result<(), Error> {
    let loaded = configuration::read(sources)?;
    Graph::build(&loaded.settings, &super::telemetry())?;
    Ok(())
}
