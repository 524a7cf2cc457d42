//! What probes cost, as self-telemetry: `kpulse_probe_cpu_usage` and its parts.

use std::time::Duration;

use ebpf::{Cost, CostMeter, Probe, RunTimeStatistics};
use opentelemetry::KeyValue;
use opentelemetry::metrics::Gauge;
use pipeline::{Stop, Tasks, Telemetry};
use tokio::time::{Instant, sleep_until};

/// The kernel's statistics make every run dearer, so they are on for a second in each of these.
const EVERY: Duration = Duration::from_secs(60);
const FOR: Duration = Duration::from_secs(1);

/// The probes of one receiver, sampled together.
pub struct ProbeCosts {
    receiver: String,
    meters: Vec<(CostMeter, [KeyValue; 2])>,
    usage: Gauge<f64>,
    rate: Gauge<f64>,
    duration: Gauge<f64>,
    map_memory: Gauge<u64>,
}

impl ProbeCosts {
    /// None yet.
    pub fn new(telemetry: &Telemetry, receiver: &str) -> Self {
        let meter = telemetry.meter();
        let gauge = |name, unit, about| meter.f64_gauge(name).with_unit(unit).with_description(about).build();
        Self {
            receiver: receiver.to_owned(),
            meters: Vec::new(),
            usage: gauge(
                "kpulse_probe_cpu_usage",
                "{cpu}",
                "CPUs that a probe's programs kept busy, when last sampled.",
            ),
            rate: gauge("kpulse_probe_run_rate", "{run}/s", "Runs of a probe's programs a second, when last sampled."),
            duration: gauge("kpulse_probe_run_duration", "s", "Mean time of a run, when last sampled."),
            map_memory: meter
                .u64_gauge("kpulse_probe_map_memory")
                .with_unit("By")
                .with_description("Kernel memory of a probe's maps.")
                .build(),
        }
    }

    /// Adds a probe that is open.
    pub fn add(&mut self, name: &'static str, probe: &dyn Probe) {
        let labels = [KeyValue::new("receiver", self.receiver.clone()), KeyValue::new("probe", name)];
        self.map_memory.record(probe.report().maps.iter().map(|map| map.bytes).sum(), &labels);
        self.meters.push((probe.cost_meter(), labels));
    }

    /// Samples until the stop.
    pub fn spawn(self, tasks: &mut Tasks) {
        let stop = tasks.stop();
        if !self.meters.is_empty() {
            tasks.spawn(format!("{} (cost of probes)", self.receiver), self.run(stop));
        }
    }

    async fn run(self, mut stop: Stop) {
        let mut next = Instant::now() + FOR;
        loop {
            tokio::select! {
                () = sleep_until(next) => {}
                () = stop.requested() => return,
            }
            tokio::select! {
                () = self.sample() => {}
                () = stop.requested() => return,
            }
            next += EVERY;
        }
    }

    async fn sample(&self) {
        let statistics = match RunTimeStatistics::on() {
            Ok(statistics) => statistics,
            Err(error) => {
                return tracing::debug!(receiver = self.receiver, %error, "the cost of probes cannot be measured");
            }
        };
        let before: Vec<Cost> = self.meters.iter().map(|(meter, _)| meter.read()).collect();
        let start = Instant::now();
        sleep_until(start + FOR).await;
        let seconds = start.elapsed().as_secs_f64();
        for ((meter, labels), before) in self.meters.iter().zip(before) {
            let Cost { run_ns, runs, .. } = meter.read().since(&before);
            let run_seconds = run_ns as f64 / 1e9;
            self.usage.record(run_seconds / seconds, labels);
            self.rate.record(runs as f64 / seconds, labels);
            self.duration.record(if runs > 0 { run_seconds / runs as f64 } else { 0.0 }, labels);
        }
        drop(statistics);
    }
}
