//! The first line about a batch: what is in it.

use std::fmt;

use pipeline::proto::{LogsRequest, MetricsRequest, ProfilesRequest, TracesRequest};

/// A signal's name, and what was counted.
pub struct Counts {
    /// As the Collector writes it.
    pub name: &'static str,
    counts: Vec<(&'static str, usize)>,
}

/// As the Collector's logger writes a message with its fields.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<_> = self.counts.iter().map(|(what, count)| format!("\"{what}\": {count}")).collect();
        write!(f, "{}\t{{{}}}", self.name, counts.join(", "))
    }
}

pub fn logs(request: &LogsRequest, items: u32) -> Counts {
    let counts = vec![("resource logs", request.resource_logs.len()), ("log records", items as usize)];
    Counts { name: "Logs", counts }
}

pub fn traces(request: &TracesRequest, items: u32) -> Counts {
    let counts = vec![("resource spans", request.resource_spans.len()), ("spans", items as usize)];
    Counts { name: "Traces", counts }
}

pub fn metrics(request: &MetricsRequest, items: u32) -> Counts {
    let resources = &request.resource_metrics;
    let metrics = resources.iter().flat_map(|outer| &outer.scope_metrics).map(|inner| inner.metrics.len()).sum();
    let counts = vec![("resource metrics", resources.len()), ("metrics", metrics), ("data points", items as usize)];
    Counts { name: "Metrics", counts }
}

pub fn profiles(request: &ProfilesRequest, items: u32) -> Counts {
    let counts = vec![("resource profiles", request.resource_profiles.len()), ("sample records", items as usize)];
    Counts { name: "Profiles", counts }
}
