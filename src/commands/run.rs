//! `kpulse --config ...`: runs until it is told to stop.

use std::time::Duration;

use pipeline::{Detail, Graph, ReloadError, Running, Settings, StartError, Stopped, TelemetrySettings};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Error;
use crate::cli::Sources;
use crate::logging::Logging;
use crate::own_metrics::Readers;
use crate::own_push::{OwnLogs, OwnTraces};
use crate::{configuration, process_metrics, speaker};

/// How long the end waits for blocking calls.
const LEAVE_BEHIND_AFTER: Duration = Duration::from_secs(1);

/// Starts everything, waits for a signal, drains.
pub fn run(sources: &Sources, unheeded: &[String]) -> Result<(), Error> {
    let loaded = configuration::read(sources)?;
    let instance_id = speaker::instance_id();
    let telemetry = &loaded.settings.service.telemetry;
    let logging = Logging::start(&telemetry.logs, &speaker::of(&instance_id, &telemetry.resource))?;
    let warnings = unheeded.iter().chain(&loaded.warnings).cloned().collect();
    let runtime = super::runtime()?;
    let served = runtime.block_on(serve(sources, loaded.settings, Own { instance_id, logging, warnings }));
    // A write that hangs on a dead disk must not keep the process.
    runtime.shutdown_timeout(LEAVE_BEHIND_AFTER);
    served
}

async fn serve(sources: &Sources, settings: Settings, own: Own) -> Result<(), Error> {
    let mut signals = Signals::new()?;
    let mut service = Service::start(sources, &settings, own).await?;
    service.watch(&mut signals).await?;
    tracing::info!("Starting shutdown...");
    let limit = service.running.settings().service.shutdown_timeout;
    // A second signal means that nobody wants to wait any longer.
    let stopped = tokio::select! {
        stopped = service.running.stop(limit) => stopped,
        name = signals.stop.received() => {
            tracing::warn!(signal = name, "second signal: what is not delivered yet is lost");
            return Ok(());
        }
    };
    service.traces.stop().await;
    service.readers.stop().await;
    match stopped {
        Stopped::Drained => tracing::info!("Shutdown complete."),
        Stopped::Late(tasks) => {
            tracing::error!(tasks, "shutdown_timeout is over: what these tasks held is lost, unless a storage keeps it")
        }
    }
    service.logs.stop(&service.own.logging).await;
    Ok(())
}

/// What the program is called and how it speaks.
struct Own {
    instance_id: String,
    logging: Logging,
    /// What the configuration was read with, not said yet.
    warnings: Vec<String>,
}

/// The pipelines, and what the program says of itself.
struct Service<'a> {
    sources: &'a Sources,
    own: Own,
    running: Running,
    readers: Readers,
    traces: OwnTraces,
    logs: OwnLogs,
}

impl<'a> Service<'a> {
    async fn start(sources: &'a Sources, settings: &Settings, own: Own) -> Result<Self, Error> {
        let about = &settings.service.telemetry;
        let telemetry = match about.metrics.level {
            Detail::Detailed => super::telemetry().detailed(),
            _ => super::telemetry(),
        };
        let telemetry = telemetry.of_instance(&own.instance_id);
        let mut logs = OwnLogs::new(&telemetry, &own.instance_id);
        logs.change(about, &own.logging).await?;
        for warning in &own.warnings {
            tracing::warn!("{warning}");
        }
        process_metrics::register(&telemetry);
        let graph = Graph::build(settings, &telemetry)?;
        let mut readers = Readers::new(&telemetry, &own.instance_id);
        readers.change(about).await?;
        let mut traces = OwnTraces::new(&telemetry, &own.instance_id);
        traces.change(about).await?;
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        tracing::info!(Version = env!("CARGO_PKG_VERSION"), NumCPU = cpus, "Starting kpulse...");
        let started = graph.start().await;
        let running = started.map_err(|StartError(e)| StartError(format!("cannot start pipelines: {e}")))?;
        tracing::info!("Everything is ready. Begin running and processing data.");
        Ok(Self { sources, own, running, readers, traces, logs })
    }

    /// Until a stop signal comes. A component that dies is reported, and the others go on.
    async fn watch(&mut self, signals: &mut Signals) -> Result<(), Error> {
        loop {
            tokio::select! {
                name = signals.stop.received() => {
                    tracing::info!(signal = name, "Received signal from OS");
                    return Ok(());
                }
                _ = signals.hangup.recv() => {
                    tracing::info!(signal = "hangup", "Received signal from OS");
                    self.reload().await?;
                }
                fault = self.running.fault() => tracing::error!(fault, "a component has stopped working"),
            }
        }
    }

    /// Reads the configuration again. What cannot be used is refused with every fault, and what runs goes on.
    async fn reload(&mut self) -> Result<(), Error> {
        // On another thread: a source may be a server that takes its time, and what runs goes on meanwhile.
        let sources = self.sources.clone();
        let reading = tokio::task::spawn_blocking(move || configuration::read(&sources));
        let loaded = match reading.await.map_err(|_| Error::Interrupted)? {
            Ok(loaded) => loaded,
            Err(error) => {
                for fault in error.to_string().lines() {
                    tracing::error!(error = fault, "Config not updated: what ran before goes on");
                }
                return Ok(());
            }
        };
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let Err(error) = self.change(&loaded.settings).await else {
            return Ok(());
        };
        tracing::error!(%error, "Config not updated: what ran before goes on");
        match error {
            Error::Reload(ReloadError::Down { .. }) => Err(error),
            _ => Ok(()),
        }
    }

    async fn change(&mut self, settings: &Settings) -> Result<(), Error> {
        let former = self.running.settings().service.telemetry.clone();
        let changed = self.change_to(settings).await;
        match &changed {
            Ok(reloaded) if reloaded.is_empty() => tracing::info!("Config is the same, nothing restarted"),
            Ok(reloaded) => {
                let (stopped, started) = (reloaded.stopped.join(" "), reloaded.started.join(" "));
                tracing::info!(stopped, started, "Config updated");
            }
            Err(_) => {
                self.speak(&former).await?;
                // The addresses that were free a moment ago.
                self.readers.change(&former).await?;
                self.traces.change(&former).await?;
            }
        }
        changed.map(drop)
    }

    async fn change_to(&mut self, settings: &Settings) -> Result<pipeline::Reloaded, Error> {
        self.speak(&settings.service.telemetry).await?;
        self.readers.change(&settings.service.telemetry).await?;
        self.traces.change(&settings.service.telemetry).await?;
        let limit = self.running.settings().service.shutdown_timeout;
        Ok(self.running.reload(settings, limit).await?)
    }
}

impl Service<'_> {
    /// Log lines and records as these settings want them.
    async fn speak(&mut self, settings: &TelemetrySettings) -> Result<(), StartError> {
        self.own.logging.change(&settings.logs, &speaker::of(&self.own.instance_id, &settings.resource))?;
        self.logs.change(settings, &self.own.logging).await
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
