//! Connections: TCP, with TLS where the URL says https.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tower::Service;

use crate::proxies::Proxies;
use crate::proxy;
use crate::tls::Reloading;

/// Go's dialer waits as long; an attempt has its own limit besides.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes connections.
#[derive(Clone)]
pub(crate) struct Connector {
    pub tls: Option<Arc<Reloading<ClientConfig>>>,
    pub server_name: Option<ServerName<'static>>,
    /// Who is connected to, whoever the requests name.
    pub to: Option<Arc<Uri>>,
    /// What connections go through.
    pub proxies: Proxies,
    /// Whether HTTP/2 is spoken from the first byte, as gRPC does: its proxies are those of HTTPS, and pass bytes on.
    pub is_grpc: bool,
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Stream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let stream = tokio::time::timeout(CONNECT_TIMEOUT, connector.connect(&uri)).await??;
            Ok(TokioIo::new(stream))
        })
    }
}

impl Connector {
    /// What stands before the server that a request names.
    fn proxy(&self, uri: &Uri) -> Option<&Uri> {
        let is_tls = uri.scheme_str() == Some("https");
        let to = self.to.as_deref().unwrap_or(uri);
        self.proxies.before(is_tls || self.is_grpc, bare(to), port(to, is_tls))
    }

    /// What a request says to a proxy that passes requests on, one by one.
    pub fn login(&self, uri: &Uri) -> Option<HeaderValue> {
        if self.is_grpc || uri.scheme_str() == Some("https") {
            return None;
        }
        self.proxy(uri).and_then(proxy::login)
    }

    async fn connect(self, uri: &Uri) -> io::Result<Stream> {
        let invalid = |message: String| io::Error::new(io::ErrorKind::InvalidInput, message);
        let is_tls = uri.scheme_str() == Some("https");
        let to = self.to.as_deref().unwrap_or(uri);
        let port = port(to, is_tls);
        let (tcp, is_passed_on) = match self.proxy(uri) {
            Some(proxy) if is_tls || self.is_grpc => (proxy::tunnel(proxy, bare(to), port).await?, false),
            Some(proxy) => (proxy::reach(proxy).await?, true),
            None => (TcpStream::connect((bare(to), port)).await?, false),
        };
        // Requests are written whole; waiting for more to fill a packet only delays them.
        tcp.set_nodelay(true)?;
        match self.tls.filter(|_| is_tls) {
            None if is_tls => Err(invalid("TLS is not set up".into())),
            None if is_passed_on => Ok(Stream::PassedOn(tcp)),
            None => Ok(Stream::Plain(tcp)),
            Some(tls) => {
                let name = match self.server_name {
                    Some(name) => name,
                    None => ServerName::try_from(bare(uri).to_owned()).map_err(|e| invalid(e.to_string()))?,
                };
                let stream = tokio_rustls::TlsConnector::from(tls.current()).connect(name, tcp).await?;
                Ok(Stream::Tls(Box::new(stream)))
            }
        }
    }
}

fn port(uri: &Uri, is_tls: bool) -> u16 {
    uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 })
}

/// The host, an IPv6 address without brackets.
fn bare(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

/// One connection.
pub(crate) enum Stream {
    Plain(TcpStream),
    /// To a proxy that is told the whole URL, and sends the request on.
    PassedOn(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        match self {
            Self::Tls(tls) if tls.get_ref().1.alpn_protocol() == Some(b"h2") => Connected::new().negotiated_h2(),
            Self::PassedOn(_) => Connected::new().proxy(true),
            _ => Connected::new(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) | Self::PassedOn(tcp) => Pin::new(tcp).poll_read(cx, into),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) | Self::PassedOn(tcp) => Pin::new(tcp).poll_write(cx, from),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, from),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) | Self::PassedOn(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) | Self::PassedOn(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
