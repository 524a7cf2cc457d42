//! kpulse takes the pulse of a Linux node: eBPF in, OpenTelemetry out.
//!
//! This is the command: it reads the configuration, puts the component tables together and runs the pipelines.

mod allocator;
mod cli;
mod commands;
mod components;
mod configuration;
mod flame;
mod logging;
mod own_metrics;
mod own_push;
mod process_metrics;
mod self_profile;
mod speaker;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

fn main() -> ExitCode {
    allocator::keep_freed_memory();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let unheeded: Vec<_> = cli.sources.feature_gates.iter().flat_map(|choices| choices.apply()).collect();
    let done = match cli.command {
        None => commands::run(&cli.sources, &unheeded),
        Some(Command::Validate) => commands::validate(&cli.sources),
        Some(Command::PrintConfig(how)) => commands::print_config(&cli.sources, how),
        Some(Command::Components) => commands::components(),
        Some(Command::Featuregate(which)) => commands::featuregate(which.id.as_deref()),
        Some(Command::Doctor(how)) => commands::doctor(how),
        Some(Command::Profile(how)) => commands::profile(how),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Help and version are answers; everything else is an error with exit code 1, as in the Collector.
fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        complain(error.to_string().trim_start_matches("error: ").trim_end());
        return ExitCode::FAILURE;
    }
    let _ = error.print();
    ExitCode::SUCCESS
}

fn complain(message: &str) {
    // Nothing is left to tell it to when standard error is closed.
    let _ = writeln!(std::io::stderr(), "Error: {message}");
}
