//! From wire bytes into the pipelines.

use std::sync::Arc;

use bytes::Bytes;
use pipeline::own_spans::{Span, Tracer};
use pipeline::{Batch, Code, Origin, Outlet, Outlets, Rejected, RejectedKind, Signal};
use tokio::sync::mpsc;
use transport::HeaderMap;

use super::refusal::Refusal;

/// The pipelines behind one protocol.
pub struct Intake {
    outlets: Vec<(Signal, Outlet)>,
    /// Each request on its way holds a clone, so that the stop can wait for the last.
    job: mpsc::Sender<()>,
    tracer: Tracer,
}

/// What was taken, but not all of.
#[derive(Debug, Default, PartialEq)]
pub struct Partly {
    /// So many items were not taken and never will be.
    pub rejected: u32,
    /// Why.
    pub message: String,
}

impl Intake {
    /// The other end yields when the intake is gone and the last request was answered.
    pub fn new(outlets: &Outlets, transport: &'static str, tracer: &Tracer) -> (Self, mpsc::Receiver<()>) {
        let (job, jobs) = mpsc::channel(1);
        let outlet = |signal| Some((signal, outlets.over(transport, signal)?));
        (Self { outlets: Signal::ALL.into_iter().filter_map(outlet).collect(), job, tracer: tracer.clone() }, jobs)
    }

    /// The span that a request's sender has it in.
    pub fn span(&self, headers: &HeaderMap) -> Span {
        self.tracer.sender(|| headers.get("traceparent")?.to_str().ok().map(str::to_owned))
    }

    /// Whether a pipeline takes this signal.
    pub fn takes(&self, signal: Signal) -> bool {
        self.outlets.iter().any(|(taken, _)| *taken == signal)
    }

    /// Hands one request over and waits for the answer, but not beyond the sender's deadline.
    ///
    /// # Errors
    /// Damage, and what the pipeline answered.
    pub async fn take(&self, signal: Signal, wire: Bytes, origin: Origin) -> Result<Partly, Refusal> {
        let deadline = origin.deadline;
        let batch = Batch::received(signal, wire, Arc::new(origin)).map_err(Refusal::malformed)?;
        let found = self.outlets.iter().find(|(taken, _)| *taken == signal);
        // Nothing in it is nothing to do.
        let Some((_, outlet)) = found.filter(|_| batch.items() > 0) else { return Ok(Partly::default()) };
        let (outlet, job) = (outlet.clone(), self.job.clone());
        // A task of its own: a sender that hangs up must not leave a batch half way.
        let sending = tokio::spawn(async move {
            let answer = outlet.send(batch).await;
            drop(job);
            answer
        });
        let answer = match deadline {
            None => sending.await,
            Some(deadline) => match tokio::time::timeout_at(deadline.into(), sending).await {
                Ok(answer) => answer,
                Err(_) => return Err(Refusal::new(Code::DeadlineExceeded, "the pipeline did not answer in time")),
            },
        };
        answer.unwrap_or_else(|error| Err(broken(&error))).map_or_else(judge, |()| Ok(Partly::default()))
    }
}

fn broken(error: &tokio::task::JoinError) -> Rejected {
    tracing::error!(%error, "the pipeline broke on a request");
    Rejected { code: Some(Code::Internal), ..Rejected::permanent("the pipeline broke on this request") }
}

/// A part that will never be taken is told in the answer; a part that may be taken later is asked for with the whole.
fn judge(rejected: Rejected) -> Result<Partly, Refusal> {
    match (&rejected.rest, rejected.kind) {
        (Some(rest), RejectedKind::Permanent) => {
            Ok(Partly { rejected: rest.items(), message: rejected.reason.into_owned() })
        }
        _ => Err(Refusal::from(rejected)),
    }
}
