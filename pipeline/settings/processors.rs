//! How own spans and own log records go out: the `processors` of `service::telemetry::traces` and `logs`.

use config::{Decoder, Rules, Section};

use super::OtlpPush;

config::settings! {
    /// One way of own spans or log records: batch or simple.
    pub struct PushProcessor {
        /// Several at once.
        pub batch: Option<BatchProcessor> = None,
        /// Each by itself.
        pub simple: Option<SimpleProcessor> = None,
    }
}

impl Rules for PushProcessor {
    fn rules(&self, decoder: &mut Decoder) {
        if self.batch.is_some() == self.simple.is_some() {
            decoder.error("must have either batch or simple");
        }
    }
}

config::settings! {
    /// Several at once.
    pub struct BatchProcessor {
        /// Milliseconds that one waits for others: 5000 for spans and 1000 for log records when it is not set.
        pub schedule_delay: Option<u32> = None,
        /// Milliseconds that one sending may take.
        pub export_timeout: u32 = 30_000,
        /// So many wait at most; more are dropped and counted.
        pub max_queue_size: u32 = 2048,
        /// So many are sent at once.
        pub max_export_batch_size: u32 = 512,
        /// Where they go.
        pub exporter: PushTarget = PushTarget::default(),
    }
}

impl Rules for BatchProcessor {
    fn rules(&self, decoder: &mut Decoder) {
        let sizes = [("max_queue_size", self.max_queue_size), ("max_export_batch_size", self.max_export_batch_size)];
        for (key, _) in sizes.into_iter().filter(|(_, size)| *size == 0) {
            decoder.at(key, |d| d.error("must be greater than zero"));
        }
    }
}

config::settings! {
    /// One by one.
    pub struct SimpleProcessor {
        /// Where they go.
        pub exporter: PushTarget = PushTarget::default(),
    }
}

impl Rules for SimpleProcessor {}

config::settings! {
    /// Where they go: otlp or console.
    pub struct PushTarget {
        /// To an OTLP receiver.
        pub otlp: Option<OtlpPush> = None,
        /// To standard output, as lines of OTLP/JSON.
        pub console: Section<Nothing> = Section::on_when_named(),
    }
}

impl Rules for PushTarget {
    fn rules(&self, decoder: &mut Decoder) {
        if self.otlp.is_some() == self.console.get().is_some() {
            decoder.error("must have either otlp or console");
        }
    }
}

config::settings! {
    /// No settings.
    pub struct Nothing {}
}

impl Rules for Nothing {}
