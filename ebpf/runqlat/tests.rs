//! Needs root: the program runs on this kernel and is compared with what the threads themselves saw.

#[path = "perf_tests.rs"]
mod perf;

mod kernel {
    use std::io::{Read, Write};
    use std::time::{Duration, Instant};

    use crate::histogram::bounds_ns;
    use crate::runqlat::Runqlat;
    use crate::{Histogram, Kernel, Probe};

    fn open() -> Runqlat {
        Runqlat::open(&mut Kernel::open().unwrap()).unwrap()
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
}
