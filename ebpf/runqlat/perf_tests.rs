//! The histogram against `perf`: the same switches, recorded one by one and folded here. Needs root and perf.

use std::collections::{HashMap, HashSet};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::histogram::{SLOTS, bounds_ns};
use crate::runqlat::{Apart, Runqlat};
use crate::{Histogram, Kernel};

/// From 16 us on a microsecond does not matter; below, only how many there are is compared.
const FIRST_EXACT: usize = 8;

/// A child process that is ended in every case.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn monotonic_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!(" {name}="))?;
    rest.split(' ').next()
}

fn stamp_ns(line: &str) -> Option<u64> {
    let (seconds, nanos) = line.trim_start().split_once(':')?.0.split_once('.')?;
    Some(seconds.parse::<u64>().ok()? * 1_000_000_000 + nanos.parse::<u64>().ok()?)
}

/// Folds perf's events by the probe's definition; waits that ended within the window count.
fn fold(events: &str, from_ns: u64, to_ns: u64) -> Vec<u64> {
    let (mut since, mut running) = (HashMap::new(), HashSet::new());
    let mut waits = Vec::new();
    for line in events.lines() {
        let Some(now) = stamp_ns(line) else { continue };
        if line.contains("sched_wakeup") {
            let pid = field(line, "pid").unwrap();
            if !running.contains(pid) {
                since.entry(pid).or_insert(now);
            }
        } else if line.contains("sched_switch") {
            let (prev, next) = (field(line, "prev_pid").unwrap(), field(line, "next_pid").unwrap());
            running.remove(prev);
            if prev != "0" && field(line, "prev_state").unwrap().starts_with('R') {
                since.insert(prev, now);
            }
            running.insert(next);
            if let Some(start) = since.remove(next).filter(|_| next != "0" && now > from_ns && now <= to_ns) {
                waits.push(now - start);
            }
        }
    }
    waits
}

/// How many waits were longer than the upper bound of each slot.
fn longer_than(histogram: &Histogram) -> [u64; SLOTS] {
    let mut left = histogram.count();
    histogram.counts.map(|count| {
        left -= count;
        left
    })
}

/// The histogram and when it was read; once more if this thread had to wait for a CPU meanwhile.
fn at_one_moment(probe: &Runqlat) -> (Histogram, u64) {
    loop {
        let (before, histogram, after) = (monotonic_ns(), probe.host().unwrap(), monotonic_ns());
        if after - before < 1_000_000 {
            return (histogram, after);
        }
    }
}

#[test]
#[ignore = "takes 15 s and needs perf; `make e2e` runs it"]
fn under_load_the_histogram_is_what_perf_recorded_switch_by_switch() {
    let file = std::env::temp_dir().join(format!("kpulse-perf-{}", std::process::id()));
    let probe = Runqlat::open(&mut Kernel::open().unwrap(), Apart::Nobody).unwrap();
    let shell = |script: &str| Running(Command::new("sh").args(["-c", script]).spawn().unwrap());
    // More to run than CPUs to run it on, and much that comes and goes.
    let _busy: Vec<_> = (0..5).map(|_| shell("while :; do :; done")).collect();
    let _short = shell("while :; do /bin/true; done");
    let mut perf = Command::new("perf");
    perf.args(["record", "-q", "-a", "-m", "4096", "-k", "CLOCK_MONOTONIC", "-o"]).arg(&file);
    perf.args(["-e", "sched:sched_switch", "-e", "sched:sched_wakeup", "-e", "sched:sched_wakeup_new"]);
    let mut perf = Running(perf.stderr(Stdio::null()).spawn().unwrap());
    // Waits that began before perf started cannot be judged: the window opens later.
    std::thread::sleep(Duration::from_secs(4));
    let (before, from_ns) = at_one_moment(&probe);
    std::thread::sleep(Duration::from_secs(5));
    let (after, to_ns) = at_one_moment(&probe);
    std::thread::sleep(Duration::from_millis(200));
    // SAFETY: perf was not waited for yet, so the id is still its own.
    assert_eq!(unsafe { libc::kill(perf.0.id() as i32, libc::SIGINT) }, 0);
    perf.0.wait().unwrap();
    let script =
        Command::new("perf").args(["script", "--ns", "-F", "time,event,trace", "-i"]).arg(&file).output().unwrap();
    std::fs::remove_file(&file).unwrap();
    let events = String::from_utf8_lossy(&script.stdout);
    let witness = fold(&events, from_ns, to_ns);
    let mut ours = after.clone();
    ours.counts.iter_mut().zip(before.counts).for_each(|(a, b)| *a -= b);
    ours.sum_ns -= before.sum_ns;
    let witness_sum: u64 = witness.iter().sum();
    let (theirs, our_count) = (witness.len() as u64, ours.count());
    println!("perf: {theirs} waits, {} s; kpulse: {our_count} waits, {} s", seconds(witness_sum), seconds(ours.sum_ns));
    assert!(theirs > 1000, "too little happened: {theirs}");
    assert!(theirs.abs_diff(our_count) <= theirs / 100, "counts differ by more than 1 %");
    // Both look at the clock at slightly other places, which moves a wait that lies at a bound to its other side.
    for (longer, bound) in longer_than(&ours).into_iter().zip(bounds_ns()).skip(FIRST_EXACT) {
        let longer_by_perf = |bound: u64| witness.iter().filter(|wait| **wait > bound).count() as u64;
        let (least, most) = (longer_by_perf(bound + bound / 50), longer_by_perf(bound - bound / 50));
        let slack = most / 100 + 5;
        assert!(
            longer + slack >= least && longer <= most + slack,
            "over {bound} ns: {longer}, perf has {least} to {most}"
        );
    }
    let sums = seconds(ours.sum_ns) / seconds(witness_sum);
    assert!((0.98..1.02).contains(&sums), "sums differ by {sums}");
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
