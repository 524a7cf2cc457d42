//! The edge through the processors of a pipeline.

use std::sync::Arc;

use config::ComponentId;
use opentelemetry::KeyValue;

use crate::component::{Processor, Transform, Verdict};
use crate::own_spans::Detail;
use crate::{ItemCounter, Next, Signal, StartError, Tasks, Telemetry};

/// Starts `processors`, the last one first, and gives the edge into the first one; the last hands on to `end`.
///
/// # Errors
/// What a processor cannot do without.
pub(crate) async fn chain(
    processors: Vec<(ComponentId, Processor)>,
    end: Next,
    signal: Signal,
    telemetry: &Telemetry,
    tasks: &mut Tasks,
) -> Result<Next, StartError> {
    let mut next = end;
    for (id, processor) in processors.into_iter().rev() {
        next = match processor {
            Processor::Transform(transform) => {
                let started = transform.start(tasks).await;
                started.map_err(|e| StartError(format!("cannot start processor {id}: {e}")))?;
                through(transform, next, Counts::new(&id, signal, telemetry), id.to_string().into())
            }
            Processor::Wrap(wrap) => wrap(next, tasks),
        };
    }
    Ok(next)
}

#[derive(Clone)]
struct Counts {
    incoming: ItemCounter,
    outgoing: ItemCounter,
}

impl Counts {
    fn new(id: &ComponentId, signal: Signal, telemetry: &Telemetry) -> Self {
        let labels = vec![KeyValue::new("processor", id.to_string()), KeyValue::new("otel_signal", signal.name())];
        Self {
            incoming: telemetry.items(
                "otelcol_processor_incoming_items".into(),
                "Number of items passed to the processor.",
                labels.clone(),
            ),
            outgoing: telemetry.items(
                "otelcol_processor_outgoing_items".into(),
                "Number of items emitted from the processor.",
                labels,
            ),
        }
    }
}

/// An edge through a synchronous processor.
fn through(transform: Arc<dyn Transform>, next: Next, counts: Counts, id: Arc<str>) -> Next {
    Next::from_fn(move |batch| {
        counts.incoming.add(batch.items());
        let span = batch.origin().span.clone();
        let mark = |event| span.event(event, Detail::Text("processor", &id));
        mark("Start processing.");
        let verdict = transform.apply(batch);
        mark("End processing.");
        let (next, outgoing) = (next.clone(), counts.outgoing.clone());
        async move {
            match verdict {
                Verdict::Pass(batch) => {
                    outgoing.add(batch.items());
                    next.send(batch).await
                }
                Verdict::PassLater(batch, wait) => {
                    tokio::time::sleep(wait).await;
                    outgoing.add(batch.items());
                    next.send(batch).await
                }
                Verdict::Empty => Ok(()),
                Verdict::Reject(rejected) => Err(rejected),
            }
        }
    })
}
