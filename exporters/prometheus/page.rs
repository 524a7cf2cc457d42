//! The page: Prometheus' text format, version 0.0.4, or OpenMetrics.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write;
use std::time::Instant;

use super::exemplars::{self, Sample};
use super::format::{Format, Style};
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
    /// The page as of `now`, in Prometheus' own format.
    pub fn page(&mut self, now: Instant) -> Page {
        self.page_in(now, Format::default())
    }

    /// The page as of `now`.
    pub(super) fn page_in(&mut self, now: Instant, format: Format) -> Page {
        self.expire(now);
        let mut writer = Writer { out: String::new(), style: format.style(), times: self.config.send_timestamps };
        let mut same_labels = 0;
        self.target_info(&mut writer);
        for (name, family) in &self.families {
            same_labels += writer.family(name, family);
        }
        if writer.style.open_metrics {
            writer.out.push_str("# EOF\n");
        }
        Page { text: writer.out, same_labels }
    }

    fn target_info(&self, writer: &mut Writer) {
        if self.targets.is_empty() {
            return;
        }
        let name = match &*self.config.namespace {
            "" => "target_info".to_owned(),
            namespace => format!("{}_target_info", names::namespace(namespace, self.naming.utf8)),
        };
        writer.head(&name, "Target metadata", "gauge");
        let mut targets: Vec<_> = self.targets.keys().collect();
        targets.sort();
        for labels in targets {
            writer.sample(&name, labels, None, &writer.double(1.0), None);
            writer.end(None);
        }
    }
}

struct Writer {
    out: String,
    style: Style,
    times: bool,
}

