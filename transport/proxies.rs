//! Which proxy stands before which server: `proxy_url`, or `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` with Go's rules.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::Uri;

/// Which proxy stands before which server. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies(Arc<Rules>);

#[derive(Debug, Default)]
struct Rules {
    http: Option<Uri>,
    https: Option<Uri>,
    /// Named in the settings: nothing is excepted.
    is_always: bool,
    exceptions: Vec<Exception>,
}

/// One word of `NO_PROXY`.
#[derive(Debug, PartialEq)]
enum Exception {
    /// `*`
    All,
    /// Addresses that begin with so many bits of it.
    Network(u128, u32),
    /// One address, and its port if only that.
    Address(u128, Option<u16>),
    /// What ends with this, which begins with a dot; the rest alone as well, if `itself`.
    Domain { end: String, itself: bool, port: Option<u16> },
}

impl Proxies {
    /// One before every server.
    pub fn always(proxy: Uri) -> Self {
        let (http, https) = (Some(proxy.clone()), Some(proxy));
        Self(Arc::new(Rules { http, https, is_always: true, exceptions: Vec::new() }))
    }

    /// Those of the environment.
    pub fn of_environment() -> Self {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Those of these variables, where the capital name wins.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let one = |name: &str| {
            let names = [name.to_owned(), name.to_lowercase()];
            names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()))
        };
        let proxy = |name| one(name).and_then(|text| uri(name, &text));
        let words = one("NO_PROXY").unwrap_or_default();
        Self(Arc::new(Rules {
            http: proxy("HTTP_PROXY"),
            https: proxy("HTTPS_PROXY"),
            is_always: false,
            exceptions: words.split(',').filter_map(Exception::read).collect(),
        }))
    }

    /// The one before this server, if any; `is_secret` where it is spoken to by TLS or gRPC.
    pub fn before(&self, is_secret: bool, host: &str, port: u16) -> Option<&Uri> {
        let Rules { http, https, is_always, exceptions } = &*self.0;
        let proxy = if is_secret { https } else { http }.as_ref()?;
        let host = host.to_ascii_lowercase();
        let address = host.parse::<IpAddr>().ok();
        let is_local = host == "localhost" || address.is_some_and(|address| address.to_canonical().is_loopback());
        let is_excepted =
            || is_local || exceptions.iter().any(|exception| exception.holds(&host, address.map(bits), port));
        (*is_always || !is_excepted()).then_some(proxy)
    }
}

/// A URL, or `host:port`. What is neither is left out, as in Go, but not without a word.
fn uri(name: &str, text: &str) -> Option<Uri> {
    let whole = |text: &str| text.parse::<Uri>().ok().filter(|uri| uri.scheme().is_some() && uri.host().is_some());
    let uri = whole(text).or_else(|| whole(&format!("http://{text}")).filter(|_| !text.contains("://")));
    if uri.is_none() {
        tracing::warn!("{name} is not the URL of a proxy: no proxy is used");
    }
    uri
}

impl Exception {
    fn read(word: &str) -> Option<Self> {
        let word = word.trim().to_lowercase();
        if word == "*" {
            return Some(Self::All);
        }
        if let Some((base, length)) = network(&word) {
            return Some(Self::Network(base, length));
        }
        let (host, port) = match word.parse::<IpAddr>() {
            Ok(_) => (word.as_str(), None),
            Err(_) => match word.rsplit_once(':') {
                Some((host, port)) => (host, Some(port.parse().ok()?)),
                None => (word.as_str(), None),
            },
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = host.parse() {
            return Some(Self::Address(bits(address), port));
        }
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        match (host.is_empty(), host.starts_with('.')) {
            (true, _) => None,
            (false, true) => Some(Self::Domain { end: host.to_owned(), itself: false, port }),
            (false, false) => Some(Self::Domain { end: format!(".{host}"), itself: true, port }),
        }
    }

    fn holds(&self, host: &str, address: Option<u128>, at: u16) -> bool {
        match self {
            Self::All => true,
            Self::Network(base, length) => {
                address.is_some_and(|address| (address ^ base).checked_shr(128 - length).unwrap_or(0) == 0)
            }
            Self::Address(one, port) => address == Some(*one) && port.is_none_or(|port| port == at),
            Self::Domain { end, itself, port } => {
                let is_named = host.ends_with(end.as_str()) || (*itself && host == &end[1..]);
                address.is_none() && is_named && port.is_none_or(|port| port == at)
            }
        }
    }
}

/// `10.0.0.0/8`: the address, and how many bits of it count.
fn network(word: &str) -> Option<(u128, u32)> {
    let (base, length) = word.split_once('/')?;
    let (base, length) = (base.parse::<IpAddr>().ok()?, length.parse::<u32>().ok()?);
    let before = if base.is_ipv4() { 96 } else { 0 };
    (length <= 128 - before).then(|| (bits(base), before + length))
}

/// One form for both kinds of addresses: IPv4 as IPv6 has it.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::Proxies;

    fn proxies(variables: &'static [(&str, &str)]) -> Proxies {
        Proxies::read(|wanted| variables.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn https_and_http_have_proxies_of_their_own_and_capitals_win() {
        let proxies = proxies(&[("HTTP_PROXY", "a:1"), ("http_proxy", "b:1"), ("https_proxy", "http://me:pw@c:2")]);
        let of = |is_secret| proxies.before(is_secret, "far", 80).map(ToString::to_string);
        assert_eq!(of(false).as_deref(), Some("http://a:1/"));
        assert_eq!(of(true).as_deref(), Some("http://me:pw@c:2/"));
        assert!(Proxies::default().before(true, "far", 80).is_none());
    }

    #[test]
    fn exceptions_are_those_of_go() {
        const WORDS: &str =
            " Foo.com, .sub.org,*.star.net ,10.1.0.0/16,192.168.7.7, [fd00::1]:81,port.io:8080,fd01::/16,:9";
        let proxies = proxies(&[("HTTP_PROXY", "http://p:1"), ("NO_PROXY", WORDS)]);
        for (host, port, is_excepted) in [
            ("localhost", 80, true),
            ("127.9.9.9", 80, true),
            ("::1", 80, true),
            ("localhost.example", 80, false),
            ("FOO.com", 80, true),
            ("bar.foo.com", 80, true),
            ("barfoo.com", 80, false),
            ("x.sub.org", 80, true),
            ("sub.org", 80, false),
            ("x.star.net", 80, true),
            ("star.net", 80, false),
            ("10.1.255.1", 80, true),
            ("10.2.0.1", 80, false),
            ("::ffff:10.1.0.9", 80, true),
            ("192.168.7.7", 9, true),
            ("192.168.7.8", 9, false),
            ("fd00::1", 81, true),
            ("fd00::1", 82, false),
            ("fd01:2::3", 1, true),
            ("port.io", 8080, true),
            ("x.port.io", 8080, true),
            ("port.io", 80, false),
        ] {
            assert_eq!(proxies.before(false, host, port).is_none(), is_excepted, "{host}:{port}");
        }
    }

    #[test]
    fn a_star_excepts_everything_and_a_proxy_of_the_settings_nothing() {
        assert!(proxies(&[("HTTP_PROXY", "p:1"), ("no_proxy", "a,*")]).before(false, "far", 80).is_none());
        assert!(Proxies::always("http://p:1".parse().unwrap()).before(false, "localhost", 80).is_some());
    }

    #[test]
    fn what_is_no_url_is_no_proxy() {
        assert!(proxies(&[("HTTP_PROXY", "http://")]).before(false, "far", 80).is_none());
    }
}
