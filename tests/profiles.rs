//! Profiles of programs whose profile is known.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod agent;
mod profile;

mod kernel {
    use std::path::PathBuf;
    use std::process::{Command, Stdio};

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
        // 5000 samples would scatter by 0.65 points if they fell at random; five times that is the tolerance.
        let program = Program::build("burn.c");
        let mut agent = profiler(999);
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

    fn of_process<'a>(samples: &'a [Sample], name: &str) -> Vec<&'a Sample> {
        samples.iter().filter(|sample| sample.attribute("process.executable.name") == name).collect()
    }

    #[test]
    fn functions_that_rust_inlined_are_frames_of_their_own_and_called_rust() {
        let program = Program::build("inlined.rs");
        let mut agent = profiler(199);
        program.start(&["2"]).output();
        let samples = stop(&mut agent);
        let own = of_process(&samples, "inlined");
        let in_loop: Vec<_> = own.iter().filter(|sample| sample.depth_of("innermost").is_some()).collect();
        let count = |samples: &[&&Sample]| samples.iter().map(|sample| sample.count).sum::<i64>();
        let all: i64 = own.iter().map(|sample| sample.count).sum();
        assert!(all > 15 && count(&in_loop) * 10 > all * 9, "{} of {all}", count(&in_loop));
        for sample in in_loop {
            let depths = ["innermost", "between", "outermost"].map(|name| sample.depth_of(name));
            assert!(depths[0] < depths[1] && depths[1] < depths[2], "{sample:?}");
            let frame = sample.frames.iter().find(|frame| frame.functions.len() >= 3).unwrap();
            assert_eq!(frame.kind, "rust");
            assert_eq!(frame.functions.last().unwrap(), "inlined::outermost", "{frame:?}");
        }
    }

    /// A cgroup as a container runtime would name it; removed when dropped.
    struct Cgroup(PathBuf);

    const CONTAINER: &str = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
    const POD: &str = "0f1e2d3c-0000-4444-8888-0123456789ab";

    impl Cgroup {
        fn create() -> Self {
            let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
            let mut mounts = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
            let root = PathBuf::from(mounts.find(|mount| mount[2] == "cgroup2").unwrap()[1]);
            let folder = root.join(format!("kubepods-test/pod{POD}/{CONTAINER}"));
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Cgroup {
        fn drop(&mut self) {
            let folders = self.0.ancestors().take(3);
            folders.for_each(|folder| _ = std::fs::remove_dir(folder));
        }
    }

    /// Runs a script as a container would be: in the cgroup, with mounts and process ids of its own.
    fn contained(cgroup: &Cgroup, script: &str) {
        let script = format!("echo $$ > {}/cgroup.procs && mount -t tmpfs none /tmp && {script}", cgroup.0.display());
        let unshare = ["20", "unshare", "--mount", "--pid", "--fork", "--propagation", "private", "sh", "-c"];
        assert!(Command::new("timeout").args(unshare).arg(script).stdout(Stdio::null()).status().unwrap().success());
    }

    #[test]
    fn a_container_has_a_resource_and_its_own_files_and_generated_code_have_names() {
        let (burn, compiled) = (Program::build("burn.c"), Program::build("compiled.c"));
        // Below /tmp a container has files of its own: the programs come in by another folder.
        let mut agent = profiler(199);
        let cgroup = Cgroup::create();
        let copy = |program: &Program| std::fs::read(&program.path).unwrap();
        let stash = PathBuf::from("/var/tmp").join(format!("kpulse-programs-{}", std::process::id()));
        std::fs::create_dir_all(&stash).unwrap();
        for (name, program) in [("contained", &burn), ("compiled", &compiled)] {
            std::fs::write(stash.join(name), copy(program)).unwrap();
        }
        let folder = stash.display();
        let run = |name: &str, seconds: u32| {
            contained(
                &cgroup,
                &format!("cp {folder}/{name} /tmp/{name} && chmod +x /tmp/{name} && /tmp/{name} {seconds}"),
            );
        };
        run("contained", 1);
        run("compiled", 1);
        std::fs::remove_dir_all(&stash).unwrap();
        let samples = stop(&mut agent);
        let of_program = of_process(&samples, "contained");
        assert!(of_program.iter().any(|sample| sample.depth_of("burn_seventy").is_some()), "{of_program:?}");
        for sample in of_program.iter().filter(|sample| sample.depth_of("burn_seventy").is_some()) {
            assert_eq!((sample.resource("container.id"), sample.resource("k8s.pod.uid")), (Some(CONTAINER), Some(POD)));
            assert!(sample.frames.iter().any(|frame| frame.file == "/tmp/contained"), "{sample:?}");
        }
        let generated = of_process(&samples, "compiled");
        let count = |samples: &mut dyn Iterator<Item = &&Sample>| samples.map(|sample| sample.count).sum::<i64>();
        let named = generated.iter().filter(|sample| sample.depth_of("Lorg/example/Hot;::spin (no args)").is_some());
        let (named, all) = (count(&mut { named }), count(&mut generated.iter()));
        assert!(all > 15 && named * 10 > all * 8, "{named} of {all}: {generated:?}");
        assert!(generated.iter().all(|sample| sample.resource("container.id") == Some(CONTAINER)));
    }

    #[test]
    fn a_process_that_ended_and_whose_file_was_deleted_before_it_was_looked_at_still_has_names() {
        let program = Program::build("burn.c");
        let mut agent = profiler(199);
        for _ in 0..5 {
            let mut burning = program.start(&["0.4"]);
            burning.output();
        }
        drop(program);
        let samples = stop(&mut agent);
        let own = of_process(&samples, "burn");
        let all: i64 = own.iter().map(|sample| sample.count).sum();
        let named = own.iter().filter(|s| s.depth_of("burn_seventy").or(s.depth_of("burn_thirty")).is_some());
        let named: i64 = named.map(|sample| sample.count).sum();
        // The rest is exec, the loader and the end, and one process that a busy machine let end before it was looked at.
        assert!(all > 30 && named * 10 > all * 7, "{named} of {all}: {own:?}");
    }

    #[test]
    fn code_of_a_stripped_program_is_counted_under_its_file_and_gets_nobody_elses_name() {
        let program = Program::build("burn.c");
        let strip = Command::new("strip").arg(&program.path).status().unwrap();
        assert!(strip.success());
        let mut agent = profiler(199);
        program.start(&["1"]).output();
        let samples = stop(&mut agent);
        let own = of_process(&samples, "burn");
        let all: i64 = own.iter().map(|sample| sample.count).sum();
        let in_program = own.iter().filter(|sample| {
            let leaf = sample.frames.iter().find(|frame| frame.kind != "kernel");
            leaf.is_some_and(|leaf| leaf.file == program.path.to_str().unwrap())
        });
        let mut counted = 0;
        for sample in in_program {
            let frame = sample.frames.iter().find(|frame| frame.kind != "kernel").unwrap();
            assert!(frame.functions.is_empty(), "{frame:?}");
            assert!(frame.mapping.iter().any(|(key, _)| key == "process.executable.build_id.gnu"), "{frame:?}");
            counted += sample.count;
        }
        assert!(all > 15 && counted * 10 > all * 8, "{counted} of {all}: {own:?}");
    }

    #[test]
    fn every_sample_is_accounted_for_in_the_agents_own_metrics() {
        let program = Program::build("burn.c");
        let mut agent = profiler(499);
        program.start(&["2"]).output();
        agent.wait_for("samples to be counted", |agent| Accounts::read(agent).sent > 500);
        let Accounts { fired, sent, dropped } = Accounts::read(&agent);
        // The kernel goes on sampling on each CPU while it adds them up one after the other.
        assert!(fired.abs_diff(sent + dropped) < 10, "{fired} fired, {sent} sent, {dropped} dropped");
        let written: i64 = stop(&mut agent).iter().map(|sample| sample.count).sum();
        assert!(written as u64 >= sent, "{written} of {sent} at least were written");
    }

    /// Where the probe's samples went.
    struct Accounts {
        fired: u64,
        sent: u64,
        dropped: u64,
    }

    impl Accounts {
        /// Of one page, on which all are of the same moment.
        fn read(agent: &crate::agent::Agent) -> Self {
            let page = crate::agent::scrape(agent.own);
            let probe = page.lines().filter(|line| line.contains("probe=\"profile\""));
            let sum = |what: &str| {
                let lines = probe.clone().filter(|line| line.starts_with("kpulse_probe_") && line.contains(what));
                lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
            };
            let missed: u64 = sum("reason=\"missed\"");
            Self { fired: sum("fired_events") + missed, sent: sum("sent_events"), dropped: sum("dropped_events") }
        }
    }
}
