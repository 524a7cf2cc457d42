//! OTLP over gRPC and HTTP: what applications and other collectors send.
//!
//! ```yaml
//! otlp:
//!   protocols:
//!     grpc:
//!     http:
//! ```
//!
//! A protocol is on when it is named: gRPC on `localhost:4317`, HTTP on `localhost:4318`, all four signals, protobuf and
//! JSON, compressed or not. A request is checked for structure and passed on as it came, not decoded. Its answer is the
//! pipeline's: what may pass is UNAVAILABLE or 503, what will not is INTERNAL or 500, and the code of a server further on
//! is kept. Requests of a signal that no pipeline takes are UNIMPLEMENTED or 404. What a sender began is finished even
//! when it hangs up; it was not told, so it may send it again. With `auth`, who sends has to say who that is, in a way that
//! the named extension believes; others get UNAUTHENTICATED or 401, before anything of their request is read.

mod gate;
mod grpc;
mod http;
mod intake;
mod reading;
mod refusal;
mod response;
mod route;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use config::{Decode, Decoder, Rules, Section};
use pipeline::component::{BuildContext, Factory, Receiver, ReceiverConfig, ReceiverFactory, Stability, decode};
use pipeline::{BuildError, Outlets, Signal, StartError, Stop, Tasks};
use tokio::sync::mpsc;
use transport::{GrpcServerSettings, Handler, HttpServerSettings, ListenSettings, Server};

use gate::Gate;
use intake::Intake;

config::settings! {
    /// OTLP over gRPC and HTTP.
    pub struct Config {
        /// What is spoken; a protocol is on when it is named.
        pub protocols: Protocols = Protocols::default(),
    }
}

config::settings! {
    /// What is spoken.
    pub struct Protocols {
        /// OTLP over gRPC.
        pub grpc: Section<GrpcServerSettings> = Section::Off { null_turns_on: true, template: grpc_defaults() },
        /// OTLP over HTTP.
        pub http: Section<HttpProtocol> = Section::on_when_named(),
    }
}

config::settings! {
    /// OTLP over HTTP.
    pub struct HttpProtocol (pub server: HttpServerSettings = http_defaults()) {
        /// Where traces are sent to.
        pub traces_url_path: String = Signal::Traces.export_path().to_owned(),
        /// Where metrics are sent to.
        pub metrics_url_path: String = Signal::Metrics.export_path().to_owned(),
        /// Where logs are sent to.
        pub logs_url_path: String = Signal::Logs.export_path().to_owned(),
    }
}

fn grpc_defaults() -> GrpcServerSettings {
    let listen = ListenSettings::tcp("localhost:4317");
    GrpcServerSettings { listen, read_buffer_size: 512 * 1024, ..GrpcServerSettings::default() }
}

fn http_defaults() -> HttpServerSettings {
    use std::time::Duration;
    let listen = ListenSettings::tcp("localhost:4318");
    let [read_header_timeout, write_timeout, idle_timeout] = [Duration::ZERO; 3];
    HttpServerSettings { listen, read_header_timeout, write_timeout, idle_timeout, ..HttpServerSettings::default() }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.protocols.grpc.get().is_none() && self.protocols.http.get().is_none() {
            decoder.at("protocols", |d| d.error("must name at least one protocol: grpc or http"));
        }
    }
}

impl Rules for Protocols {}

impl Rules for HttpProtocol {
    fn rules(&self, decoder: &mut Decoder) {
        for (key, path) in [
            ("traces_url_path", &self.traces_url_path),
            ("metrics_url_path", &self.metrics_url_path),
            ("logs_url_path", &self.logs_url_path),
        ] {
            if path.is_empty() {
                decoder.at(key, |d| d.error("must not be empty"));
            }
        }
    }
}

/// Its row in the receivers' table.
pub static FACTORY: ReceiverFactory = Factory {
    name: "otlp",
    alias: None,
    signals: &Signal::ALL,
    stability: Stability::Alpha,
    sample: "protocols:\n  grpc:\n  http:\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ReceiverConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Box<dyn Receiver>, BuildError> {
        let Protocols { grpc, http } = &self.protocols;
        let gates = Gates {
            grpc: Gate::of(grpc.get().and_then(|grpc| grpc.auth.get()), &cx)?,
            http: Gate::of(http.get().and_then(|http| http.server.auth.get()), &cx)?,
        };
        Ok(Box::new(Otlp { config: self.clone(), cx, gates }))
    }
}

struct Otlp {
    config: Config,
    cx: BuildContext,
    gates: Gates,
}

/// Who is let in by each protocol.
struct Gates {
    grpc: Gate,
    http: Gate,
}

#[async_trait]
impl Receiver for Otlp {
    async fn start(self: Box<Self>, outlets: Outlets, tasks: &mut Tasks) -> Result<(), StartError> {
        let Protocols { grpc, http } = &self.config.protocols;
        // Both ports before the first request: one that cannot be had ends the start.
        let mut servers = Vec::new();
        if let Some(settings) = grpc.get() {
            let server = settings.open().await.map_err(|e| StartError(format!("grpc: {e}")))?;
            let (intake, jobs) = Intake::new(&outlets, "grpc", self.cx.telemetry.tracer());
            servers.push((server, grpc::handler(settings, self.gates.grpc.clone(), intake), jobs, "grpc"));
        }
        if let Some(settings) = http.get() {
            let server = settings.server.open().await.map_err(|e| StartError(format!("http: {e}")))?;
            let (intake, jobs) = Intake::new(&outlets, "http", self.cx.telemetry.tracer());
            servers.push((server, http::handler(settings, self.gates.http.clone(), intake), jobs, "http"));
        }
        for (server, handler, jobs, protocol) in servers {
            let id = &self.cx.id;
            if let Some(address) = server.address() {
                tracing::info!(receiver = %id, protocol, %address, "listening");
            }
            tasks.spawn(format!("{id} ({protocol})"), serve(server, handler, jobs, tasks.stop()));
        }
        Ok(())
    }
}

/// Until the stop, and then until the pipelines have answered everything that came in.
async fn serve(server: Server, handler: Arc<Handler>, mut jobs: mpsc::Receiver<()>, mut stop: Stop) {
    server.serve(handler, async move { stop.requested().await }).await;
    let _ = jobs.recv().await;
}
