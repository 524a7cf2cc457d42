//! Requests and their responses as spans, seen from outside at both ends of a connection; and flows as metrics.
//!
//! ```yaml
//! ebpf_spans:
//!   protocols:
//!     http:
//!     tcp:
//!   connections:
//!   receive_stages:
//!     stack: true
//!   min_duration: 10ms
//!   rate: 1000
//!   burst: 2000
//!   ports: [80, 8000-8999]
//!   excluded_processes: [curl]
//!   flows:
//!     collection_interval: 10s
//! ```
//!
//! HTTP/1.x is told by its first bytes; `tcp` adds everything else that answers what it is sent. A `traceparent` in the
//! request is continued; without one, the client's and the server's span of a request still come into one trace.
//! `connections` adds a span for each connection that comes about, or does not. A span says how long what came in lay in
//! the receive queue (`linux.net.receive.queue.duration`), how long the network stack took to bring it there
//! (`linux.net.receive.stack.duration`) and how long the server had it before it began to answer
//! (`linux.net.application.duration`).
//!
//! In a metrics pipeline, `flows` are bytes, retransmits, connections and round-trip times by peer and server port, folded
//! in the kernel in a table of fixed size. What finds no room there counts for one flow of all others, with
//! `otel.metric.overflow`.

mod config;
mod flows;
mod http;
mod ids;
mod ports;
mod spans;
mod template;
#[cfg(test)]
mod tests;
mod watching;

use ::config::Decode;
use async_trait::async_trait;
use ebpf::sockets::Sockets;
use pipeline::component::{BuildContext, Factory, Receiver, ReceiverConfig, ReceiverFactory, Stability, decode};
use pipeline::{BuildError, Outlets, Signal, StartError, Tasks};

use crate::containers::Containers;
use crate::kernel::SharedKernel;
pub use config::Config;
use watching::Watching;

/// Its row in the receivers' table.
pub static FACTORY: ReceiverFactory = Factory {
    name: "ebpf_spans",
    alias: None,
    signals: &[Signal::Traces, Signal::Metrics],
    stability: Stability::Alpha,
    sample: "protocols:\n  http:\n  tcp:\nconnections:\nreceive_stages:\n  stack: true\nmin_duration: 10ms\nrate: 1000\nburst: 2000\nports: [80, 8000-8999]\nexcluded_processes: [curl]\nflows:\n  collection_interval: 10s\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ReceiverConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Box<dyn Receiver>, BuildError> {
        Ok(Box::new(EbpfSpans { config: self.clone(), kernel: SharedKernel::share(), cx }))
    }
}

struct EbpfSpans {
    config: Config,
    kernel: SharedKernel,
    cx: BuildContext,
}

#[async_trait]
impl Receiver for EbpfSpans {
    async fn start(self: Box<Self>, outlets: Outlets, tasks: &mut Tasks) -> Result<(), StartError> {
        let (traces, metrics) = (outlets.get(Signal::Traces), outlets.get(Signal::Metrics));
        self.config.gives(traces.is_some(), metrics.is_some())?;
        let id = self.cx.id.to_string();
        let settings = self.config.settings(traces.is_some(), metrics.is_some());
        let probe = self.kernel.open(&id, "sockets", |kernel| Sockets::open(kernel, &settings))?;
        let containers = Containers::share(&self.kernel, &self.cx, tasks)?;
        let watching = probe.map(|probe| Watching::new(probe, containers, &self.config, &self.cx, traces, metrics));
        let mut stop = tasks.stop();
        // The receiver lives even if its probe does not, so that its end is not taken for a fault.
        tasks.spawn(id, async move {
            match watching {
                Some(watching) => watching.run(stop).await,
                None => stop.requested().await,
            }
        });
        Ok(())
    }
}
