//! Configurations that a server has.

use std::time::Duration;

use tokio::time::timeout;
use transport::{
    Chunks, Client, Connections, Request, StatusCode, TlsSettings, USER_AGENT, Uri, Version, endpoint, header,
};

/// How long one GET with all its redirections may take.
const AT_MOST: Duration = Duration::from_secs(30);
/// So many redirections are followed, as in the Collector.
const REDIRECTIONS: usize = 10;
/// What is longer is no configuration.
const BYTES: usize = 16 * 1024 * 1024;

/// The text behind a URL: a GET that is answered with 200. Certificates are checked against the machine's roots.
///
/// # Errors
/// What went wrong.
pub fn get(url: &str) -> Result<String, String> {
    // Its own runtime: the configuration is read before there is another, and on another thread afterwards.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let late = |_| format!("no whole answer within {} s", AT_MOST.as_secs());
    let text = runtime.block_on(async { timeout(AT_MOST, follow(url)).await }).map_err(late)?;
    runtime.shutdown_background();
    text
}

async fn follow(url: &str) -> Result<String, String> {
    let mut uri = endpoint::url(url)?;
    for _ in 0..REDIRECTIONS {
        let answer = ask(&uri).await?;
        if !answer.status.is_redirection() {
            return text(answer);
        }
        let location = answer.headers.get(header::LOCATION).and_then(|place| place.to_str().ok());
        let location = location.ok_or_else(|| format!("the answer is {}, without a Location", answer.status))?;
        uri = target(&uri, location)?;
    }
    Err(format!("stopped after {REDIRECTIONS} redirections"))
}

async fn ask(uri: &Uri) -> Result<transport::Answer, String> {
    let speaks_tls = uri.scheme_str() == Some("https");
    let client = Client::open(&TlsSettings::default(), speaks_tls, Version::Any, Connections::default())
        .map_err(|e| e.to_string())?;
    let request = Request::get(uri).header(header::USER_AGENT, USER_AGENT).body(Chunks::new([]));
    client.send_for(request.map_err(|e| e.to_string())?, BYTES + 1).await.map_err(|e| e.to_string())
}

fn text(answer: transport::Answer) -> Result<String, String> {
    if answer.status != StatusCode::OK {
        return Err(format!("the answer is {}, only 200 is taken", answer.status));
    }
    if answer.body.len() > BYTES {
        return Err(format!("it is longer than {BYTES} bytes"));
    }
    String::from_utf8(answer.body.to_vec()).map_err(|_| "it is not UTF-8".to_owned())
}

/// Where a redirection leads: another URL, or a path of the same server.
fn target(from: &Uri, location: &str) -> Result<Uri, String> {
    match location.starts_with('/') && !location.starts_with("//") {
        true => endpoint::with_path(from, location),
        false => endpoint::url(location).map_err(|why| format!("redirected to a place of no use: {why}")),
    }
}
