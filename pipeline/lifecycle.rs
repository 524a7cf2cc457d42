//! Tasks, stopping, draining.

use std::collections::HashMap;
use std::future::Future;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span};

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

    pub fn request(&self) {
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
    faults: Vec<String>,
    /// What log lines of these tasks say of their component.
    span: Option<Span>,
}

impl Tasks {
    /// Tasks whose log lines carry this span.
    pub(crate) fn of(span: Span) -> Self {
        Self { span: Some(span), ..Self::default() }
    }

    /// Spawns a task under a name that logs can show.
    pub fn spawn(&mut self, name: impl Into<String>, task: impl Future<Output = ()> + Send + 'static) {
        let id = match &self.span {
            Some(span) => self.set.spawn(task.instrument(span.clone())).id(),
            None => self.set.spawn(task).id(),
        };
        self.names.insert(id, name.into());
    }

    /// The signal that tasks of this stage watch.
    pub fn stop(&self) -> Stop {
        self.stop.stop()
    }

    /// Tells all to stop and waits for so long; then ends the rest.
    pub async fn end(mut self, limit: Duration) {
        self.request_stop();
        self.finish(Instant::now() + limit).await;
    }

    pub(crate) fn request_stop(&self) {
        self.stop.request();
    }

    /// The next task that ended although nobody told it to. Pending where there is none, too.
    pub(crate) fn poll_fault(&mut self, cx: &mut Context<'_>) -> Poll<String> {
        let Ended { name, panic } = ready!(self.poll_ended(cx));
        let fault = match panic {
            Some(panic) => format!("{name} panicked: {panic}"),
            None => format!("{name} ended early"),
        };
        self.faults.push(fault.clone());
        Poll::Ready(fault)
    }

    /// The next task that panicked, of those that may end whenever they are done.
    pub(crate) fn poll_panic(&mut self, cx: &mut Context<'_>) -> Poll<String> {
        loop {
            let Ended { name, panic } = ready!(self.poll_ended(cx));
            match panic {
                Some(panic) => return Poll::Ready(format!("{name} panicked: {panic}")),
                None => tracing::info!(task = name, "done"),
            }
        }
    }

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        Poll::Ready(match ready!(self.set.poll_join_next_with_id(cx)) {
            Some(Ok((id, ()))) => Ended { name: self.name(id), panic: None },
            Some(Err(error)) => Ended { name: self.name(error.id()), panic: Some(error.to_string()) },
            None => return Poll::Pending,
        })
    }

    /// The tasks that ended although nobody told them to.
    pub(crate) fn faults(&self) -> &[String] {
        &self.faults
    }

    fn name(&mut self, id: Id) -> String {
        self.names.remove(&id).unwrap_or_default()
    }

    /// Waits for all tasks until `deadline`; then ends the rest. Returns how many had to be ended or panicked.
    pub(crate) async fn finish(&mut self, deadline: Instant) -> usize {
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
