//! `kpulse profile`: its files say what a program did, and its errors what is wrong.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;
mod profile;

mod kernel {
    use std::io::{BufRead, BufReader, Read};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Output, Stdio};
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use std::time::{Duration, Instant};

    use crate::agent::{PATIENCE, kpulse};
    use crate::profile::{Burning, Program};

    /// 4000 samples would scatter by 0.7 points if they fell at random.
    const ACCURATE: Duration = Duration::from_secs(4);
    const FREQUENCY: &str = "999";
    const TOLERANCE: f64 = 3.0;

    /// Each has the machine for itself, as far as it can.
    static ALONE: Mutex<()> = Mutex::new(());

    fn alone() -> MutexGuard<'static, ()> {
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Beside the program, and gone with it.
    fn beside(program: &Program, name: &str) -> PathBuf {
        program.path.parent().unwrap().join(name)
    }

    /// Records a process until it has used so much CPU time, however long that takes here; what the command said.
    fn record(burning: &Burning, path: &Path, time: Duration) -> String {
        let recording = Recording::of(burning, path);
        await_cpu_time(burning, time);
        recording.signal(libc::SIGINT);
        recording.end()
    }

    fn said(done: &Output) -> String {
        String::from_utf8(done.stderr.clone()).unwrap()
    }

    /// The number before ` samples in`.
    fn samples(said: &str) -> i64 {
        let before = said.split(" samples in").next().unwrap();
        before.rsplit(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("{said}"))
    }

    /// Stacks of a folded file with their counts.
    fn stacks(folded: &str) -> Vec<(&str, i64)> {
        let parts = folded.lines().map(|line| line.rsplit_once(' ').unwrap());
        parts.map(|(stack, count)| (stack, count.parse().unwrap())).collect()
    }

    fn count(stacks: &[(&str, i64)], function: &str) -> i64 {
        let has = |stack: &str| function.is_empty() || stack.split(';').any(|frame| frame == function);
        stacks.iter().filter(|(stack, _)| has(stack)).map(|(_, count)| count).sum()
    }

    fn percent(part: i64, all: i64) -> f64 {
        part as f64 * 100.0 / all as f64
    }

    #[test]
    fn folded_stacks_show_70_to_30_and_hold_every_sample() {
        let _alone = alone();
        let program = Program::build("burn.c");
        let burning = program.start(&["600"]);
        let path = beside(&program, "burn.folded");
        let said = record(&burning, &path, ACCURATE);
        let folded = std::fs::read_to_string(path).unwrap();
        let stacks = stacks(&folded);
        let all = count(&stacks, "");
        assert_eq!(all, samples(&said), "{said}");
        assert!(all > 3900, "{said}");
        for (function, wanted) in [("burn_seventy", 70.0), ("burn_thirty", 30.0)] {
            let share = percent(count(&stacks, function), all);
            assert!((share - wanted).abs() < TOLERANCE, "{function} has {share} %:\n{folded}");
        }
        assert_eq!(count(&stacks, "burn"), all, "no other process:\n{folded}");
    }

    #[test]
    fn pprof_itself_reads_the_same_shares_and_every_sample() {
        let _alone = alone();
        if Command::new("go").arg("version").output().is_err() {
            eprintln!("left out: pprof's own reading, go is not installed");
            return;
        }
        let program = Program::build("burn.c");
        let burning = program.start(&["600"]);
        let path = beside(&program, "burn.pb.gz");
        let said = record(&burning, &path, ACCURATE);
        let pprof = |how: &[&str]| {
            let read =
                Command::new("timeout").args(["60", "go", "tool", "pprof"]).args(how).arg(&path).output().unwrap();
            assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
            String::from_utf8(read.stdout).unwrap()
        };
        let raw = pprof(&["-raw"]);
        assert!(raw.contains("samples/count cpu/nanoseconds") && raw.contains("Period: 1001001"), "{raw}");
        // `  12   12012012: 1 2 3`, and labels below it.
        let listed = raw.split("Samples:").nth(1).unwrap().split("Locations").next().unwrap();
        let counts =
            listed.lines().filter_map(|line| line.split_once(':')?.0.split_whitespace().next()?.parse::<i64>().ok());
        assert_eq!(counts.sum::<i64>(), samples(&said), "{said}{raw}");
        let mapping = raw.split("Mappings").nth(1).unwrap().lines().nth(1).unwrap();
        assert!(mapping.contains(program.path.to_str().unwrap()), "the program is first: {mapping}");
        let top = pprof(&["-top", "-cum", "-sample_index=samples"]);
        for (function, wanted) in [("burn_seventy", 70.0), ("burn_thirty", 30.0)] {
            let line =
                top.lines().find(|line| line.ends_with(&format!(" {function}"))).unwrap_or_else(|| panic!("{top}"));
            let share: f64 = line.split_whitespace().nth(4).unwrap().trim_end_matches('%').parse().unwrap();
            assert!((share - wanted).abs() < TOLERANCE, "{top}");
        }
    }

    /// Every `<title>` of a frame, by a reader that takes nothing but XML.
    const TITLES: &str = "import sys, xml.etree.ElementTree as xml
