//! One connection, from the handshake to its end.

use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::hash::{BuildHasher, Hasher};
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::activity::Activity;
use super::{Caller, Handler};
use crate::listen::Stream;

/// A client that has not finished its handshake by then is sent away.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that is to end and has no request under way is given so long to take its last answer.
const LINGER: Duration = Duration::from_secs(1);
/// Long enough to mean never.
const NEVER: Duration = Duration::from_secs(86_400 * 365 * 30);

/// How connections are treated.
pub(crate) struct Connections {
    pub http: Builder<TokioExecutor>,
    /// Closed when nothing was under way for so long.
    pub idle: Option<Duration>,
    /// Closed to new requests when so old.
    pub age: Option<Duration>,
    /// Requests still under way so long after that are given up.
    pub grace: Option<Duration>,
}

impl Connections {
    /// Answers the requests of one connection until it ends.
    pub async fn serve(
        self: Arc<Self>,
        stream: Box<dyn Stream>,
        tls: Option<Arc<ServerConfig>>,
        caller: Arc<Caller>,
        handler: Arc<Handler>,
    ) {
        let Some(tls) = tls else {
            return self.answer(TokioIo::new(stream), caller, handler).await;
        };
        let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, TlsAcceptor::from(tls).accept(stream));
        match handshake.await {
            Ok(Ok(stream)) => self.answer(TokioIo::new(stream), caller, handler).await,
            // Who only looks whether the port is open says nothing and leaves.
            Ok(Err(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                tracing::debug!(peer = ?caller.address, %error, "TLS handshake failed");
            }
            Ok(Err(error)) => tracing::warn!(peer = ?caller.address, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(peer = ?caller.address, "TLS handshake timed out"),
        }
    }

    async fn answer(&self, io: impl Read + Write + Unpin + Send + 'static, caller: Arc<Caller>, handler: Arc<Handler>) {
        let activity = Activity::new();
        let service = {
            let (caller, activity) = (caller.clone(), activity.clone());
            service_fn(move |request: Request<Incoming>| {
                let busy = activity.begin();
                let answer = handler(request, &caller);
                async move {
                    let answer = answer.await;
                    drop(busy);
                    Ok::<_, Infallible>(answer)
                }
            })
        };
        let mut connection = pin!(self.http.serve_connection(io, service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            grace = self.closing(&caller, &activity) => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = activity.idle_for(LINGER) => Ok(()),
                    () = tokio::time::sleep(grace.unwrap_or(NEVER)) => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(peer = ?caller.address, error, "a connection broke");
        }
    }

    /// Waits for a reason to take no more requests. Returns how long those under way may go on, if that is limited.
    async fn closing(&self, caller: &Caller, activity: &Activity) -> Option<Duration> {
        tokio::select! {
            () = caller.server_stops() => None,
            () = activity.idle_for(self.idle.unwrap_or(NEVER)) => None,
            () = tokio::time::sleep(self.age.map_or(NEVER, spread)) => self.grace,
        }
    }
}

/// Ten per cent more or less, so that clients that came together do not come back together.
fn spread(age: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    age.mul_f64(0.9 + 0.2 * (random as f64 / u64::MAX as f64))
}
