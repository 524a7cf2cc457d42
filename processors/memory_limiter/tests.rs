use std::sync::atomic::{AtomicU64, Ordering};

use pipeline::{RejectedKind, Telemetry};

use super::*;
use crate::tests::{counted, logs};

static LIVE: AtomicU64 = AtomicU64::new(0);
const MIB: u64 = 1 << 20;

fn limiter(telemetry: &Telemetry, live_bytes: fn() -> u64) -> Limiter {
    let config = Config { check_interval: Duration::from_secs(1), limit_mib: 100, ..Config::default() };
    Limiter {
        limits: Limits::new(&config, || 0),
        check_interval: config.check_interval,
        live_bytes,
        state: Mutex::default(),
        counts: Default::default(),
        cx: BuildContext::new("memory_limiter".parse().unwrap(), telemetry.clone()),
    }
}

#[test]
fn data_is_refused_from_the_soft_limit_on_and_again_accepted_below_it() {
    let telemetry = Telemetry::new("test");
    let (limiter, start) = (limiter(&telemetry, || LIVE.load(Ordering::Relaxed)), Instant::now());
    let at = |seconds: u64| limiter.apply_at(logs(&[("a", 3)]), start + Duration::from_secs(seconds));
    LIVE.store(79 * MIB, Ordering::Relaxed);
    assert!(matches!(at(0), Verdict::Pass(batch) if batch.items() == 3));
    LIVE.store(80 * MIB, Ordering::Relaxed);
    assert!(matches!(at(0), Verdict::Pass(_)), "the interval is not over");
    let Verdict::Reject(rejected) = at(1) else { panic!("passed") };
    assert_eq!(rejected.kind, RejectedKind::Retryable);
    assert_eq!(rejected.reason, "data refused due to high memory usage");
    LIVE.store(MIB, Ordering::Relaxed);
    assert!(matches!(at(1), Verdict::Reject(_)), "the interval is not over");
    assert!(matches!(at(2), Verdict::Pass(_)));
    let own = counted(&telemetry);
    for (name, count) in [("accepted", 9), ("refused", 6)] {
        let point = own.split(&format!("memory_limiter_{name}_log_records")).nth(1).unwrap();
        assert!(point.split("\"asInt\":").nth(1).unwrap().starts_with(&format!("\"{count}\"")), "{own}");
    }
}

#[test]
fn at_the_hard_limit_data_is_refused_whenever_the_last_look_was() {
    static LIVE: AtomicU64 = AtomicU64::new(0);
    let limiter = limiter(&Telemetry::new("test"), || LIVE.load(Ordering::Relaxed));
    let start = Instant::now();
    let at = |milliseconds| limiter.apply_at(logs(&[("a", 1)]), start + Duration::from_millis(milliseconds));
    for (now, mib, passes) in [(0, 1, true), (10, 99, true), (20, 100, false), (30, 1, false), (1021, 1, true)] {
        LIVE.store(mib * MIB, Ordering::Relaxed);
        assert_eq!(matches!(at(now), Verdict::Pass(_)), passes, "{mib} MiB after {now} ms");
    }
}

#[test]
fn the_spike_is_a_fifth_unless_it_is_set_and_mib_win_over_percent() {
    let limits = |limit_mib, spike_limit_mib, limit_percentage, spike_limit_percentage| {
        let config =
            Config { limit_mib, spike_limit_mib, limit_percentage, spike_limit_percentage, ..Config::default() };
        let limits = Limits::new(&config, || 1000 * MIB);
        (limits.soft / MIB, limits.hard / MIB)
    };
    assert_eq!(limits(100, 0, 0, 0), (80, 100));
    assert_eq!(limits(100, 30, 50, 10), (70, 100));
    assert_eq!(limits(0, 30, 50, 0), (400, 500));
    assert_eq!(limits(0, 0, 50, 30), (200, 500));
}

#[test]
fn the_tightest_control_group_limits_the_memory() {
    let folder = std::env::temp_dir().join(format!("kpulse-limits-{}", std::process::id()));
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("a/b/memory.max", "max\n");
    write("a/memory.max", "5000000\n");
    write("memory/c/memory.limit_in_bytes", "9223372036854771712\n");
    write("memory/memory.limit_in_bytes", "4000000\n");
    let host = "MemTotal:       16000 kB\nMemFree: 1 kB\n";
    assert_eq!(limits::smallest("0::/a/b\n", host, &folder), 5_000_000);
    assert_eq!(limits::smallest("5:cpu,memory:/c\n1:name=systemd:/a\n", host, &folder), 4_000_000);
    assert_eq!(limits::smallest("0::/elsewhere\n", host, &folder), 16_000 * 1024);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn limits_without_sense_are_refused_with_their_path() {
    for (text, wanted) in [
        ("{limit_mib: 1}", "check_interval: must be greater than zero"),
        ("{check_interval: 1s}", "limit_mib or limit_percentage must be greater than zero"),
        ("{check_interval: 1s, limit_mib: 5, spike_limit_mib: 5}", "spike_limit_mib: must be smaller"),
        ("{check_interval: 1s, limit_percentage: 101}", "limit_percentage: must be at most 100"),
        (
            "{check_interval: 1s, limit_mib: 5, min_gc_interval_when_soft_limited: 1s, min_gc_interval_when_hard_limited: 2s}",
            "min_gc_interval_when_soft_limited: must be at least",
        ),
    ] {
        let mut decoder = Decoder::default();
        let node = config::parse(text, &"test".into()).unwrap();
        (FACTORY.decode)(&node, &mut decoder).validate(&mut decoder);
        let found = decoder.finish().to_string();
        assert!(found.starts_with(wanted) && found.lines().count() == 1, "{text}: {found}");
    }
}
