//! The command line, named as the Collector's.

use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use config::gates::Choices;
use ebpf::profile::MAX_FREQUENCY_HZ;

use crate::flame::Output;

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
#[derive(Args, Clone, Debug)]
pub struct Sources {
    /// A configuration: a path, file:PATH, env:NAME, yaml:TEXT or an http(s) URL. Several are merged in order.
    #[arg(long, global = true, value_name = "SOURCE")]
    pub config: Vec<String>,
    /// One setting on top, e.g. --set exporters.debug.verbosity=detailed.
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Feature gates: +NAME or NAME for on, -NAME for off, with commas between; `kpulse featuregate` lists them.
    #[arg(long, global = true, value_name = "GATES", allow_hyphen_values = true)]
    pub feature_gates: Vec<Choices>,
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
    /// Lists feature gates, or tells one.
    Featuregate(Featuregate),
    /// Tries every probe on this kernel and says which hook is live, what is missing and why.
    Doctor(Doctor),
    /// Samples what runs on the CPUs and writes a flame graph, a pprof profile or folded stacks.
    Profile(Profile),
}

#[derive(Args, Debug)]
pub struct Profile {
    /// How long, e.g. 10s or 1m30s.
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub duration: Duration,
    /// Only this process.
    #[arg(long)]
    pub pid: Option<u32>,
    /// Samples a second on each CPU.
    #[arg(long, default_value_t = 99, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_FREQUENCY_HZ)))]
    pub frequency: u32,
    /// The file: NAME.svg is a flame graph, NAME.pb.gz (or .pprof) pprof, NAME.folded one line per stack; - prints these.
    #[arg(short, long, value_name = "FILE")]
    pub output: Output,
}

/// As durations stand in a configuration.
fn duration(text: &str) -> Result<Duration, String> {
    match config::parse_duration(text)? {
        Duration::ZERO => Err("must be greater than zero".into()),
        duration => Ok(duration),
    }
}

#[derive(Args, Debug)]
pub struct PrintConfig {
    /// Whether secrets are shown.
    #[arg(long, value_enum, default_value_t = Mode::Redacted)]
    pub mode: Mode,
}

#[derive(Args, Debug)]
pub struct Featuregate {
    /// Only this one, in full.
    #[arg(value_name = "FEATURE-ID")]
    pub id: Option<String>,
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
