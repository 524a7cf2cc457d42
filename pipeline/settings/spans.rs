//! `service::telemetry::traces`.

use config::{Decoder, Node, Rules, Section};

use super::Detail;
use super::processors::{Nothing, PushProcessor};
use crate::own_spans::Sampling;

const PROPAGATORS: [&str; 2] = ["tracecontext", "b3"];

config::settings! {
    /// Own traces.
    pub struct TraceSettings {
        /// none turns them off; the other levels are the same.
        pub level: Detail = Detail::Normal,
        /// Whose headers of requests say which trace they belong to, from senders and to OTLP backends: tracecontext. b3 is
        /// taken without effect.
        pub propagators: Vec<String> = Vec::new(),
        /// Where spans go. Without any there are none.
        pub processors: Vec<PushProcessor> = Vec::new(),
        /// Of which traces spans are made; of all when absent.
        pub sampler: Option<Sampler> = None,
        /// Taken from the Collector's files without effect: own spans are small.
        pub limits: Option<Node> = None,
    }
}

impl TraceSettings {
    /// Those that run.
    pub fn active_processors(&self) -> &[PushProcessor] {
        if self.level == Detail::None { &[] } else { &self.processors }
    }

    /// Whether senders are asked for their trace, and backends told of ours.
    pub fn propagates(&self) -> bool {
        self.propagators.iter().any(|word| word == PROPAGATORS[0])
    }
}

impl Rules for TraceSettings {
    fn rules(&self, decoder: &mut Decoder) {
        for word in self.propagators.iter().filter(|word| !PROPAGATORS.contains(&word.as_str())) {
            decoder.at("propagators", |d| d.unknown("propagator", word, &PROPAGATORS));
        }
    }
}

config::settings! {
    /// Of which traces spans are made.
    pub struct Sampler {
        /// Of those that begin here by root, of others as their sender decided.
        pub parent_based: Option<ParentBased> = None,
        /// Of all.
        pub always_on: Section<Nothing> = Section::on_when_named(),
        /// Of none.
        pub always_off: Section<Nothing> = Section::on_when_named(),
        /// Of a share.
        pub trace_id_ratio_based: Option<Ratio> = None,
    }
}

impl Rules for Sampler {
    fn rules(&self, decoder: &mut Decoder) {
        let share = share(&self.always_on, &self.always_off, self.trace_id_ratio_based.as_ref());
        if share.is_some() == self.parent_based.is_some() {
            decoder.error("must have one of parent_based, always_on, always_off and trace_id_ratio_based");
        }
    }
}

config::settings! {
    /// Of traces that began elsewhere as their sender decided.
    pub struct ParentBased {
        /// Of those that begin here.
        pub root: Root = Root::default(),
    }
}

impl Rules for ParentBased {}

config::settings! {
    /// Of which of the traces that begin here spans are made; of all when nothing is said.
    pub struct Root {
        /// Of all.
        pub always_on: Section<Nothing> = Section::on_when_named(),
        /// Of none.
        pub always_off: Section<Nothing> = Section::on_when_named(),
        /// Of a share.
        pub trace_id_ratio_based: Option<Ratio> = None,
    }
}

impl Rules for Root {}

config::settings! {
    /// A share of all traces.
    pub struct Ratio {
        /// From 0 to 1.
        pub ratio: f64 = 1.0,
    }
}

impl Rules for Ratio {
    fn rules(&self, decoder: &mut Decoder) {
        if !(0.0..=1.0).contains(&self.ratio) {
            decoder.at("ratio", |d| d.error("must be between 0 and 1"));
        }
    }
}

impl TraceSettings {
    /// The sampler as the tracer has it.
    pub fn sampling(&self) -> Sampling {
        let Some(sampler) = &self.sampler else { return Sampling::default() };
        if let Some(ParentBased { root }) = &sampler.parent_based {
            let roots = share(&root.always_on, &root.always_off, root.trace_id_ratio_based.as_ref()).unwrap_or(1.0);
            return Sampling { roots, heeds_parents: true };
        }
        let share = share(&sampler.always_on, &sampler.always_off, sampler.trace_id_ratio_based.as_ref());
        Sampling { roots: share.unwrap_or(1.0), heeds_parents: false }
    }
}

fn share(on: &Section<Nothing>, off: &Section<Nothing>, ratio: Option<&Ratio>) -> Option<f64> {
    match (on.get(), off.get(), ratio) {
        (Some(_), _, _) => Some(1.0),
        (_, Some(_), _) => Some(0.0),
        (_, _, ratio) => ratio.map(|ratio| ratio.ratio),
    }
}