impl Writer {
    fn family(&mut self, name: &str, family: &Family) -> u64 {
        let plain = names::is_plain(name, true) || self.style.quotes;
        let name = &*if plain { Cow::Borrowed(name) } else { Cow::Owned(names::escaped(name, true)) };
        let kind = match family.kind {
            // OpenMetrics knows a counter by the end of its name.
            Type::Counter if self.style.open_metrics && !name.ends_with("_total") => "unknown",
            Type::Counter => "counter",
            Type::Gauge => "gauge",
            Type::Histogram => "histogram",
            Type::Summary => "summary",
        };
        let short = match family.kind {
            Type::Counter if self.style.open_metrics => name.strip_suffix("_total").unwrap_or(name),
            _ => name,
        };
        self.head(short, &family.help, kind);
        let mut all: Vec<&Series> = family.series.values().collect();
        all.sort_by(|a, b| a.labels.cmp(&b.labels).then(b.time_unix_ns.cmp(&a.time_unix_ns)));
        let mut seen = HashSet::new();
        let mut same = 0;
        for series in all {
            if !seen.insert(&series.labels) {
                same += 1;
                continue;
            }
            self.series(name, series, family.kind == Type::Counter);
        }
        if same > 0 {
            tracing::warn!(metric = %name, series = same, "series of different resources have the same labels and are left out; turn on resource_to_telemetry_conversion");
        }
        same
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        let name = match (names::is_plain(name, true), self.style.quotes) {
            (true, _) => name.to_owned(),
            (false, true) => {
                let mut quoted = "\"".to_owned();
                labels::escape(&mut quoted, name);
                quoted + "\""
            }
            (false, false) => names::escaped(name, true),
        };
        let mut help = help.replace('\\', "\\\\").replace('\n', "\\n");
        if self.style.open_metrics {
            help = help.replace('"', "\\\"");
        }
        let _ = writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn series(&mut self, name: &str, series: &Series, counter: bool) {
        let time = self.times.then_some(series.time_unix_ns / 1_000_000);
        let labels = &series.labels;
        match &series.shown {
            Shown::Integer(value) => {
                let value = if self.style.open_metrics { self.double(*value as f64) } else { value.to_string() };
                self.sample(name, labels, None, &value, time);
                self.end(series.exemplars.last().filter(|_| counter));
            }
            Shown::Double(value) => {
                self.sample(name, labels, None, &self.double(*value), time);
                self.end(series.exemplars.last().filter(|_| counter));
            }
            Shown::Histogram(bounds, counts, sum) => {
                let total = self.buckets(name, series, bounds, counts, time);
                if let Some(sum) = sum {
                    self.sample(&format!("{name}_sum"), labels, None, &self.double(*sum), time);
                    self.end(None);
                }
                self.sample(&format!("{name}_count"), labels, None, &total.to_string(), time);
                self.end(None);
            }
            Shown::Summary(quantiles, count, sum) => {
                let mut quantiles: Vec<_> = quantiles.iter().collect();
                quantiles.sort_by(|a, b| a.0.total_cmp(&b.0));
                for (quantile, value) in quantiles {
                    let quantile = self.double(*quantile);
                    self.sample(name, labels, Some(("quantile", &quantile)), &self.double(*value), time);
                    self.end(None);
                }
                self.sample(&format!("{name}_sum"), labels, None, &self.double(*sum), time);
                self.end(None);
                self.sample(&format!("{name}_count"), labels, None, &count.to_string(), time);
                self.end(None);
            }
        }
    }

    /// Each bucket with all below it; how many values there are.
    fn buckets(&mut self, name: &str, series: &Series, bounds: &[f64], counts: &[u64], time: Option<u64>) -> u64 {
        let bucket = format!("{name}_bucket");
        let (mut total, mut lower) = (0, f64::NEG_INFINITY);
        for (at, count) in counts.iter().enumerate() {
            total += count;
            let upper = bounds.get(at).copied().unwrap_or(f64::INFINITY);
            let bound = self.double(upper);
            self.sample(&bucket, &series.labels, Some(("le", &bound)), &total.to_string(), time);
            self.end(exemplars::within(&series.exemplars, lower, upper));
            lower = upper;
        }
        total
    }

    /// One line without its end.
    fn sample(&mut self, name: &str, labels: &Labels, extra: Option<(&str, &str)>, value: &str, time_ms: Option<u64>) {
        labels::write(&mut self.out, name, labels, extra, self.style);
        self.out.push(' ');
        self.out.push_str(value);
        match time_ms {
            Some(time) if self.style.open_metrics => {
                let _ = write!(self.out, " {}", seconds(time));
            }
            Some(time) => {
                let _ = write!(self.out, " {time}");
            }
            None => {}
        }
    }

    /// The end of a line; OpenMetrics shows a measurement there.
    fn end(&mut self, exemplar: Option<&Sample>) {
        if let Some(exemplar) = exemplar.filter(|_| self.style.open_metrics) {
            self.out.push_str(" # ");
            labels::write(&mut self.out, "", &exemplar.labels, None, self.style);
            let (value, time) = (self.double(exemplar.value), seconds(exemplar.time_unix_ns / 1_000_000));
            let _ = write!(self.out, " {value} {time}");
        }
        self.out.push('\n');
    }

    /// In OpenMetrics a double has a point or an exponent.
    fn double(&self, value: f64) -> String {
        let text = double(value);
        let whole = value.is_finite() && !text.contains(['.', 'e']);
        if self.style.open_metrics && whole { text + ".0" } else { text }
    }
}

fn seconds(time_ms: u64) -> String {
    format!("{}.{:03}", time_ms / 1_000, time_ms % 1_000)
}

/// The one sample of `target_info` for a page that is all about one target.
pub fn target_info(out: &mut String, attributes: &Labels) {
    let labels = attributes.iter().map(|(name, value)| (names::label(name, false), value.clone())).collect();
    let mut writer = Writer { out: std::mem::take(out), style: Format::default().style(), times: false };
    writer.head("target_info", "Target metadata", "gauge");
    writer.sample("target_info", &labels, None, "1", None);
    writer.end(None);
    *out = writer.out;
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
