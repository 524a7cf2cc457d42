//! `kpulse doctor`: what this kernel can give, feature by feature.

use std::fmt::Write as _;
use std::io::Write;

use ebpf::{Kernel, Ladder, PROBES, Report};
use serde_json::{Value, json};

use super::Error;
use crate::cli::{Doctor, Format};

/// Opens every probe in turn, reports and closes it. Observes nothing and changes nothing.
pub fn doctor(how: Doctor) -> Result<(), Error> {
    let runtime = super::runtime()?;
    let _in_runtime = runtime.enter();
    let mut kernel = Kernel::open()?;
    let findings: Vec<Finding> = PROBES
        .iter()
        .map(|row| match (row.open)(&mut kernel) {
            Ok(probe) => Finding { probe: row.name, report: Ok(probe.report()) },
            Err(error) => Finding { probe: row.name, report: Err(error.to_string()) },
        })
        .collect();
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let text = match how.format {
        Format::Text => text(release.trim(), &findings),
        Format::Json => format!("{:#}\n", object(release.trim(), &findings)),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

struct Finding {
    probe: &'static str,
    report: Result<Report, String>,
}

fn text(release: &str, findings: &[Finding]) -> String {
    let mut out = format!("kernel {release}\n");
    for Finding { probe, report } in findings {
        match report {
            Ok(report) => {
                let bytes: u64 = report.maps.iter().map(|map| map.bytes).sum();
                let exact = if report.exact { "counts are exact" } else { "counts are inexact" };
                let _ = writeln!(out, "\n{probe}: works, {} KiB of kernel memory, {exact}", bytes.div_ceil(1024));
                report.features.iter().for_each(|feature| ladder(&mut out, feature));
                for map in &report.maps {
                    let _ = writeln!(out, "  map {:<24} {} bytes", map.name, map.bytes);
                }
            }
            Err(error) => {
                let _ = writeln!(out, "\n{probe}: does not work here\n  {error}");
            }
        }
    }
    out
}

fn ladder(out: &mut String, ladder: &Ladder) {
    for attempt in &ladder.attempts {
        let _ = match &attempt.error {
            None => writeln!(out, "  {:<28} live  {} ({})", ladder.feature, attempt.hook, attempt.program),
            Some(error) => {
                writeln!(out, "  {:<28} no    {} ({}): {error}", ladder.feature, attempt.hook, attempt.program)
            }
        };
    }
}

fn object(release: &str, findings: &[Finding]) -> Value {
    let probe = |finding: &Finding| match &finding.report {
        Err(error) => json!({"probe": finding.probe, "works": false, "error": error}),
        Ok(report) => json!({
            "probe": finding.probe,
            "works": true,
            "exact": report.exact,
            "features": report.features.iter().map(|ladder| json!({
                "feature": ladder.feature,
                "live": ladder.live().map(|attempt| &attempt.hook),
                "attempts": ladder.attempts.iter().map(|attempt| json!({
                    "hook": attempt.hook, "program": attempt.program, "error": attempt.error,
                })).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "maps": report.maps.iter().map(|map| json!({"name": map.name, "bytes": map.bytes})).collect::<Vec<_>>(),
        }),
    };
    json!({"kernel": release, "probes": findings.iter().map(probe).collect::<Vec<_>>()})
}
