//! Where own telemetry is pushed to.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use pipeline::component::Exporter;
use pipeline::{Batch, PushTarget, Rejected, Signal, StartError, Tasks, Telemetry};
use tokio::time::timeout;

use super::otlp;

/// An OTLP receiver, or standard output.
pub struct Target {
    /// None is standard output.
    exporter: Option<Arc<dyn Exporter>>,
    /// What it is called in log lines.
    pub name: String,
}

impl Target {
    /// Builds and starts the exporter.
    ///
    /// # Errors
    /// When it cannot be built or opened: which one, and why.
    pub async fn open(
        settings: &PushTarget,
        signal: Signal,
        telemetry: &Telemetry,
        tasks: &mut Tasks,
    ) -> Result<Self, StartError> {
        let Some(otlp) = &settings.otlp else { return Ok(Self { exporter: None, name: "standard output".into() }) };
        let name = otlp.url();
        let failed = |error: String| StartError(format!("cannot send own {} to {name}: {error}", signal.name()));
        let exporter = otlp::exporter(otlp, signal, telemetry).map_err(failed)?;
        exporter.start(tasks).await.map_err(|error| failed(error.to_string()))?;
        Ok(Self { exporter: Some(exporter), name })
    }

    /// Sends, within `limit`.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn send(&self, batch: Batch, limit: Duration) -> Result<(), Rejected> {
        match &self.exporter {
            Some(exporter) => {
                let answer = timeout(limit, exporter.send(batch)).await;
                answer.unwrap_or_else(|_| Err(Rejected::retryable("no answer in time")))
            }
            None => print(&batch),
        }
    }

    /// Nothing comes any more.
    pub async fn close(&self) {
        if let Some(exporter) = &self.exporter {
            exporter.shutdown().await;
        }
    }
}

fn print(batch: &Batch) -> Result<(), Rejected> {
    let mut line = Vec::new();
    batch.write_json(&mut line).map_err(|error| Rejected::permanent(error.to_string()))?;
    line.push(b'\n');
    std::io::stdout().write_all(&line).map_err(|error| Rejected::permanent(error.to_string()))
}
