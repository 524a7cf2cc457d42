//! Changes items by statements in OTTL.
//!
//! ```yaml
//! transform:
//!   error_mode: ignore
//!   trace_statements:
//!     - set(span.status.code, STATUS_CODE_OK) where span.attributes["http.response.status_code"] < 400
//!   log_statements:
//!     - context: log
//!       conditions: ['IsMap(body)']
//!       statements:
//!         - merge_maps(attributes, body, "upsert")
//!         - replace_pattern(attributes["user"], "@.*", "")
//! ```
//!
//! Statements run in their order, group after group. Plain statements are one group, whose context is inferred from the
//! paths in it. A group with conditions changes the items that one of them is true for. A statement that fails for an
//! item is counted in `kpulse_processor_ottl_failures`, and `error_mode` says what else becomes of it.

mod flatten;
mod settings;
mod stage;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use config::Decode;
use pipeline::component::{
    BuildContext, Factory, Processor, ProcessorConfig, ProcessorFactory, Stability, Transform, Verdict, decode,
};
use pipeline::proto::{LogsRequest, MetricsRequest, ProfilesRequest, TracesRequest};
use pipeline::{Batch, BuildError, Rejected, Signal};

use ottl::walk::Tree;
use ottl::{Client, Failures};
pub use settings::Config;
use stage::Stage;

/// Its row in the processors' table.
pub static FACTORY: ProcessorFactory = Factory {
    name: "transform",
    alias: None,
    signals: &Signal::ALL,
    stability: Stability::Alpha,
    sample: "error_mode: ignore\ntrace_statements:\n  \
             - set(span.status.code, STATUS_CODE_OK) where span.attributes[\"http.response.status_code\"] < 400\n\
             log_statements:\n  - context: log\n    conditions: ['IsMap(body)']\n    statements:\n      \
             - merge_maps(attributes, body, \"upsert\")\n      - replace_pattern(attributes[\"user\"], \"@.*\", \"\")\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ProcessorConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Processor, BuildError> {
        let failures = Failures::new(&cx);
        let stages = |signal| self.stages(signal, &failures).map_err(|message| BuildError::of(&cx, message));
        Ok(Processor::Transform(Arc::new(Statements {
            flatten: self.flatten_data,
            traces: stages(Signal::Traces)?,
            metrics: stages(Signal::Metrics)?,
            logs: stages(Signal::Logs)?,
            profiles: stages(Signal::Profiles)?,
        })))
    }
}

struct Statements {
    flatten: bool,
    traces: Vec<Stage>,
    metrics: Vec<Stage>,
    logs: Vec<Stage>,
    profiles: Vec<Stage>,
}

impl Transform for Statements {
    fn apply(&self, batch: Batch) -> Verdict {
        match batch.signal() {
            Signal::Traces => run::<TracesRequest>(&self.traces, batch),
            Signal::Metrics => run::<MetricsRequest>(&self.metrics, batch),
            Signal::Logs if self.flatten => flattened(&self.logs, batch),
            Signal::Logs => run::<LogsRequest>(&self.logs, batch),
            Signal::Profiles => run::<ProfilesRequest>(&self.profiles, batch),
        }
    }
}

fn flattened(stages: &[Stage], mut batch: Batch) -> Verdict {
    let apart = batch.change::<LogsRequest>(flatten::apart);
    match (apart, run::<LogsRequest>(stages, batch)) {
        (Err(undecodable), _) => Verdict::Reject(Rejected::permanent(undecodable.to_string())),
        (_, Verdict::Pass(mut batch)) => match batch.change::<LogsRequest>(flatten::together) {
            Ok(_) => Verdict::Pass(batch),
            Err(undecodable) => Verdict::Reject(Rejected::permanent(undecodable.to_string())),
        },
        (_, other) => other,
    }
}

fn run<T: Tree>(stages: &[Stage], mut batch: Batch) -> Verdict {
    if stages.is_empty() {
        return Verdict::Pass(batch);
    }
    let mut outcome = Ok(());
    let client = stages.iter().any(|stage| stage.asks_for_client).then(|| Client::of(batch.origin()));
    let run = |stage: &Stage, request: &mut T| stage.run(request, client.as_ref());
    let changed = batch.change::<T>(|request| outcome = stages.iter().try_for_each(|stage| run(stage, request)));
    match (changed, outcome) {
        (Err(undecodable), _) => Verdict::Reject(Rejected::permanent(undecodable.to_string())),
        (_, Err(failure)) => Verdict::Reject(Rejected::permanent(failure)),
        _ => Verdict::Pass(batch),
    }
}
