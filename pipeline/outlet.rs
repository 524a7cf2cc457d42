//! How receivers hand batches to the pipelines: waiting, or never waiting.

use std::sync::{Arc, OnceLock};

use opentelemetry::KeyValue;
use tokio::sync::mpsc;

use crate::own_spans::{Active, Span, Tracer, Who};
use crate::{Batch, ItemCounter, Next, Rejected, Signal, Tasks, Telemetry};

/// Batches that an [`Outlet::offer`] may have under way; more are refused and counted.
const OFFERED_AT_MOST: usize = 64;

/// The outlets of one receiver: one per signal that some pipeline takes from it.
#[derive(Clone, Debug, Default)]
pub struct Outlets(Vec<Way>);

/// The way from a receiver into the pipelines of one signal.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    id: String,
    signal: Signal,
    next: Next,
    offered: mpsc::Sender<(Batch, Counts)>,
    telemetry: Telemetry,
    outlet: OnceLock<Outlet>,
}

impl Outlets {
    pub(crate) fn push(&mut self, way: Way) {
        self.0.push(way);
    }

    /// One outlet, into `next`: what a receiver's own tests start it with.
    pub fn of(signal: Signal, next: Next, id: &str, telemetry: &Telemetry, forwarders: &mut Tasks) -> Self {
        Self(vec![Way::new(next, id, signal, telemetry, forwarders)])
    }

    /// The outlet of this signal, if a pipeline wants it.
    pub fn get(&self, signal: Signal) -> Option<&Outlet> {
        let way = self.way(signal)?;
        Some(way.outlet.get_or_init(|| way.outlet(None)))
    }

    /// The same for what comes over a network; `transport` becomes a label of its counts.
    pub fn over(&self, transport: &'static str, signal: Signal) -> Option<Outlet> {
        Some(self.way(signal)?.outlet(Some(transport)))
    }

    fn way(&self, signal: Signal) -> Option<&Way> {
        self.0.iter().find(|way| way.signal == signal)
    }
}

impl Way {
    /// `forwarders` gets the task that carries offered batches on; it ends when every outlet clone is gone.
    pub fn new(next: Next, id: &str, signal: Signal, telemetry: &Telemetry, forwarders: &mut Tasks) -> Self {
        let (offered, queue) = mpsc::channel(OFFERED_AT_MOST);
        forwarders.spawn(format!("{id} ({signal})"), forward(queue, next.clone()));
        Self { id: id.to_owned(), signal, next, offered, telemetry: telemetry.clone(), outlet: OnceLock::new() }
    }

    fn outlet(&self, transport: Option<&'static str>) -> Outlet {
        Outlet { next: self.next.clone(), counts: Counts::new(self, transport), offered: self.offered.clone() }
    }
}

/// Where a receiver puts the batches of one signal. What it accepted and refused is counted.
#[derive(Clone, Debug)]
pub struct Outlet {
    next: Next,
    counts: Counts,
    offered: mpsc::Sender<(Batch, Counts)>,
}

#[derive(Clone, Debug)]
struct Counts {
    tracer: Tracer,
    who: Arc<Who>,
    transport: Option<&'static str>,
    accepted: ItemCounter,
    refused: ItemCounter,
}

impl Outlet {
    /// Hands a batch over and waits for the answer. For receivers whose sender can wait.
    ///
    /// # Errors
    /// What the pipeline answered.
    pub async fn send(&self, batch: Batch) -> Result<(), Rejected> {
        self.counts.send(&self.next, batch).await
    }

    /// Hands a batch over without ever waiting. For receivers that the kernel feeds: what finds no place is
    /// counted as refused.
    pub fn offer(&self, batch: Batch) {
        use mpsc::error::TrySendError::{Closed, Full};
        if let Err(Full((batch, _)) | Closed((batch, _))) = self.offered.try_send((batch, self.counts.clone())) {
            self.counts.refused.add(batch.items());
        }
    }
}

impl Counts {
    fn new(way: &Way, transport: Option<&'static str>) -> Self {
        let items = way.signal.items();
        let mut labels = vec![KeyValue::new("receiver", way.id.clone())];
        labels.extend(transport.map(|transport| KeyValue::new("transport", transport)));
        let count =
            |what, about| way.telemetry.items(format!("otelcol_receiver_{what}_{items}"), about, labels.clone());
        // Always 0, as in the Collector unless a feature gate says otherwise: what a pipeline fails at counts as refused.
        count("failed", "Number of items that failed to be processed by the receiver.");
        Self {
            tracer: way.telemetry.tracer().clone(),
            who: Who::new(way.id.clone(), "receiver", way.signal),
            transport,
            accepted: count("accepted", "Number of items successfully pushed into the pipeline."),
            refused: count("refused", "Number of items that could not be pushed into the pipeline."),
        }
    }

    async fn send(&self, next: &Next, batch: Batch) -> Result<(), Rejected> {
        let items = batch.items();
        let span = self.begin(&batch);
        let answer = next.send(batch.under(&span)).await;
        let refused = answer.as_ref().err().map_or(0, |rejected| rejected.items(items));
        self.tell(
            span.span(),
            items.saturating_sub(refused),
            answer.as_ref().err().map(|rejected| (rejected, refused)),
        );
        self.accepted.add(items.saturating_sub(refused));
        if refused > 0 {
            self.refused.add(refused);
        }
        answer
    }
}

impl Counts {
    fn begin(&self, batch: &Batch) -> Active {
        let operation = match self.who.signal {
            Signal::Traces => "TraceDataReceived",
            Signal::Metrics => "MetricsReceived",
            Signal::Logs => "LogsReceived",
            Signal::Profiles => "ProfilesReceived",
        };
        self.tracer.begin(&self.who, || format!("receiver/{}/{operation}", self.who.id), &batch.origin().span)
    }

    fn tell(&self, span: &Span, accepted: u32, refused: Option<(&Rejected, u32)>) {
        if let Some(transport) = self.transport {
            span.say("transport", transport);
            span.say("format", "protobuf");
        }
        let count = |what, value| span.count(|| format!("{what}_{}", self.who.signal.items()), value);
        count("accepted", accepted);
        count("refused", refused.map_or(0, |(_, items)| items));
        count("failed", 0);
        if let Some((rejected, _)) = refused {
            span.fail(&rejected.reason);
        }
    }
}

async fn forward(mut queue: mpsc::Receiver<(Batch, Counts)>, next: Next) {
    while let Some((batch, counts)) = queue.recv().await {
        let items = batch.items();
        if let Err(rejected) = counts.send(&next, batch).await {
            // The kernel cannot be asked again: this is where such items end, and they are counted as refused.
            tracing::debug!(items, reason = %rejected, "items refused by the pipeline");
        }
    }
}
