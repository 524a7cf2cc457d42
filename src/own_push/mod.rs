//! What kpulse says of itself, pushed: own spans and own log records by `batch` or `simple`, and where all own
//! telemetry can be pushed to.

mod logs;
mod otlp;
mod scope;
mod sender;
mod target;
mod traces;

use std::time::Duration;

pub use logs::OwnLogs;
pub use target::Target;
pub use traces::OwnTraces;

/// What a sending under way may take at the stop.
const PATIENCE: Duration = Duration::from_secs(1);
