//! The command line, named as the Collector's.

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Takes the pulse of a Linux node: kernel telemetry by eBPF, as OpenTelemetry.
#[derive(Debug, Parser)]
#[command(name = "kpulse", version, args_conflicts_with_subcommands = false)]
pub struct Cli {
    #[command(flatten)]
    pub sources: Sources,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Where the configuration comes from.
#[derive(Args, Debug)]
pub struct Sources {
    /// A configuration: a path, file:PATH, env:NAME or yaml:TEXT. Several are merged in order.
    #[arg(long, global = true, value_name = "SOURCE")]
    pub config: Vec<String>,
    /// One setting on top, e.g. --set exporters.debug.verbosity=detailed.
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Checks the configuration and builds the pipelines without starting them.
    Validate,
    /// Shows the configuration with every default filled in.
    #[command(alias = "print-initial-config")]
    PrintConfig(PrintConfig),
    /// Lists the components of this program.
    Components,
    /// Tries every probe on this kernel and says which hook is live, what is missing and why.
    Doctor(Doctor),
}

#[derive(Args, Debug)]
pub struct PrintConfig {
    /// Whether secrets are shown.
    #[arg(long, value_enum, default_value_t = Mode::Redacted)]
    pub mode: Mode,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Mode {
    Redacted,
    Unredacted,
}

#[derive(Args, Debug)]
pub struct Doctor {
    /// For people or for programs.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}
