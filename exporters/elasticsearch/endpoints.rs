//! Where Elasticsearch is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use transport::{Uri, endpoint};

use super::settings::Config;

/// As in the Collector, for files that name no endpoint.
const VARIABLE: &str = "ELASTICSEARCH_URL";

/// What is wrong with the endpoints, and under which key.
#[derive(Debug)]
pub struct Fault {
    pub key: Option<&'static str>,
    pub message: String,
}

/// The bulk APIs of all nodes.
///
/// # Errors
/// None, several kinds of them, or one that is no URL.
pub fn of(config: &Config) -> Result<Vec<Uri>, Fault> {
    let fault = |key, message: String| Fault { key, message };
    let set = [!config.endpoint.is_empty(), !config.endpoints.is_empty(), !config.cloudid.is_empty()];
    match set {
        [true, false, false] => {
            bulk(&config.endpoint, config).map(|uri| vec![uri]).map_err(|e| fault(Some("endpoint"), e))
        }
        [false, true, false] => {
            let all = config.endpoints.iter().map(|url| bulk(url, config)).collect::<Result<_, _>>();
            all.map_err(|e| fault(Some("endpoints"), e))
        }
        [false, false, true] => {
            let url = cloud(&config.cloudid).and_then(|url| bulk(&url, config));
            url.map(|uri| vec![uri]).map_err(|e| fault(Some("cloudid"), e))
        }
        [false, false, false] => from_environment(config).map_err(|e| fault(None, e)),
        _ => Err(fault(None, "only one of endpoint, endpoints, cloudid may be set".into())),
    }
}

fn from_environment(config: &Config) -> Result<Vec<Uri>, String> {
    let urls = std::env::var(VARIABLE).unwrap_or_default();
    if urls.is_empty() {
        return Err(format!("one of endpoint, endpoints, cloudid must be set, or the variable {VARIABLE}"));
    }
    urls.split(',').map(|url| bulk(url.trim(), config)).collect()
}

/// The bulk API below a URL, with the URL's own parameters and those that settings ask for.
fn bulk(url: &str, config: &Config) -> Result<Uri, String> {
    let base = endpoint::url(url)?;
    let mut path = format!("{}/_bulk", base.path().trim_end_matches('/'));
    let on_error = config.include_source_on_error.map(|on| on.to_string()).unwrap_or_default();
    let own = [
        ("filter_path", &config.bulk_response_filter_path),
        ("include_source_on_error", &on_error),
        ("pipeline", &config.pipeline),
    ];
    let own =
        own.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={}", escape(value)));
    let mut before = '?';
    for parameter in base.query().map(str::to_owned).into_iter().chain(own) {
        path.push(before);
        path += &parameter;
        before = '&';
    }
    endpoint::with_path(&base, &path)
}

/// A parameter's value as a URL may have it.
fn escape(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~,*".contains(&byte);
    value
        .bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// `name:base64(host$elasticsearch$kibana)`; the host and the first id may have a port.
fn cloud(id: &str) -> Result<String, String> {
    let wrong = |why: &str| format!("{id:?} is not the id of a deployment: {why}");
    let (_, encoded) = id.rsplit_once(':').ok_or_else(|| wrong("there is no colon in it"))?;
    let decoded = BASE64.decode(encoded).map_err(|e| wrong(&e.to_string()))?;
    let text = String::from_utf8(decoded).map_err(|e| wrong(&e.to_string()))?;
    let mut parts = text.split('$');
    let (Some(host), Some(elasticsearch)) = (parts.next(), parts.next()) else {
        return Err(wrong("it does not name Elasticsearch"));
    };
    let (host, port) = host.split_once(':').unwrap_or((host, "443"));
    let (elasticsearch, port) = elasticsearch.split_once(':').unwrap_or((elasticsearch, port));
    match (host.is_empty(), elasticsearch.is_empty()) {
        (false, false) => Ok(format!("https://{elasticsearch}.{host}:{port}")),
        _ => Err(wrong("it does not name Elasticsearch")),
    }
}
