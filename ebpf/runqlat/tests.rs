//! Needs root: the program runs on this kernel and is compared with what the threads themselves saw.

#[path = "perf_tests.rs"]
mod perf;

mod kernel {
    use std::io::{Read, Write};
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use crate::histogram::bounds_ns;
    use crate::runqlat::{Apart, Runqlat};
    use crate::{Histogram, Kernel, Probe};

    fn open() -> Runqlat {
        Runqlat::open(&mut Kernel::open().unwrap(), Apart::Nobody).unwrap()
    }

    fn pin(cpu: usize) {
        // SAFETY: an all-zero cpu_set_t is an empty set.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: `set` is valid and `cpu` is far below its size.
        unsafe { libc::CPU_SET(cpu, &mut set) };
        // SAFETY: applies to the calling thread only.
        assert_eq!(unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) }, 0);
    }

    fn since(before: &Histogram, after: &Histogram) -> Histogram {
        let mut delta = after.clone();
        delta.sum_ns -= before.sum_ns;
        delta.counts.iter_mut().zip(before.counts).for_each(|(a, b)| *a -= b);
        delta
    }

    #[test]
    fn every_wake_up_of_a_counted_ping_pong_is_in_the_histogram() {
        let _alone = crate::ALONE.blocking_lock();
        const ROUNDS: u64 = 100_000;
        let probe = open();
        let (mut ping_in, mut ping_out) = std::io::pipe().unwrap();
        let (mut pong_in, mut pong_out) = std::io::pipe().unwrap();
        let before = probe.host().unwrap();
        let start = Instant::now();
        let echo = std::thread::spawn(move || {
            pin(0);
            let mut byte = [0];
            for _ in 0..ROUNDS {
                ping_in.read_exact(&mut byte).unwrap();
                pong_out.write_all(&byte).unwrap();
            }
        });
        pin(0);
        let mut byte = [0];
        for _ in 0..ROUNDS {
            ping_out.write_all(&[1]).unwrap();
            pong_in.read_exact(&mut byte).unwrap();
        }
        echo.join().unwrap();
        let took = start.elapsed();
        let counted = since(&before, &probe.host().unwrap()).count();
        // What the rest of the machine does meanwhile comes on top: measured right after, for as long.
        let before = probe.host().unwrap();
        std::thread::sleep(took);
        let others = since(&before, &probe.host().unwrap()).count();
        let expected = 2 * ROUNDS;
        assert!(counted >= expected * 99 / 100, "{counted} of {expected}, others {others}");
        assert!(counted <= expected * 101 / 100 + 3 * others + 1000, "{counted} of {expected}, others {others}");
    }

    /// Keeps CPU 0 from everybody of normal priority until `end`.
    fn hog(end: Instant) -> std::thread::JoinHandle<bool> {
        std::thread::spawn(move || {
            pin(0);
            let priority = libc::sched_param { sched_priority: 1 };
            // SAFETY: valid parameters for the calling thread.
            let real_time = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const priority) } == 0;
            while Instant::now() < end {
                std::hint::spin_loop();
            }
            real_time
        })
    }

    #[test]
    fn a_wait_of_known_length_is_found_in_the_slot_of_that_length() {
        let _alone = crate::ALONE.blocking_lock();
        let probe = open();
        pin(0);
        let before = probe.host().unwrap();
        let start = Instant::now();
        let hog = hog(start + Duration::from_millis(80));
        // Asleep until the hog runs; the timer then makes us runnable while it spins.
        let wanted = Duration::from_millis(30);
        std::thread::sleep(wanted);
        let late = start.elapsed() - wanted;
        assert!(hog.join().unwrap(), "real-time priority was refused");
        let delta = since(&before, &probe.host().unwrap());
        assert!(late > Duration::from_millis(40), "the hog did not hog: late by {late:?}");
        let near = |ns: u64| bounds_ns().partition_point(|bound| *bound < ns);
        let (low, high) = (late.mul_f64(0.95).as_nanos() as u64, late.as_nanos() as u64);
        let found: u64 = delta.counts[near(low)..=near(high)].iter().sum();
        assert!(found >= 1, "late by {late:?}: {delta:?}");
    }

    #[test]
    fn doctor_learns_the_hooks_and_the_memory() {
        let _alone = crate::ALONE.blocking_lock();
        let report = open().report();
        assert_eq!(report.features.len(), 3);
        assert!(report.features.iter().all(|ladder| ladder.live().is_some()));
        assert!(report.maps.iter().any(|map| map.name == "runqlat_host" && map.bytes > 0), "{:?}", report.maps);
    }

    /// A cgroup with one process in it that echoes. Both are gone when dropped.
    struct Echo {
        folder: PathBuf,
        child: Child,
    }

    impl Echo {
        fn below(root: &Path) -> Self {
            let folder = root.join(format!("kpulse-runqlat-{}", std::process::id()));
            std::fs::create_dir(&folder).unwrap();
            let child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            let echo = Self { folder, child };
            std::fs::write(echo.folder.join("cgroup.procs"), echo.child.id().to_string()).unwrap();
            echo
        }

        fn rounds(&mut self, rounds: u64) {
            let mut byte = [0];
            for _ in 0..rounds {
                self.child.stdin.as_mut().unwrap().write_all(&[1]).unwrap();
                self.child.stdout.as_mut().unwrap().read_exact(&mut byte).unwrap();
            }
        }

        /// How often it was taken off a CPU, by the kernel's own count: as often it waits for one.
        fn switches(&self) -> u64 {
            let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
            let counts = status.lines().filter_map(|line| line.split_once("ctxt_switches:"));
            counts.map(|(_, count)| count.trim().parse::<u64>().unwrap()).sum()
        }
    }

    impl Drop for Echo {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
            let _ = std::fs::remove_dir(&self.folder);
        }
    }

    fn the_waits_of_a_cgroup_are_as_many_as_its_switches(root: &str, apart: Apart) {
        let _alone = crate::ALONE.blocking_lock();
        let mut probe = Runqlat::open(&mut Kernel::open().unwrap(), apart).unwrap();
        let mut echo = Echo::below(Path::new(root));
        let id = std::fs::metadata(&echo.folder).unwrap().ino();
        echo.rounds(10);
        probe.watch(id).unwrap();
        let before = echo.switches();
        echo.rounds(2000);
        let (waits, switches) = (probe.unwatch(id).unwrap().count(), echo.switches() - before);
        assert!(waits >= 1000, "{waits} waits");
        assert!(waits.abs_diff(switches) <= switches / 100, "{waits} waits, {switches} switches");
        assert!(probe.cgroup(id).is_err(), "it is not watched any more");
    }

    fn mounted(wanted: impl Fn(&str, &str) -> bool) -> Option<String> {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let mut mounts = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        mounts.find(|m| wanted(m[2], m[3])).map(|m| m[1].to_owned())
    }

    #[test]
    fn waits_in_a_cgroup_of_the_unified_hierarchy_are_counted_apart() {
        let root = mounted(|kind, _| kind == "cgroup2").unwrap();
        the_waits_of_a_cgroup_are_as_many_as_its_switches(&root, Apart::UnifiedCgroups);
    }

    #[test]
    fn waits_in_a_cgroup_of_the_v1_memory_hierarchy_are_counted_apart() {
        // A host has it or not; the kernel that `make kernels` boots has not.
        if let Some(root) = mounted(|kind, options| kind == "cgroup" && options.split(',').any(|o| o == "memory")) {
            the_waits_of_a_cgroup_are_as_many_as_its_switches(&root, Apart::V1Cgroups);
        }
    }
}
