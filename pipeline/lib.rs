//! What flows, and how.
//!
//! A [`Batch`] holds items of one signal. It goes along edges ([`Next`]) from receivers through processors to
//! exporters; the answer to a send is the acknowledgement: `Ok` means that responsibility was taken, a
//! [`Rejected`] says why not. [`component`] has the contracts, [`Settings`] the typed configuration,
//! [`Graph`] builds the whole and [`Running`] is its life.

mod authenticator;
mod batch;
mod code;
pub mod component;
pub mod connector;
mod credentials;
pub mod delivery;
mod drops;
mod edge;
pub mod extension;
mod graph;
mod health;
mod lifecycle;
pub mod otlp;
mod outlet;
pub mod own_spans;
mod prepared;
pub mod profiles;
mod recent;
mod rejected;
mod running;
pub mod sampling;
mod self_profile;
mod set_key;
mod settings;
pub mod storage;
mod taker;
mod telemetry;
mod values;

pub use authenticator::{Authenticator, Identity, Said, lets_in};
pub use batch::{
    Attributes, Batch, Judge, Limit, Made, Origin, Partition, Payload, Request, Signal, Undecodable, change_points,
    key_in,
};
pub use code::Code;
pub use credentials::{Credentials, HeaderStep};
pub use drops::{Drops, Refused};
pub use edge::{Next, Pending};
pub use extension::Extensions;
pub use graph::{BuildError, Graph};
pub use health::{Health, Layout, Phase};
pub use lifecycle::{StartError, Stop, Stopped, Tasks};
pub use outlet::{Outlet, Outlets};
pub use prepared::{Owner, Prepared};
pub use recent::Recent;
pub use rejected::{Kind as RejectedKind, Rejected};
pub use running::{ReloadError, Reloaded, Running};
pub use self_profile::SelfProfiler;
pub use set_key::SetKey;
pub use settings::{
    BatchProcessor, Detail, Encoding, IncludeExclude, Level, LogSettings, MetricPush, MetricSettings, MetricTarget,
    OtlpPush, Periodic, PipelineSettings, PrometheusReader, Protocol, PushProcessor, PushTarget, Reader,
    ResourceSettings, Sampling, Settings, SimpleProcessor, Tables, TelemetrySettings, Temporality, TraceSettings,
};
pub use taker::Taker;
pub use telemetry::{ItemCounter, Telemetry};
pub use values::{check_value, double_text, value_of};

/// The OTLP structs that receivers and processors build and change.
pub mod proto {
    pub use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest as LogsRequest;
    pub use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest as MetricsRequest;
    pub use opentelemetry_proto::tonic::collector::profiles::v1development::ExportProfilesServiceRequest as ProfilesRequest;
    pub use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest as TracesRequest;
    pub use opentelemetry_proto::tonic::{common, logs, metrics, profiles, resource, trace};
}

#[cfg(test)]
mod tests;