for title in xml.parse(sys.argv[1]).iter('{http://www.w3.org/2000/svg}title'): print(title.text)";

    #[test]
    fn a_flame_graph_is_xml_with_a_frame_for_each_function_whatever_a_program_calls_itself() {
        let _alone = alone();
        let program = Program::build("burn.c");
        let burning = program.start(&["600", "<&\"\u{1};\u{1b}]]>"]);
        let path = beside(&program, "burn.svg");
        let said = record(&burning, &path, Duration::from_millis(500));
        let read = Command::new("timeout").args(["60", "python3", "-c", TITLES]).arg(&path).output().unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        let titles = String::from_utf8(read.stdout).unwrap();
        for title in
            [format!("all ({} samples, 100%)", samples(&said)), "burn_seventy (".into(), "burn_thirty (".into()]
        {
            assert!(titles.lines().any(|line| line.starts_with(&title)), "no {title} in\n{titles}");
        }
        assert!(titles.lines().any(|line| line.starts_with("<&\" : ]]> (")), "{titles}");
    }

    /// The command while it samples one process; ended in every case.
    struct Recording {
        child: Child,
        said: BufReader<std::process::ChildStderr>,
    }

    impl Recording {
        fn of(burning: &Burning, path: &Path) -> Self {
            let mut command = Command::new(env!("CARGO_BIN_EXE_kpulse"));
            command.args([
                "profile",
                "--duration",
                "1h",
                "--frequency",
                FREQUENCY,
                "--pid",
                &burning.pid().to_string(),
            ]);
            command.arg("-o").arg(path).stdin(Stdio::null()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let mut said = BufReader::new(child.stderr.take().unwrap());
            let mut line = String::new();
            said.read_line(&mut line).unwrap();
            assert!(line.starts_with("sampling "), "{line}");
            Self { child, said }
        }

        fn signal(&self, signal: i32) {
            // SAFETY: the child was not waited for yet, so the id is still its own.
            assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
        }

        /// Waits for its end, and what it said after its first line.
        fn end(mut self) -> String {
            let mut said = String::new();
            self.said.read_to_string(&mut said).unwrap();
            let status = self.child.wait().unwrap();
            assert!(status.success(), "{status}: {said}");
            said
        }
    }

    impl Drop for Recording {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    /// Waits until a process has used so much more CPU time.
    fn await_cpu_time(burning: &Burning, time: Duration) {
        let (start, ticks) = (Instant::now(), time.as_millis() as u64 / 10);
        let used = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", burning.pid())).unwrap();
            stat.rsplit(')').next().unwrap().split_whitespace().nth(11).unwrap().parse::<u64>().unwrap()
        };
        let before = used();
        while used() < before + ticks {
            assert!(start.elapsed() < 3 * PATIENCE, "it gets no CPU");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn asking_for_an_end_writes_what_there_is_until_then() {
        let _alone = alone();
        let program = Program::build("burn.c");
        let burning = program.start(&["600"]);
        for signal in [libc::SIGINT, libc::SIGTERM] {
            let path = beside(&program, "ended.folded");
            let recording = Recording::of(&burning, &path);
            await_cpu_time(&burning, Duration::from_millis(500));
            recording.signal(signal);
            let said = recording.end();
            let folded = std::fs::read_to_string(&path).unwrap();
            let all = count(&stacks(&folded), "burn");
            assert!(all > 450 && all == samples(&said), "half a second at 999 Hz:\n{folded}{said}");
            std::fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn a_recording_ends_with_its_process_although_nobody_asked_for_the_exit_code_yet() {
        let _alone = alone();
        let program = Program::build("burn.c");
        let mut burning = program.start(&["600"]);
        let path = beside(&program, "ended.folded");
        let recording = Recording::of(&burning, &path);
        await_cpu_time(&burning, Duration::from_millis(500));
        burning.0.kill().unwrap();
        recording.end();
        assert!(count(&stacks(&std::fs::read_to_string(path).unwrap()), "burn_seventy") > 200);
    }

    #[test]
    fn a_minus_prints_folded_stacks_and_nothing_else() {
        let _alone = alone();
        let program = Program::build("burn.c");
        let burning = program.start(&["600"]);
        let done = kpulse(&["profile", "--pid", &burning.pid().to_string(), "--duration", "3s", "-o", "-"]);
        let printed = String::from_utf8(done.stdout.clone()).unwrap();
        assert_eq!(count(&stacks(&printed), ""), samples(&said(&done)), "{printed}");
    }

    #[test]
    fn the_command_says_what_is_wrong_before_it_samples() {
        let error = |arguments: &[&str]| {
            let done = kpulse(&[&["profile"], arguments].concat());
            assert_eq!(done.status.code(), Some(1));
            assert!(!said(&done).contains("sampling"), "{}", said(&done));
            said(&done)
        };
        assert!(error(&["-o", "x.png"]).contains(".svg (flame graph), .pb.gz (pprof), .folded"));
        assert!(error(&["-o", "/nonexistent/x.svg"]).contains("cannot write /nonexistent/x.svg: No such file"));
        assert!(error(&["-o", "x.svg", "--pid", "4194305"]).contains("there is no process 4194305"));
        assert!(error(&["-o", "x.svg", "--pid", "0"]).contains("there is no process 0"));
        assert!(error(&["-o", "x.svg", "--duration", "5"]).contains("a unit is missing"));
        assert!(error(&["-o", "x.svg", "--duration", "0s"]).contains("must be greater than zero"));
        for frequency in ["0", "10001"] {
            assert!(
                error(&["-o", "x.svg", "--frequency", frequency]).contains(&format!("{frequency} is not in 1..=10000"))
            );
        }
        let of_thread = || {
            let thread = std::fs::read_link("/proc/thread-self").unwrap();
            let thread = thread.file_name().unwrap().to_str().unwrap();
            let wanted = format!("{thread} is a thread of process {}", std::process::id());
            assert!(error(&["-o", "x.svg", "--pid", thread]).contains(&wanted));
        };
        std::thread::scope(|scope| scope.spawn(of_thread).join().unwrap());
        assert!(!Path::new("x.svg").exists());
    }

    #[test]
    fn without_the_rights_one_line_says_which_and_no_file_is_left() {
        let path = std::env::temp_dir().join(format!("kpulse-refused-{}.svg", std::process::id()));
        let mut command = Command::new("timeout");
        command.args(["20", "setpriv", "--bounding-set=-all", "--inh-caps=-all", env!("CARGO_BIN_EXE_kpulse")]);
        let done = command.args(["profile", "--duration", "1h", "-o"]).arg(&path).output().unwrap();
        assert_eq!(done.status.code(), Some(1));
        let said = said(&done);
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains("not allowed to load eBPF: run as root, or with the capabilities"), "{said}");
        assert!(!path.exists());
    }

    #[test]
    fn a_reader_that_goes_away_is_an_error_and_no_panic() {
        let _alone = alone();
        let program = Program::build("burn.c");
        let burning = program.start(&["600"]);
        let mut command = Command::new(env!("CARGO_BIN_EXE_kpulse"));
        command.args(["profile", "--pid", &burning.pid().to_string(), "--duration", "3s", "-o", "-"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let done = child.wait_with_output().unwrap();
        assert_eq!(done.status.code(), Some(1));
        assert!(said(&done).contains("cannot write standard output: Broken pipe"), "{}", said(&done));
    }
}
