//! Own log lines, on standard error.

use pipeline::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Crates that log what their callers report anyway, with less to go by.
const REPETITIVE: [&str; 2] = ["kube_client", "kube_runtime"];

/// From here on log lines are written.
pub fn start(level: Level) {
    let level = match level {
        Level::Debug => LevelFilter::DEBUG,
        Level::Info => LevelFilter::INFO,
        Level::Warn => LevelFilter::WARN,
        Level::Error => LevelFilter::ERROR,
    };
    let repetitive = if level == LevelFilter::DEBUG { level } else { LevelFilter::OFF };
    let targets = Targets::new().with_default(level).with_targets(REPETITIVE.map(|target| (target, repetitive)));
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .finish()
        .with(targets)
        .init();
}
