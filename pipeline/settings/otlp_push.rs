//! An OTLP receiver of what this program says of itself.

use config::{Decode, Decoder, FieldDoc, Node, Opaque, Rules, Secrets, Value, unescaped};
use indexmap::IndexMap;

config::settings! {
    /// An OTLP receiver of own metrics.
    pub struct OtlpPush {
        /// grpc, http/protobuf or http/json.
        pub protocol: Protocol = Protocol::HttpProtobuf,
        /// Its address. Without a scheme it is https, or http if insecure.
        pub endpoint: String = String::new(),
        /// Headers that go with every request, as a list of name and value, or a map.
        pub headers: Headers = Headers::default(),
        /// More headers, as `name=value,name=value` with values as in URLs (`%20`); headers win over them.
        pub headers_list: Opaque = Opaque::default(),
        /// Whether to speak without TLS.
        pub insecure: bool = false,
        /// PEM file with the certificates to trust.
        pub certificate: String = String::new(),
        /// PEM file with the client's certificate.
        pub client_certificate: String = String::new(),
        /// PEM file with the client's key.
        pub client_key: String = String::new(),
        /// gzip or none.
        pub compression: String = "none".into(),
        /// Milliseconds that a request may take.
        pub timeout: u32 = 10_000,
    }
}

impl OtlpPush {
    /// The endpoint with its scheme.
    pub fn url(&self) -> String {
        match (self.endpoint.contains("://"), self.insecure) {
            (true, _) => self.endpoint.clone(),
            (false, true) => format!("http://{}", self.endpoint),
            (false, false) => format!("https://{}", self.endpoint),
        }
    }

    /// The headers of both lists, by name.
    pub fn all_headers(&self) -> IndexMap<String, String> {
        let listed = self.listed().unwrap_or_default();
        let named = self.headers.0.iter().map(|header| (header.name.clone(), header.value.reveal().to_owned()));
        listed.into_iter().chain(named).collect()
    }

    /// `headers_list`, or what in it cannot be read.
    fn listed(&self) -> Result<Vec<(String, String)>, String> {
        let list = self.headers_list.reveal().split(',').map(str::trim).filter(|member| !member.is_empty());
        list.map(|member| {
            let pair = member.split(';').next().and_then(|pair| pair.split_once('='));
            let (name, value) = pair.ok_or("must be like name=value,name=value")?;
            let value = unescaped(value.trim()).ok_or_else(|| format!("the value of {:?} has a bad %", name.trim()))?;
            Ok((name.trim().to_owned(), value))
        })
        .collect()
    }
}

impl Rules for OtlpPush {
    fn rules(&self, decoder: &mut Decoder) {
        if self.endpoint.is_empty() {
            decoder.at("endpoint", |d| d.error("must be set"));
        }
        if !["none", "gzip", ""].contains(&self.compression.as_str()) {
            decoder.at("compression", |d| d.unknown("compression", &self.compression, &["gzip", "none"]));
        }
        if let Err(fault) = self.listed() {
            decoder.at("headers_list", |d| d.error(fault));
        }
    }
}

config::settings! {
    /// A header.
    pub struct Header {
        /// Its name.
        pub name: String = String::new(),
        /// Its value.
        pub value: Opaque = Opaque::default(),
    }
}

impl Rules for Header {}

/// Headers as a list of name and value or, as in older files, as a map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Headers(Vec<Header>);

impl Decode for Headers {
    const FIELDS: &'static [FieldDoc] = Header::FIELDS;

    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        let Value::Map(map) = &node.value else {
            return Self(Vec::decode(node, default.0, decoder));
        };
        let header = |(name, node): (&String, &Node)| {
            let value = decoder.at(name, |d| d.value(node, Opaque::default()));
            Header { name: name.clone(), value }
        };
        let mut headers: Vec<_> = map.iter().map(header).collect();
        // A map has no order; shown in that of their names.
        headers.sort_by(|one, other| one.name.cmp(&other.name));
        Self(headers)
    }

    fn encode(&self, secrets: Secrets) -> Node {
        self.0.encode(secrets)
    }
}

config::words! {
    /// How OTLP travels.
    pub enum Protocol: "protocol" {
        /// gRPC.
        Grpc = "grpc",
        /// Protobuf over HTTP.
        HttpProtobuf = "http/protobuf",
        /// JSON over HTTP.
        HttpJson = "http/json",
    }
}

#[cfg(test)]
mod tests {
    use config::Opaque;

    use super::{Header, Headers, OtlpPush};

    #[test]
    fn headers_win_over_the_list_whose_values_are_unescaped() {
        let headers = Headers(vec![Header { name: "b".into(), value: Opaque::new("2") }]);
        let push = OtlpPush { headers, headers_list: Opaque::new("a = x%20y;p=1, b=1"), ..OtlpPush::default() };
        let all = push.all_headers();
        assert_eq!(all.iter().map(|(k, v)| format!("{k}:{v}")).collect::<Vec<_>>(), ["a:x y", "b:2"]);
    }

    #[test]
    fn a_list_of_headers_that_cannot_be_read_says_where() {
        for (list, wanted) in [("a", "name=value"), ("a=%4", "\"a\""), ("a=%zz", "\"a\"")] {
            let push = OtlpPush { headers_list: Opaque::new(list), ..OtlpPush::default() };
            assert!(push.listed().is_err_and(|fault| fault.contains(wanted)), "{list}");
        }
    }
}
