//! Items of one signal, as wire bytes or as structs, whichever was needed last.

mod attributes;
mod concat;
mod cut;
mod groups;
mod partition;
mod prune;
mod resources;
mod retain;

pub use attributes::{Attributes, Made, change_points, key_in};
pub use cut::Limit;
pub use partition::Partition;
pub use prune::Judge;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use prost::Message;

use crate::otlp::schema::{self, LOGS_REQUEST, METRICS_REQUEST, PROFILES_REQUEST, TRACES_REQUEST};
use crate::otlp::{json, mended, walk, wire};
use crate::own_spans::{Active, Span};
use crate::proto::{LogsRequest, MetricsRequest, ProfilesRequest, TracesRequest};
use crate::{Identity, Prepared};

/// The four kinds of telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Data points.
    Metrics,
    /// Log records and events.
    Logs,
    /// Profile samples.
    Profiles,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 4] = [Self::Traces, Self::Metrics, Self::Logs, Self::Profiles];

    /// The name in configuration (`traces`, `metrics`, `logs`, `profiles`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
            Self::Profiles => "profiles",
        }
    }

    /// What one item is called in the Collector's self-telemetry.
    pub fn items(self) -> &'static str {
        match self {
            Self::Traces => "spans",
            Self::Metrics => "metric_points",
            Self::Logs => "log_records",
            Self::Profiles => "profile_samples",
        }
    }

    /// The gRPC method that exports it.
    pub fn export_method(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Self::Profiles => "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
        }
    }

    /// The path of a URL that takes it over HTTP, if nothing else was agreed.
    pub fn export_path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Metrics => "/v1/metrics",
            Self::Logs => "/v1/logs",
            Self::Profiles => "/v1development/profiles",
        }
    }

    /// The message type of its export request.
    pub fn schema(self) -> &'static schema::Message {
        match self {
            Self::Traces => &TRACES_REQUEST,
            Self::Metrics => &METRICS_REQUEST,
            Self::Logs => &LOGS_REQUEST,
            Self::Profiles => &PROFILES_REQUEST,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Bytes that cannot be decoded although their structure is sound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot decode: {0}")]
pub struct Undecodable(String);

impl From<wire::Fault> for Undecodable {
    fn from(fault: wire::Fault) -> Self {
        Self(fault.to_string())
    }
}

impl From<prost::DecodeError> for Undecodable {
    fn from(error: prost::DecodeError) -> Self {
        Self(error.to_string())
    }
}

/// Where a batch came from; shared by every part it is cut into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The sender's address, for network receivers.
    pub peer: Option<SocketAddr>,
    /// Client metadata (request headers), keys in lower case.
    pub metadata: Vec<(String, String)>,
    /// Who the sender is, where an extension has checked that.
    pub identity: Identity,
    /// When the sender will have given up.
    pub deadline: Option<Instant>,
    /// The span of this program that it is in, while somebody wants those.
    pub span: Span,
}

/// An export request struct of one signal.
pub trait Request: Message + Default + Clone + Sync + 'static {
    /// Which signal it carries.
    const SIGNAL: Signal;
    /// How many items it holds.
    fn items(&self) -> u32;
    /// Wraps it.
    fn payload(form: Form<Self>) -> Payload;
    /// Unwraps it, if the payload is of this signal.
    fn form(payload: &mut Payload) -> Option<&mut Form<Self>>;
}

/// One request in one of its two inner forms.
#[derive(Clone, Debug)]
pub enum Form<T> {
    /// Wire bytes, checked for structure and not decoded.
    Encoded(Bytes),
    /// Structs, copied on write, with the bytes they were encoded to, once for all retries and branches.
    Decoded(Arc<Decoded<T>>),
}

/// Structs and, once asked for, their wire bytes.
#[derive(Clone, Debug)]
pub struct Decoded<T> {
    request: T,
    encoded: OnceLock<Bytes>,
}

/// The request of one of the four signals.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Spans.
    Traces(Form<TracesRequest>),
    /// Data points.
    Metrics(Form<MetricsRequest>),
    /// Log records.
    Logs(Form<LogsRequest>),
    /// Profile samples.
    Profiles(Form<ProfilesRequest>),
}

/// What flows: items of one signal. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Batch {
    payload: Payload,
    items: u32,
    origin: Arc<Origin>,
    prepared: Prepared,
}

impl<T: Request> Form<T> {
    fn encode(&self) -> Bytes {
        match self {
            Self::Encoded(bytes) => bytes.clone(),
            Self::Decoded(shared) => shared.encoded.get_or_init(|| shared.request.encode_to_vec().into()).clone(),
        }
    }

    fn decode(&mut self) -> Result<&mut Arc<Decoded<T>>, Undecodable> {
        if let Self::Encoded(bytes) = self {
            let request = T::decode(bytes.clone())?;
            // The bytes stay valid until the structs are changed.
            let encoded = OnceLock::from(bytes.clone());
            *self = Self::Decoded(Arc::new(Decoded { request, encoded }));
        }
        match self {
            Self::Decoded(shared) => Ok(shared),
            Self::Encoded(_) => Err(Undecodable("still encoded".into())),
        }
    }
}

impl Batch {
    /// A batch of structs that kpulse itself built.
    pub fn new<T: Request>(request: T, origin: Arc<Origin>) -> Self {
        let items = request.items();
        let decoded = Decoded { request, encoded: OnceLock::new() };
        Self { payload: T::payload(Form::Decoded(Arc::new(decoded))), items, origin, prepared: Prepared::default() }
    }

