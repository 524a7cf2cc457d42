//! What the two OTLP exporters share: bodies, and what a server says of what it took.

use std::sync::Arc;

use bytes::Bytes;
use config::Section;
use opentelemetry::KeyValue;
use pipeline::component::BuildContext;
use pipeline::own_spans::Tracer;
use pipeline::{Batch, BuildError, Credentials, HeaderStep, ItemCounter, Rejected};
use transport::header::{HeaderName, HeaderValue};
use transport::{ClientAuth, Compression, HeaderMap};

/// Bodies above this are compressed on another thread: the runtime has one, and others wait for it.
const BLOCKING_BYTES: usize = 64 * 1024;

config::words! {
    /// How requests are encoded.
    pub enum Encoding: "encoding" {
        /// Protobuf.
        Proto = "proto",
        /// OTLP/JSON.
        Json = "json",
    }
}

/// The extension that the settings name, which says who this client is.
///
/// # Errors
/// When there is none, or it cannot.
pub fn credentials(auth: &Section<ClientAuth>, cx: &BuildContext) -> Result<Option<Arc<dyn Credentials>>, BuildError> {
    auth.get().map(|auth| cx.credentials(&auth.authenticator)).transpose()
}

/// Does to the headers of a request with this batch what the extension says.
///
/// # Errors
/// It says nothing now; that may pass.
pub async fn authorize(
    credentials: Option<&dyn Credentials>,
    batch: &Batch,
    headers: &mut HeaderMap,
) -> Result<(), Rejected> {
    let Some(credentials) = credentials else {
        return Ok(());
    };
    for step in credentials.headers(batch.origin()).await.map_err(Rejected::retryable)? {
        apply(step, headers)
            .ok_or_else(|| Rejected::permanent("the credentials hold characters that a header cannot carry"))?;
    }
    Ok(())
}

fn apply(step: HeaderStep, headers: &mut HeaderMap) -> Option<()> {
    let (name, value, is_wanted): (String, String, fn(bool) -> bool) = match step {
        HeaderStep::Set(name, value) => (name, value, |_| true),
        HeaderStep::Add(name, value) => (name, value, |is_there| !is_there),
        HeaderStep::Change(name, value) => (name, value, |is_there| is_there),
        HeaderStep::Remove(name) => {
            headers.remove(HeaderName::try_from(name).ok()?);
            return Some(());
        }
    };
    let (name, mut value) = (HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    value.set_sensitive(true);
    // An empty one is as good as none.
    if is_wanted(headers.get(&name).is_some_and(|value| !value.is_empty())) {
        headers.insert(name, value);
    }
    Some(())
}

/// The encoded and compressed batch, made once for all attempts and exporters.
pub async fn body(batch: &Batch, encoding: Encoding, compression: Compression) -> Result<Bytes, Rejected> {
    let form = form(encoding, compression);
    if let Some(body) = batch.prepared().get(form) {
        return Ok(body);
    }
    let plain = match encoding {
        Encoding::Proto => batch.encode(),
        Encoding::Json => {
            let mut text = Vec::new();
            batch.write_json(&mut text).map_err(|e| Rejected::permanent(e.to_string()))?;
            text.into()
        }
    };
    let body = compress(plain, compression).await.map_err(|e| Rejected::permanent(format!("cannot compress: {e}")))?;
    batch.prepared().keep(form, body.clone());
    Ok(body)
}

async fn compress(plain: Bytes, compression: Compression) -> std::io::Result<Bytes> {
    if compression.encoding().is_none() || plain.len() < BLOCKING_BYTES {
        return compression.compress(plain);
    }
    tokio::task::spawn_blocking(move || compression.compress(plain)).await?
}

/// What a body is kept under for others that want the same.
fn form(encoding: Encoding, compression: Compression) -> &'static str {
    match (encoding, compression.encoding()) {
        (Encoding::Proto, Some("gzip")) => "proto gzip",
        (Encoding::Proto, Some("zstd")) => "proto zstd",
        (Encoding::Proto, Some("snappy")) => "proto snappy",
        (Encoding::Proto, Some("x-snappy-framed")) => "proto x-snappy-framed",
        (Encoding::Proto, Some("lz4")) => "proto lz4",
        (Encoding::Proto, Some(_)) => "proto zlib",
        (Encoding::Proto, None) => "proto",
        (Encoding::Json, Some("gzip")) => "json gzip",
        (Encoding::Json, Some("zstd")) => "json zstd",
        (Encoding::Json, Some("snappy")) => "json snappy",
        (Encoding::Json, Some("x-snappy-framed")) => "json x-snappy-framed",
        (Encoding::Json, Some("lz4")) => "json lz4",
        (Encoding::Json, Some(_)) => "json zlib",
        (Encoding::Json, None) => "json",
    }
}

/// Tells the server which span the request is in, where that is wanted.
pub fn tell_span(headers: &mut HeaderMap, tracer: &Tracer, batch: &Batch) {
    let text = tracer.traceparent(batch).and_then(|text| HeaderValue::try_from(text).ok());
    if let Some(text) = text {
        headers.insert(HeaderName::from_static("traceparent"), text);
    }
}

/// The answer to an export: the same message for all four signals.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ExportResponse {
    /// What was not taken.
    #[prost(message, optional, tag = "1")]
    pub partial_success: Option<PartialSuccess>,
}

/// What a server took, but not all of.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PartialSuccess {
    /// How many items were not taken.
    #[prost(int64, tag = "1")]
    pub rejected: i64,
    /// Why, or advice when none was.
    #[prost(string, tag = "2")]
    pub error_message: String,
}

/// Counts what servers took only in part. As in the Collector that is a success: sending it again would not help.
#[derive(Debug)]
pub struct PartialSuccesses {
    exporter: String,
    rejected: ItemCounter,
}

impl PartialSuccesses {
    pub fn new(cx: &BuildContext) -> Self {
        let exporter = cx.id.to_string();
        let about = "Number of items that a server took the request of, but not themselves (partial success).";
        let labels = vec![KeyValue::new("exporter", exporter.clone())];
        Self { rejected: cx.telemetry.items("kpulse_exporter_rejected_items".into(), about, labels), exporter }
    }

    /// Looks at the answer to a batch that was taken.
    pub fn note(&self, response: ExportResponse, batch: &Batch) {
        let Some(PartialSuccess { rejected, error_message: message }) = response.partial_success else { return };
        if rejected == 0 && message.is_empty() {
            return;
        }
        let dropped_items = u64::try_from(rejected).unwrap_or(0).min(batch.items().into());
        self.rejected.add(dropped_items);
        // A field `message` would take the place of the text.
        let (exporter, signal) = (&self.exporter, batch.signal().name());
        tracing::warn!(exporter, signal, reason = message, dropped_items, "Partial success response");
    }
}
