//! Where a server listens.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use config::{Decoder, Rules};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream, lookup_host};

config::words! {
    /// What connections are made of.
    pub enum Network: "transport" {
        /// TCP over IPv4 and IPv6.
        Tcp = "tcp",
        /// TCP over IPv4.
        Tcp4 = "tcp4",
        /// TCP over IPv6.
        Tcp6 = "tcp6",
        /// A socket in the file system.
        Unix = "unix",
    }
}

config::settings! {
    /// Where a server listens.
    pub struct ListenSettings {
        /// host:port; without a host every address of the machine. The path of the socket when transport is unix.
        pub endpoint: String = String::new(),
        /// tcp, tcp4, tcp6 or unix.
        pub transport: Network = Network::Tcp,
        /// Taken from the Collector's files without effect: a server does not dial.
        pub dialer: DialerSettings = DialerSettings::default(),
    }
}

config::settings! {
    /// How connections are made.
    pub struct DialerSettings {
        /// Taken from the Collector's files without effect: a server does not dial.
        pub timeout: Duration = Duration::ZERO,
    }
}

impl Rules for DialerSettings {}

impl Rules for ListenSettings {
    fn rules(&self, decoder: &mut Decoder) {
        if let Err(message) = self.check() {
            decoder.at("endpoint", |d| d.error(message));
        }
    }
}

/// Why a server cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {endpoint}: {error}{hint}")]
pub struct ListenError {
    endpoint: String,
    error: io::Error,
    hint: &'static str,
}

impl ListenSettings {
    /// TCP at this address.
    pub fn tcp(endpoint: impl Into<String>) -> Self {
        Self { endpoint: endpoint.into(), ..Self::default() }
    }

    fn check(&self) -> Result<(), String> {
        if self.transport == Network::Unix {
            return if self.endpoint.is_empty() { Err("must be the path of a socket".into()) } else { Ok(()) };
        }
        let wrong = |why: &str| Err(format!("must be host:port, is {:?}: {why}", self.endpoint));
        match self.endpoint.rsplit_once(':') {
            None => wrong("there is no port"),
            Some((host, _)) if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) => {
                wrong("an IPv6 address needs brackets")
            }
            Some((host, _)) if host.contains('/') => wrong("a URL is not an address"),
            Some((_, port)) if port.parse::<u16>().is_err() => wrong("the port must be a number up to 65535"),
            Some(_) => Ok(()),
        }
    }

    /// Opens the port or socket.
    ///
    /// # Errors
    /// When it is in use, may not be used, or is none of this machine.
    pub async fn open(&self) -> Result<Listener, ListenError> {
        self.bind().await.map_err(|error| {
            let hint = match error.kind() {
                io::ErrorKind::AddrInUse => "; another program listens there, or another component of this pipeline",
                io::ErrorKind::PermissionDenied => "; ports below 1024 need root or CAP_NET_BIND_SERVICE",
                _ => "",
            };
            ListenError { endpoint: self.endpoint.clone(), error, hint }
        })
    }

    async fn bind(&self) -> io::Result<Listener> {
        if self.transport == Network::Unix {
            return bind_unix(Path::new(&self.endpoint)).await;
        }
        let (host, port) = self.endpoint.rsplit_once(':').unwrap_or((&self.endpoint, "0"));
        let port = port.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "there is no port"))?;
        let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address of this kind");
        for address in self.addresses(host, port).await? {
            match TcpListener::bind(address).await {
                Ok(listener) => return Ok(Listener::Tcp(listener)),
                // A machine without IPv6 has the first of the addresses that mean "every" only in its settings.
                Err(error) if host.is_empty() => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Those to try. Of a name's addresses the first of IPv4 is taken, or else the first, as Go does.
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let fits = |address: &SocketAddr| match self.transport {
            Network::Tcp4 => address.is_ipv4(),
            Network::Tcp6 => address.is_ipv6(),
            Network::Tcp | Network::Unix => true,
        };
        let every = [SocketAddr::from(([0_u16; 8], port)), SocketAddr::from(([0_u8; 4], port))];
        if host.is_empty() {
            return Ok(every.into_iter().filter(fits).collect());
        }
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<_> = lookup_host((host, port)).await?.filter(fits).collect();
        let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
        Ok(first.copied().into_iter().collect())
    }
}

/// A socket that a killed process left behind is in nobody's use.
async fn bind_unix(path: &Path) -> io::Result<Listener> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => match UnixStream::connect(path).await {
            Err(refused) if refused.kind() == io::ErrorKind::ConnectionRefused => {
                std::fs::remove_file(path)?;
                UnixListener::bind(path)
            }
            _ => Err(error),
        },
        bound => bound,
    }?;
    Ok(Listener::Unix(listener, SocketFile(path.to_owned())))
}

/// An open port or socket.
pub enum Listener {
    /// A port.
    Tcp(TcpListener),
    /// A socket and its file.
    Unix(UnixListener, SocketFile),
}

/// The file of a socket; removed with it.
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A connection before TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Listener {
    /// The address, if it is a port.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(..) => None,
        }
    }

    /// The next connection and who made it.
    pub(crate) async fn accept(&self) -> io::Result<(Box<dyn Stream>, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Answers are written whole; waiting for more to fill a packet only delays them.
                stream.set_nodelay(true)?;
                Ok((Box::new(stream), Some(peer)))
            }
            Self::Unix(listener, _) => Ok((Box::new(listener.accept().await?.0), None)),
        }
    }
}
