//! Tasks, stopping, draining.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, timeout_at};

use crate::Extensions;
use crate::delivery::Lost;
use crate::health::HealthReport;

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

/// Tells a task that it should finish. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Waits until the stop is requested.
    pub async fn requested(&mut self) {
        // A dropped sender means that nobody is left to ask: the same as a request.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// Whether it was requested.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }
}

/// The other end of a [`Stop`].
#[derive(Debug)]
pub(crate) struct StopSwitch(watch::Sender<bool>);

impl Default for StopSwitch {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl StopSwitch {
    /// A signal that this switch gives.
    pub fn stop(&self) -> Stop {
        Stop(self.0.subscribe())
    }

    fn request(&self) {
        self.0.send_replace(true);
    }
}

/// The tasks of one stage of the service. A task that panics or ends before it is told to is a fault.
#[derive(Debug, Default)]
pub struct Tasks {
    set: JoinSet<()>,
    /// A task that panics cannot tell its name any more.
    names: HashMap<Id, String>,
    stop: StopSwitch,
}

impl Tasks {
    /// Spawns a task under a name that logs can show.
    pub fn spawn(&mut self, name: impl Into<String>, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.set.spawn(task).id();
        self.names.insert(id, name.into());
    }

    /// The signal that tasks of this stage watch.
    pub fn stop(&self) -> Stop {
        self.stop.stop()
    }

    fn request_stop(&self) {
        self.stop.request();
    }

    /// The next task that ended, or never.
    async fn ended(&mut self) -> Ended {
        match self.set.join_next_with_id().await {
            Some(Ok((id, ()))) => Ended { name: self.name(id), panic: None },
            Some(Err(error)) => Ended { name: self.name(error.id()), panic: Some(error.to_string()) },
            None => std::future::pending().await,
        }
    }

    fn name(&mut self, id: Id) -> String {
        self.names.remove(&id).unwrap_or_default()
    }

    /// Waits for all tasks until `deadline`; then ends the rest. Returns how many had to be ended or panicked.
    async fn finish(&mut self, deadline: Instant) -> usize {
        let mut faults = 0;
        loop {
            match timeout_at(deadline, self.set.join_next()).await {
                Ok(None) => return faults,
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(error))) => {
                    tracing::error!(task = self.name(error.id()), %error, "a task panicked while draining");
                    faults += 1;
                }
                Err(_) => {
                    faults += self.set.len();
                    self.set.shutdown().await;
                    return faults;
                }
            }
        }
    }
}

struct Ended {
    name: String,
    panic: Option<String>,
}

/// How a shutdown went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Everything was drained in time.
    Drained,
    /// So many tasks were ended by the deadline, and what they held is lost.
    Late(usize),
}

/// The running service, stage by stage in flow order.
#[derive(Default)]
pub struct Running {
    pub(crate) receivers: Tasks,
    pub(crate) forwarders: Tasks,
    pub(crate) processors: Tasks,
    /// The consumers of the exporters' queues.
    pub(crate) consumers: Tasks,
    /// Ends the waits between attempts.
    pub(crate) retries: StopSwitch,
    pub(crate) lost: Vec<Lost>,
    pub(crate) exporter_tasks: Tasks,
    pub(crate) exporters: Vec<std::sync::Arc<dyn crate::component::Exporter>>,
    pub(crate) extension_tasks: Tasks,
    pub(crate) extensions: Extensions,
    pub(crate) health: HealthReport,
}

impl Running {
    /// Waits until a task ends that should not have, and says which. Call it again: the rest keeps running.
    pub async fn fault(&mut self) -> String {
        let ended = tokio::select! {
            // In flow order: a dead receiver also ends its forwarder, and the cause is to be named first.
            biased;
            ended = self.receivers.ended() => ended,
            ended = self.forwarders.ended() => ended,
            ended = self.processors.ended() => ended,
            ended = self.consumers.ended() => ended,
            ended = self.exporter_tasks.ended() => ended,
            ended = self.extension_tasks.ended() => ended,
        };
        let fault = match ended.panic {
            Some(panic) => format!("{} panicked: {panic}", ended.name),
            None => format!("{} ended early", ended.name),
        };
        self.health.fault(&fault);
        fault
    }

    /// Stops receivers first, then drains in flow order, extensions last, all within `limit`.
    pub async fn stop(mut self, limit: Duration) -> Stopped {
        let deadline = Instant::now() + limit;
        let mut faults = 0;
        self.health.stopping();
        // First of all: what waits for its next attempt would hold up everything before it.
        self.retries.request();
        for stage in [&mut self.receivers, &mut self.forwarders, &mut self.processors, &mut self.consumers] {
            stage.request_stop();
            faults += stage.finish(deadline).await;
        }
        self.lost.iter().for_each(Lost::report);
        for exporter in &self.exporters {
            if timeout_at(deadline, exporter.shutdown()).await.is_err() {
                faults += 1;
            }
        }
        self.exporter_tasks.request_stop();
        faults += self.exporter_tasks.finish(deadline).await;
        for (_, extension) in self.extensions.iter().rev() {
            if timeout_at(deadline, extension.shutdown()).await.is_err() {
                faults += 1;
            }
        }
        self.extension_tasks.request_stop();
        faults += self.extension_tasks.finish(deadline).await;
        if faults == 0 { Stopped::Drained } else { Stopped::Late(faults) }
    }
}
