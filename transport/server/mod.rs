//! A server of HTTP/1.1 and HTTP/2, with or without TLS: what receivers and extensions answer requests with.
//!
//! At stop the listener closes, requests that are being worked on are answered, and connections on which nothing happens
//! are closed.

mod activity;
mod connection;
mod gather;
mod grpc;
mod http;
mod needs;
mod said;

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::rustls::ServerConfig;

use crate::tls::Reloading;
use crate::{Chunks, ListenError, ListenSettings, Listener, TlsError, pages};
use connection::Connections;

pub use gather::{GatherError, gather};
pub use grpc::{EnforcementPolicy, GrpcServerSettings, ServerKeepalive, ServerParameters};
pub use http::HttpServerSettings;
pub use needs::{Auth, Middleware};
pub use said::{Gate, Said, gated};

/// How long the next try to accept waits when descriptors or memory have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The answer to a request.
pub type Answering = Pin<Box<dyn Future<Output = Response<Chunks>> + Send>>;
/// Answers requests.
pub type Handler = dyn Fn(Request<Incoming>, &Arc<Caller>) -> Answering + Send + Sync;

/// Who sends requests over a connection.
#[derive(Debug)]
pub struct Caller {
    /// The address, if it is one of a network.
    pub address: Option<SocketAddr>,
    stopping: watch::Receiver<bool>,
}

impl Caller {
    /// Waits until the server begins to stop.
    pub async fn server_stops(&self) {
        let _ = self.stopping.clone().wait_for(|stopping| *stopping).await;
    }
}

/// Why a server cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The certificates.
    #[error("cannot serve TLS on {0}: {1}")]
    Tls(String, TlsError),
}

/// An open server, before it answers.
pub struct Server {
    listener: Listener,
    tls: Option<Arc<Reloading<ServerConfig>>>,
    connections: Connections,
}

impl Server {
    pub(crate) async fn open(
        listen: &ListenSettings,
        tls: Option<Result<Reloading<ServerConfig>, TlsError>>,
        connections: Connections,
    ) -> Result<Self, ServerError> {
        let tls = tls.transpose().map_err(|e| ServerError::Tls(listen.endpoint.clone(), e))?.map(Arc::new);
        Ok(Self { listener: listen.open().await?, tls, connections })
    }

    /// The address it listens on, if it is one of a network.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.address()
    }

    /// Answers requests until `stop`, and then those that are under way.
    pub async fn serve(self, handler: Arc<Handler>, stop: impl Future<Output = ()> + Send) {
        let Self { listener, tls, connections } = self;
        let (stopping, until) = watch::channel(false);
        let connections = Arc::new(connections);
        let mut open = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, address)) => {
                        let caller = Arc::new(Caller { address, stopping: until.clone() });
                        let tls = tls.as_ref().map(|tls| tls.current());
                        open.spawn(connections.clone().serve(stream, tls, caller, handler.clone()));
                    }
                    Err(error) if pages::is_final(&error) => {
                        tracing::error!(%error, "nobody can connect any more");
                        return;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = open.join_next() => {}
                () = &mut stop => break,
            }
        }
        drop(listener);
        stopping.send_replace(true);
        while open.join_next().await.is_some() {}
    }
}
