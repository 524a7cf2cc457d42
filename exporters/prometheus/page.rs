//! The text format, version 0.0.4.

use std::collections::HashSet;
use std::fmt::Write;
use std::time::Instant;

use super::labels::{self, Labels};
use super::names;
use super::series::{Family, Series, Shown, Store, Type};

/// A page, and how many series were left out because another has their labels.
#[derive(Debug)]
pub struct Page {
    /// What a scraper gets.
    pub text: String,
    /// Series left out.
    pub same_labels: u64,
}

impl Store {
    /// The page as of `now`.
    pub fn page(&mut self, now: Instant) -> Page {
        self.expire(now);
        let mut page = Page { text: String::new(), same_labels: 0 };
        self.target_info(&mut page.text);
        for (name, family) in &self.families {
            page.same_labels += self.family(name, family, &mut page.text);
        }
        page
    }

    fn target_info(&self, out: &mut String) {
        if self.targets.is_empty() {
            return;
        }
        let prefix =
            if self.config.namespace.is_empty() { String::new() } else { format!("{}_", self.config.namespace) };
        head(out, &format!("{prefix}target_info"));
        let mut targets: Vec<_> = self.targets.keys().collect();
        targets.sort();
        for labels in targets {
            sample(out, &format!("{prefix}target_info"), labels, None, "1", None);
        }
    }

    fn family(&self, name: &str, family: &Family, out: &mut String) -> u64 {
        let kind = match family.kind {
            Type::Counter => "counter",
            Type::Gauge => "gauge",
            Type::Histogram => "histogram",
            Type::Summary => "summary",
        };
        let help = family.help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        let mut all: Vec<&Series> = family.series.values().collect();
        all.sort_by(|a, b| a.labels.cmp(&b.labels).then(b.time_unix_ns.cmp(&a.time_unix_ns)));
        let mut seen = HashSet::new();
        let mut same = 0;
        for series in all {
            if !seen.insert(&series.labels) {
                same += 1;
                continue;
            }
            self.series(name, series, out);
        }
        if same > 0 {
            tracing::warn!(metric = %name, series = same, "series of different resources have the same labels and are left out; turn on resource_to_telemetry_conversion");
        }
        same
    }

    fn series(&self, name: &str, series: &Series, out: &mut String) {
        let time = self.config.send_timestamps.then_some(series.time_unix_ns / 1_000_000);
        let labels = &series.labels;
        match &series.shown {
            Shown::Integer(value) => sample(out, name, labels, None, &value.to_string(), time),
            Shown::Double(value) => sample(out, name, labels, None, &double(*value), time),
            Shown::Histogram(bounds, counts, sum) => {
                let bucket = format!("{name}_bucket");
                let mut total = 0;
                for (at, count) in counts.iter().enumerate() {
                    total += count;
                    let bound = bounds.get(at).map_or_else(|| "+Inf".into(), |bound| double(*bound));
                    sample(out, &bucket, labels, Some(("le", &bound)), &total.to_string(), time);
                }
                if let Some(sum) = sum {
                    sample(out, &format!("{name}_sum"), labels, None, &double(*sum), time);
                }
                sample(out, &format!("{name}_count"), labels, None, &total.to_string(), time);
            }
            Shown::Summary(quantiles, count, sum) => {
                for (quantile, value) in quantiles {
                    sample(out, name, labels, Some(("quantile", &double(*quantile))), &double(*value), time);
                }
                sample(out, &format!("{name}_sum"), labels, None, &double(*sum), time);
                sample(out, &format!("{name}_count"), labels, None, &count.to_string(), time);
            }
        }
    }
}

/// The one sample of `target_info` for a page that is all about one target.
pub fn target_info(out: &mut String, attributes: &Labels) {
    head(out, "target_info");
    let labels = attributes.iter().map(|(name, value)| (names::label(name), value.clone())).collect();
    sample(out, "target_info", &labels, None, "1", None);
}

fn head(out: &mut String, target_info: &str) {
    let _ = writeln!(out, "# HELP {target_info} Target metadata\n# TYPE {target_info} gauge");
}

fn sample(
    out: &mut String,
    name: &str,
    labels: &Labels,
    extra: Option<(&str, &str)>,
    value: &str,
    time_ms: Option<u64>,
) {
    out.push_str(name);
    labels::write(out, labels, extra);
    out.push(' ');
    out.push_str(value);
    if let Some(time) = time_ms {
        let _ = write!(out, " {time}");
    }
    out.push('\n');
}

fn double(value: f64) -> String {
    match (value.is_nan(), value.is_infinite()) {
        (true, _) => "NaN".into(),
        (_, true) if value > 0.0 => "+Inf".into(),
        (_, true) => "-Inf".into(),
        _ if value != 0.0 && (value.abs() < 1e-5 || value.abs() >= 1e17) => format!("{value:e}"),
        _ => value.to_string(),
    }
}
