//! Profiles of programs whose profile is known.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;
mod profile;

mod kernel {
    use crate::profile::{Program, Sample, profiler, samples};

    /// Shares of functions in the samples of a process, in percent.
    fn shares<const N: usize>(samples: &[Sample], pid: u32, names: [&str; N]) -> [f64; N] {
        let own = || samples.iter().filter(|sample| sample.is_of(pid));
        let total: i64 = own().map(|sample| sample.count).sum();
        names.map(|name| {
            let with = own().filter(|sample| sample.depth_of(name).is_some());
            with.map(|sample| sample.count).sum::<i64>() as f64 * 100.0 / total as f64
        })
    }

    fn stop(agent: &mut crate::agent::Agent) -> Vec<Sample> {
        agent.signal(libc::SIGTERM);
        assert!(agent.ended().success());
        samples(agent)
    }

    #[test]
    fn a_program_that_burns_70_to_30_in_two_functions_shows_that_and_as_much_time_as_it_used() {
        let program = Program::build("burn.c");
        let mut agent = profiler(499);
        let mut burning = program.start(&["5"]);
        let spent = burning.output();
        let spent: Vec<f64> = spent.split_whitespace().map(|seconds| seconds.parse().unwrap()).collect();
        let samples = stop(&mut agent);
        let shares = shares(&samples, burning.pid(), ["burn_seventy", "burn_thirty"]);
        let witness = [0, 1].map(|function| spent[function] * 100.0 / (spent[0] + spent[1]));
        for (wanted, (share, witness)) in [70.0, 30.0].into_iter().zip(shares.into_iter().zip(witness)) {
            assert!((share - wanted).abs() < 3.0 && (share - witness).abs() < 3.0, "{shares:?} {spent:?}");
        }
        let own: Vec<_> = samples.iter().filter(|sample| sample.is_of(burning.pid())).collect();
        let seconds = own.iter().map(|s| s.count * s.period_ns).sum::<i64>() as f64 / 1e9;
        let (used, difference) = (spent[0] + spent[1], seconds - (spent[0] + spent[1]));
        assert!(difference.abs() < 0.1 * used, "{seconds} s sampled, {used} s used");
        // In its first and last instructions a function has no frame yet, or no longer, and hides its caller.
        let of_main = |sample: &&&Sample| sample.depth_of("burn_thirty") < sample.depth_of("main");
        let in_thirty = own.iter().filter(|sample| sample.depth_of("burn_thirty").is_some());
        let count = |samples: Vec<&&Sample>| samples.iter().map(|sample| sample.count).sum::<i64>();
        let (all, with_main) = (count(in_thirty.clone().collect()), count(in_thirty.clone().filter(of_main).collect()));
        assert!(with_main * 100 > all * 97, "{with_main} of {all} below main");
        for sample in in_thirty.filter(of_main) {
            assert_eq!(
                (sample.attribute("process.executable.name"), sample.attribute("thread.name")),
                ("burn", "burn")
            );
            let frame = sample.frames.iter().find(|frame| frame.functions.contains(&"main".into())).unwrap();
            assert_eq!((frame.kind.as_str(), frame.file.as_str()), ("native", program.path.to_str().unwrap()));
            assert!(frame.range.0 <= frame.address && frame.address < frame.range.1, "{frame:?}");
            assert_eq!(frame.mapping[0].0, "process.executable.build_id.gnu");
        }
    }
}
