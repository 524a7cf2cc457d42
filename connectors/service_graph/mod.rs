//! Makes metrics of who calls whom: spans of both sides of a request are one edge of a graph.
//!
//! ```yaml
//! service_graph:
//!   dimensions: [http.request.method]
//!   store: {ttl: 5s, max_items: 10000}
//!   metrics_flush_interval: 15s
//! ```
//!
//! A client's span and the server's span below it are an edge (a producer's and a consumer's, also one that links
//! to it: `connection_type` `messaging_system`); a client's span with the name of a database is one by itself (`database`). Edges are counted in
//! `traces_service_graph_request_total` and `traces_service_graph_request_failed_total`, their lengths are in
//! `traces_service_graph_request_server` and `traces_service_graph_request_client`, in seconds. An edge whose other side does not come within `ttl` is
//! counted in `otelcol_connector_servicegraph_expired_edges`; where the request came from outside or went to
//! something that is not traced, the other side is a virtual node: `user`, or what an attribute of `virtual_node_peer_attributes` says
//! (none of them: no virtual nodes).
//!
//! Memory is bounded: `max_items` edges wait, spans that find no room are counted in
//! `otelcol_connector_servicegraph_dropped_spans`, and 50,000 series, with one more for all others
//! (`kpulse_connector_overflow_items`). Series without an edge for 15 minutes are forgotten. At a stop metrics are handed
//! over once more; spans that still wait then are counted in `kpulse_connector_dropped_items`.

mod aggregate;
mod counts;
mod edge;
mod settings;
mod store;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use config::Decode;
use pipeline::component::{BuildContext, Factory, Stability, decode};
use pipeline::connector::{Connector, ConnectorConfig, ConnectorFactory, Outputs};
use pipeline::proto::{MetricsRequest, TracesRequest};
use pipeline::{Batch, BuildError, Next, Refused, Rejected, Signal, Stop, Tasks};
use tokio::time::{Duration, MissedTickBehavior, interval};

use crate::flush::{Flush, behind, flush_every};
use aggregate::Aggregate;
use counts::Counts;
pub use settings::Config;

/// Row of the connectors' table.
pub static FACTORY: ConnectorFactory = Factory {
    name: "service_graph",
    alias: Some("servicegraph"),
    signals: &[Signal::Traces],
    stability: Stability::Alpha,
    sample: "dimensions: [http.request.method]\nstore: {ttl: 5s, max_items: 10000}\nmetrics_flush_interval: 15s\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ConnectorConfig for Config {
    fn gives(&self, from: Signal) -> &'static [Signal] {
        match from {
            Signal::Traces => &[Signal::Metrics],
            _ => &[],
        }
    }

    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Connector>, BuildError> {
        let graph = Graph { aggregate: Mutex::new(Aggregate::new(self)), counts: Counts::new(&cx) };
        Ok(Arc::new(ServiceGraph { id: cx.id.to_string(), config: self.clone(), graph: Arc::new(graph) }))
    }
}

struct ServiceGraph {
    id: String,
    config: Config,
    graph: Arc<Graph>,
}

struct Graph {
    aggregate: Mutex<Aggregate>,
    counts: Counts,
}

impl Connector for ServiceGraph {
    fn edge(&self, _: Signal, outputs: Outputs, tasks: &mut Tasks) -> Next {
        let next = behind(&outputs);
        let at_once = self.config.metrics_flush_interval.is_zero();
        // Where each batch is handed over at once, only the rest at the stop is left.
        let every = if at_once { Duration::from_secs(3600) } else { self.config.metrics_flush_interval };
        let (graph, stop) = (self.graph.clone(), tasks.stop());
        tasks.spawn(self.id.clone(), flush_every(every, graph.clone(), next.clone(), stop));
        let expiry = expire(self.config.expiry(), self.config.cleaning(), graph.clone(), tasks.stop());
        tasks.spawn(format!("{} (expiry)", self.id), expiry);
        Next::from_fn(move |batch| {
            let (graph, next) = (graph.clone(), next.clone());
            async move {
                graph.take(batch)?;
                if at_once {
                    graph.flush(&next).await;
                }
                Ok(())
            }
        })
    }
}

impl Graph {
    fn take(&self, mut batch: Batch) -> Result<(), Rejected> {
        let read = batch.read::<TracesRequest>().map_err(|undecodable| Rejected::permanent(undecodable.to_string()))?;
        if let Some(request) = read {
            self.counts.saw(self.lock().add(request));
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Aggregate> {
        self.aggregate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flush for Graph {
    const OF: &'static str = "the service graph";

    fn metrics(&self) -> MetricsRequest {
        self.lock().flush()
    }

    fn refused(&self) -> &Refused {
        &self.counts.refused
    }
}

/// Forgets edges that waited long enough, and now and then series. At the stop what waits is given up.
async fn expire(every: Duration, cleaning: Duration, graph: Arc<Graph>, mut stop: Stop) {
    let (mut ticks, mut cleanings) = (interval(every), interval(cleaning));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    cleanings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                let tally = graph.lock().expire();
                graph.counts.saw(tally);
            }
            _ = cleanings.tick() => graph.lock().forget(),
            () = stop.requested() => break,
        }
    }
    let waiting = graph.lock().give_up();
    graph.counts.gave_up(waiting);
}
