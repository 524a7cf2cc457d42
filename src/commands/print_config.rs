//! `kpulse print-config`: the configuration with every default filled in.

use std::io::Write;

use config::{Secrets, to_yaml};

use super::Error;
use crate::cli::{Mode, PrintConfig, Sources};
use crate::configuration;

/// Prints YAML on standard output.
pub fn print_config(sources: &Sources, how: PrintConfig) -> Result<(), Error> {
    let secrets = match how.mode {
        Mode::Redacted => Secrets::Redacted,
        Mode::Unredacted => Secrets::Revealed,
    };
    let text = to_yaml(&configuration::read(sources)?.settings.encode(secrets))?;
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
