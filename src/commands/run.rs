//! `kpulse --config ...`: runs until it is told to stop.

use std::time::Duration;

use pipeline::{Graph, Running, Settings, StartError, Stopped, Tasks};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Error;
use crate::cli::Sources;
use crate::{configuration, logging, own_metrics, process_metrics};

/// How long the end waits for blocking calls.
const LEAVE_BEHIND_AFTER: Duration = Duration::from_secs(1);

/// Starts everything, waits for a signal, drains.
pub fn run(sources: &Sources) -> Result<(), Error> {
    let loaded = configuration::read(sources)?;
    logging::start(loaded.settings.service.telemetry.logs.level);
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = super::runtime()?;
    let served = runtime.block_on(serve(loaded.settings));
    // A write that hangs on a dead disk must not keep the process.
    runtime.shutdown_timeout(LEAVE_BEHIND_AFTER);
    served
}

async fn serve(settings: Settings) -> Result<(), Error> {
    let mut signals = Signals::new()?;
    let telemetry = super::telemetry();
    process_metrics::register(&telemetry);
    let graph = Graph::build(&settings, &telemetry)?;
    let readers = &settings.service.telemetry.metrics.readers;
    let address = |reader: &pipeline::Reader| {
        let prometheus = &reader.pull.exporter.prometheus;
        format!("{}:{}", prometheus.host, prometheus.port)
    };
    let mut own = Tasks::default();
    own_metrics::start(&readers.iter().map(address).collect::<Vec<_>>(), &telemetry, &mut own).await?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "Starting kpulse...");
    let mut running =
        graph.start().await.map_err(|StartError(e)| StartError(format!("cannot start pipelines: {e}")))?;
    tracing::info!("Everything is ready. Begin running and processing data.");
    watch(&mut running, &mut signals).await;
    tracing::info!("Starting shutdown...");
    // A second signal means that nobody wants to wait any longer.
    let stopped = tokio::select! {
        stopped = running.stop(settings.service.shutdown_timeout) => stopped,
        name = signals.stop.received() => {
            tracing::warn!(signal = name, "second signal: what is not delivered yet is lost");
            return Ok(());
        }
    };
    match stopped {
        Stopped::Drained => tracing::info!("Shutdown complete."),
        Stopped::Late(tasks) => tracing::error!(tasks, "shutdown_timeout is over: what these tasks held is lost"),
    }
    Ok(())
}

/// Until a stop signal comes. A component that dies is reported, and the others go on.
async fn watch(running: &mut Running, signals: &mut Signals) {
    loop {
        tokio::select! {
            name = signals.stop.received() => {
                tracing::info!(signal = name, "Received signal from OS");
                return;
            }
            _ = signals.hangup.recv() => tracing::warn!("SIGHUP: the configuration is read at start only; restart to change it"),
            fault = running.fault() => tracing::error!(fault, "a component has stopped working"),
        }
    }
}

struct Signals {
    stop: StopSignals,
    hangup: Signal,
}

struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            stop: StopSignals {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            },
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

impl StopSignals {
    async fn received(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "terminated",
            _ = self.interrupt.recv() => "interrupt",
        }
    }
}