    /// A batch from the wire, whose structure is checked and items counted here.
    ///
    /// Text that is not UTF-8 is made so, as the rest is sound.
    ///
    /// # Errors
    /// The first structural damage.
    pub fn received(signal: Signal, bytes: Bytes, origin: Arc<Origin>) -> Result<Self, wire::Error> {
        let (bytes, items) = match walk(signal.schema(), &bytes) {
            Err(wire::Error { what: wire::Fault::Utf8(field), message, .. }) => {
                tracing::warn!(%signal, message, field, "a text is not UTF-8: what is not becomes U+FFFD");
                let bytes = Bytes::from(mended(signal.schema(), &bytes)?);
                let items = walk(signal.schema(), &bytes)?;
                (bytes, items)
            }
            items => (bytes, items?),
        };
        Ok(Self::encoded(signal, bytes, items, origin))
    }

    /// Wire bytes that are known to be sound and to hold so many items.
    fn encoded(signal: Signal, bytes: Bytes, items: u32, origin: Arc<Origin>) -> Self {
        let payload = match signal {
            Signal::Traces => Payload::Traces(Form::Encoded(bytes)),
            Signal::Metrics => Payload::Metrics(Form::Encoded(bytes)),
            Signal::Logs => Payload::Logs(Form::Encoded(bytes)),
            Signal::Profiles => Payload::Profiles(Form::Encoded(bytes)),
        };
        Self { payload, items, origin, prepared: Prepared::default() }
    }

    /// Which signal it carries.
    pub fn signal(&self) -> Signal {
        match self.payload {
            Payload::Traces(_) => Signal::Traces,
            Payload::Metrics(_) => Signal::Metrics,
            Payload::Logs(_) => Signal::Logs,
            Payload::Profiles(_) => Signal::Profiles,
        }
    }

    /// How many spans, points, records or samples it holds.
    pub fn items(&self) -> u32 {
        self.items
    }

    /// Where it came from.
    pub fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// The same below this span, if there is one.
    pub fn under(self, span: &Active) -> Self {
        if !span.exists() {
            return self;
        }
        let origin = Origin { span: span.span().clone(), ..(*self.origin).clone() };
        Self { origin: origin.into(), ..self }
    }

    /// The body that an exporter made of it, for its next attempt and for other exporters.
    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// The OTLP wire form; encoded at most once, however many ask.
    pub fn encode(&self) -> Bytes {
        match &self.payload {
            Payload::Traces(form) => form.encode(),
            Payload::Metrics(form) => form.encode(),
            Payload::Logs(form) => form.encode(),
            Payload::Profiles(form) => form.encode(),
        }
    }

    /// Appends the batch as one line of OTLP/JSON, without the newline.
    ///
    /// # Errors
    /// Damage that the structural check would have found.
    pub fn write_json(&self, out: &mut Vec<u8>) -> Result<(), wire::Error> {
        json::write(self.signal().schema(), &self.encode(), out)
    }

    /// The structs, to read. `None` when the batch is of another signal.
    ///
    /// # Errors
    /// Bytes that cannot be decoded although their structure is sound.
    pub fn read<T: Request>(&mut self) -> Result<Option<&T>, Undecodable> {
        let Some(form) = T::form(&mut self.payload) else {
            return Ok(None);
        };
        Ok(Some(&form.decode()?.request))
    }

    /// Changes the structs, on an own copy if they are shared, and counts the items anew.
    /// False when the batch is of another signal.
    ///
    /// # Errors
    /// As [`Batch::read`].
    pub fn change<T: Request>(&mut self, change: impl FnOnce(&mut T)) -> Result<bool, Undecodable> {
        let Some(form) = T::form(&mut self.payload) else {
            return Ok(false);
        };
        let own = Arc::make_mut(form.decode()?);
        own.encoded.take();
        self.prepared = Prepared::default();
        change(&mut own.request);
        self.items = own.request.items();
        Ok(true)
    }
}

macro_rules! requests {
    ($($request:ident, $variant:ident, |$r:ident| $count:expr;)*) => {$(
        impl Request for $request {
            const SIGNAL: Signal = Signal::$variant;

            fn items(&self) -> u32 {
                let $r = self;
                let count: usize = $count;
                u32::try_from(count).unwrap_or(u32::MAX)
            }

            fn payload(form: Form<Self>) -> Payload {
                Payload::$variant(form)
            }

            fn form(payload: &mut Payload) -> Option<&mut Form<Self>> {
                match payload {
                    Payload::$variant(form) => Some(form),
                    _ => None,
                }
            }
        }
    )*};
}

requests! {
    TracesRequest, Traces, |r| r.resource_spans.iter().flat_map(|r| &r.scope_spans).map(|s| s.spans.len()).sum();
    LogsRequest, Logs, |r| r.resource_logs.iter().flat_map(|r| &r.scope_logs).map(|s| s.log_records.len()).sum();
    ProfilesRequest, Profiles, |r| r.resource_profiles.iter().flat_map(|r| &r.scope_profiles)
        .flat_map(|s| &s.profiles).map(|p| p.samples.len()).sum();
    MetricsRequest, Metrics, |r| r.resource_metrics.iter().flat_map(|r| &r.scope_metrics)
        .flat_map(|s| &s.metrics).map(points).sum();
}

fn points(metric: &crate::proto::metrics::v1::Metric) -> usize {
    use crate::proto::metrics::v1::metric::Data;
    match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(Data::Summary(summary)) => summary.data_points.len(),
        None => 0,
    }
}
