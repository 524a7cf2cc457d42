//! Samples of this kernel (root).

mod kernel {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    use crate::profile::{Profile, Settings};
    use crate::{Kernel, Probe};

    /// Ends the load of a test.
    static STOP: AtomicBool = AtomicBool::new(false);

    fn open(settings: Settings) -> Profile {
        Profile::open(&mut Kernel::open().unwrap(), settings).unwrap()
    }

    fn spin(duration: Duration) {
        let end = Instant::now() + duration;
        while Instant::now() < end {
            std::hint::spin_loop();
        }
    }

    /// What the kernel accounts to this process.
    fn cpu_seconds() -> f64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the kernel writes a timespec to where one is.
        assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) }, 0);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    }

    #[tokio::test]
    async fn a_busy_thread_is_sampled_at_the_frequency_and_every_sample_is_accounted_for() {
        let _alone = crate::ALONE.lock().await;
        let process = std::process::id();
        let before = cpu_seconds();
        let mut probe = open(Settings { frequency_hz: 199, process: Some(process) });
        let mut samples = Vec::new();
        for _ in 0..4 {
            tokio::task::spawn_blocking(|| spin(Duration::from_millis(500))).await.unwrap();
            samples.extend(probe.take().await.unwrap());
        }
        probe.detach();
        samples.extend(probe.take_rest().unwrap());
        let wanted = (cpu_seconds() - before) * 199.0;
        let counters = probe.counters();
        assert_eq!(counters.fired, counters.filtered + counters.limited + counters.lost + counters.sent);
        assert_eq!(counters.lost, 0);
        assert_eq!(samples.iter().map(|s| s.count).sum::<u64>(), counters.sent);
        assert!(samples.iter().all(|s| s.process.pid == process));
        // All threads of this process count, of which other tests may have some. Periods that a slow (emulated) CPU
        // lets pass are one sample.
        let sent = counters.sent as f64;
        assert!(sent > 30.0 && sent > wanted * 0.4 && sent < wanted * 1.1, "{counters:?}, of {wanted}");
        assert!(probe.newcomers().contains(&process));
        assert!(samples.iter().any(|s| !s.user.is_empty()));
    }

    #[tokio::test]
    async fn samples_for_which_the_table_has_no_room_are_counted_as_lost() {
        let _alone = crate::ALONE.lock().await;
        let settings = Settings { frequency_hz: 99, process: Some(std::process::id()) };
        let mut probe = open(settings);
        let end = Instant::now() + Duration::from_secs(60);
        // The table counts by thread: each of these is met once or twice.
        let burn = move || {
            while Instant::now() < end && !STOP.load(Ordering::Relaxed) {
                std::thread::spawn(|| spin(Duration::from_millis(20))).join().unwrap();
            }
        };
        let burning = [(); 2].map(|()| std::thread::spawn(burn));
        // Nobody reads.
        while probe.counters().lost == 0 && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        STOP.store(true, Ordering::Relaxed);
        burning.into_iter().for_each(|thread| thread.join().unwrap());
        probe.detach();
        let counters = probe.counters();
        let kept: u64 = probe.take_rest().unwrap().iter().map(|sample| sample.count).sum();
        assert!(counters.lost > 0, "{counters:?}");
        assert_eq!(counters.fired, counters.filtered + counters.limited + counters.lost + counters.sent);
        assert_eq!(kept, counters.sent);
        assert!(counters.sent * 10 >= u64::from(settings.table()) * 9, "{counters:?}");
    }
}
