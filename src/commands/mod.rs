//! One file per sub-command.

mod components;
mod doctor;
mod featuregate;
mod print_config;
mod profile;
mod run;
mod validate;

pub use components::components;
pub use doctor::doctor;
pub use featuregate::featuregate;
pub use print_config::print_config;
pub use profile::profile;
pub use run::run;
pub use validate::validate;

use std::sync::Arc;

/// What any command can fail with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Configuration(#[from] crate::configuration::Error),
    #[error("failed to build pipelines: {0}")]
    Build(#[from] pipeline::BuildError),
    #[error("{0}")]
    Start(#[from] pipeline::StartError),
    #[error(transparent)]
    Reload(#[from] pipeline::ReloadError),
    #[error("{0}")]
    Runtime(#[from] std::io::Error),
    #[error("{0}")]
    Print(#[from] config::Error),
    #[error("{0}")]
    Unavailable(#[from] ebpf::Unavailable),
    #[error("there is no feature gate {0:?}; kpulse featuregate lists them")]
    NoGate(String),
    #[error("the configuration could not be read to its end")]
    Interrupted,
    #[error(transparent)]
    Profile(#[from] profile::ProfileError),
}

/// A line for whoever started the command.
fn tell(line: &str) {
    use std::io::Write;
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Everything runs on one thread: a node agent should use a small part of one CPU.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build()
}

/// What this program says of itself, and how much memory it holds.
fn telemetry() -> pipeline::Telemetry {
    let telemetry = pipeline::Telemetry::new(env!("CARGO_PKG_VERSION"));
    telemetry.with_live_bytes(crate::allocator::live_bytes).with_profiler(Arc::new(crate::self_profile::SelfProfile))
}
