//! How a client keeps its connections.

use std::time::Duration;

use config::{Decoder, Rules, Section};

config::settings! {
    /// Pings of HTTP/2, which find out that the other side is gone.
    pub struct ClientKeepalive {
        /// A ping is sent when nothing came for so long.
        pub time: Duration = Duration::from_secs(10),
        /// The connection is closed when a ping is not answered within so long.
        pub timeout: Duration = Duration::from_secs(10),
        /// Whether pings are also sent while no request is under way.
        pub permit_without_stream: bool = false,
    }
}

impl Rules for ClientKeepalive {
    fn rules(&self, decoder: &mut Decoder) {
        for (key, time) in [("time", self.time), ("timeout", self.timeout)] {
            if time.is_zero() {
                decoder.at(key, |d| d.error("must be greater than 0"));
            }
        }
    }
}

config::settings! {
    /// Who says who this client is.
    pub struct ClientAuth {
        /// The extension that adds its word to each request.
        pub authenticator: String = String::new(),
    }
}

impl Rules for ClientAuth {
    fn rules(&self, decoder: &mut Decoder) {
        if self.authenticator.is_empty() {
            decoder.at("authenticator", |d| d.error("must name an extension"));
        }
    }
}

/// What a client does with its connections.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    /// Pings, if any.
    pub keepalive: Option<ClientKeepalive>,
    /// A connection without requests is closed after so long; `None` is never.
    pub idle_timeout: Option<Duration>,
    /// So many connections without requests are kept for each host; `None` is any number.
    pub idle_per_host: Option<usize>,
    /// Who is connected to, whoever the requests name.
    pub to: Option<hyper::Uri>,
    /// The proxy that every connection goes through; without one, those of the environment count.
    pub proxy: Option<hyper::Uri>,
}

impl Connections {
    /// Those with pings, if they are wanted.
    pub fn with_keepalive(keepalive: &Section<ClientKeepalive>) -> Self {
        Self { keepalive: keepalive.get().cloned(), ..Self::default() }
    }
}
