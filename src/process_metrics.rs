//! What kpulse itself costs, under the Collector's names.

use std::time::Instant;

use pipeline::Telemetry;
use procfs::WithCurrentSystemInfo;
use procfs::process::{Process, Stat};

/// Registers `otelcol_process_*`; values are read when somebody asks.
pub fn register(telemetry: &Telemetry) {
    let (meter, started) = (telemetry.meter(), Instant::now());
    meter
        .f64_observable_counter("otelcol_process_uptime")
        .with_description("Uptime of the process [Alpha]")
        .with_unit("s")
        .with_callback(move |observer| observer.observe(started.elapsed().as_secs_f64(), &[]))
        .build();
    meter
        .f64_observable_counter("otelcol_process_cpu_seconds")
        .with_description("Total CPU user and system time in seconds [Alpha]")
        .with_unit("s")
        .with_callback(|observer| {
            if let Some(stat) = stat() {
                let seconds = (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64;
                observer.observe(seconds, &[]);
            }
        })
        .build();
    meter
        .u64_observable_gauge("otelcol_process_memory_rss")
        .with_description("Total physical memory (resident set size) [Alpha]")
        .with_unit("By")
        .with_callback(|observer| {
            if let Some(stat) = stat() {
                observer.observe(stat.rss_bytes().get(), &[]);
            }
        })
        .build();
    meter
        .u64_observable_gauge("otelcol_process_runtime_total_sys_memory_bytes")
        .with_description("Total bytes of memory obtained from the OS (virtual size) [Alpha]")
        .with_unit("By")
        .with_callback(|observer| {
            if let Some(stat) = stat() {
                observer.observe(stat.vsize, &[]);
            }
        })
        .build();
    if let Some(live_bytes) = telemetry.live_bytes() {
        meter
            .u64_observable_gauge("otelcol_process_runtime_heap_alloc_bytes")
            .with_description("Bytes of memory that are allocated and not freed [Alpha]")
            .with_unit("By")
            .with_callback(move |observer| observer.observe(live_bytes(), &[]))
            .build();
    }
}

fn stat() -> Option<Stat> {
    Process::myself().ok()?.stat().ok()
}
