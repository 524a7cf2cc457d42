//! A process that is killed in a memory cgroup of its own (root).

mod kernel {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::process::ExitStatusExt;
    use std::path::PathBuf;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use aya::maps::{HashMap, MapData};
    use zerocopy::FromBytes;

    use crate::oom::{Kill, Oom};
    use crate::{EventProbe, Kernel, Probe};

    const LIMIT: u64 = 40 << 20;

    /// A memory cgroup with a limit, and a process in it. Both are gone when dropped.
    struct Limited {
        folder: PathBuf,
        v1: bool,
        child: Child,
    }

    /// Where memory is limited on this machine, and whether that is a v1 hierarchy.
    fn memory_root() -> (PathBuf, bool) {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let mounts: Vec<Vec<&str>> = mounts.lines().map(|line| line.split(' ').collect()).collect();
        let v1 = mounts.iter().find(|m| m[2] == "cgroup" && m[3].split(',').any(|option| option == "memory"));
        if let Some(mount) = v1 {
            return (mount[1].into(), true);
        }
        let root = PathBuf::from(mounts.iter().find(|m| m[2] == "cgroup2").unwrap()[1]);
        std::fs::write(root.join("cgroup.subtree_control"), "+memory").unwrap();
        (root, false)
    }

    /// A process that allocates `megabytes` when it is told to, and holds them until its input ends.
    fn perl(megabytes: u32) -> Child {
        let script =
            format!("$| = 1; <STDIN>; my $n = {megabytes} << 20; my $x = 'a' x $n; print qq(held\\n); <STDIN>");
        Command::new("perl").args(["-e", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
    }

    impl Limited {
        fn start(megabytes: u32) -> Self {
            let (root, v1) = memory_root();
            let folder = root.join(format!("kpulse-oom-{}", std::process::id()));
            std::fs::create_dir(&folder).unwrap();
            let limited = Self { folder, v1, child: perl(megabytes) };
            let limit = if v1 { "memory.limit_in_bytes" } else { "memory.max" };
            std::fs::write(limited.folder.join(limit), LIMIT.to_string()).unwrap();
            limited.join(&limited.child);
            limited
        }

        fn join(&self, child: &Child) {
            std::fs::write(self.folder.join("cgroup.procs"), child.id().to_string()).unwrap();
        }

        /// Lets it allocate and end; the signal that ended it.
        fn allocate(&mut self) -> Option<i32> {
            self.child.stdin.take().unwrap().write_all(b"\n").unwrap();
            self.child.wait().unwrap().signal()
        }

        /// Lets it allocate and stay.
        fn hold(&mut self) {
            self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
            let mut line = String::new();
            BufReader::new(self.child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
            assert_eq!(line, "held\n");
        }

        fn id(&self) -> u64 {
            std::fs::metadata(&self.folder).unwrap().ino()
        }
    }

    impl Drop for Limited {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
            // Others that joined, if a test failed before their end; a cgroup goes only when it is empty.
            for pid in std::fs::read_to_string(self.folder.join("cgroup.procs")).unwrap_or_default().lines() {
                let _ = Command::new("kill").args(["-9", pid]).status();
            }
            let patience = Instant::now() + Duration::from_secs(2);
            while std::fs::remove_dir(&self.folder).is_err() && Instant::now() < patience {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    fn open() -> Oom {
        Oom::open(&mut Kernel::open().unwrap(), Default::default()).unwrap()
    }

    /// The kill of this process, if there is one within five seconds.
    async fn kill_of(probe: &mut Oom, pid: u32) -> Option<Kill> {
        let mut found = None;
        let collect = async {
            while found.is_none() {
                probe.readable().await.unwrap();
                probe.drain(|kill| found = Some(*kill).filter(|kill| kill.pid() == pid).or(found));
            }
        };
        tokio::time::timeout(Duration::from_secs(5), collect).await.ok();
        found
    }

    #[tokio::test]
    async fn a_process_over_its_cgroups_limit_is_named_with_its_cgroup_size_and_trigger() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open();
        let mut limited = Limited::start(200);
        let (id, pid) = (limited.id(), limited.child.id());
        assert_eq!(limited.allocate(), Some(9));
        let kill = kill_of(&mut probe, pid).await.expect("a record within five seconds");
        let victim = kill.victim().unwrap();
        assert_eq!((victim.task.pid, victim.task.comm.as_str(), victim.uid), (pid, "perl", 0));
        let cgroups = victim.task.cgroups;
        let memory_id = if limited.v1 { cgroups.v1_memory } else { Some(cgroups.unified) };
        assert_eq!(memory_id, Some(id));
        // The one process in this cgroup is the only one that can run into its limit.
        assert_eq!(kill.trigger(), victim.task);
        let memory = victim.memory.unwrap();
        // What perl had before it was moved here is charged elsewhere.
        assert!(memory.anon > LIMIT / 2 && memory.anon <= LIMIT + (8 << 20), "{memory:?}");
        assert!(memory.total_vm > 200 << 20 && memory.total_vm < 400 << 20, "{memory:?}");
        assert!(memory.page_tables > 0 && memory.resident() >= memory.anon, "{memory:?}");
        probe.detach();
        let counters = probe.counters();
        assert_eq!(counters.fired, counters.filtered + counters.limited + counters.lost + counters.sent);
        assert_eq!((counters.lost, counters.malformed), (0, 0));
    }

    #[tokio::test]
    async fn who_asked_for_memory_is_told_apart_from_who_was_killed_for_it() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open();
        let mut limited = Limited::start(8);
        limited.hold();
        let victim = limited.child.id();
        std::fs::write(format!("/proc/{victim}/oom_score_adj"), "1000").unwrap();
        let mut greedy = perl(200);
        limited.join(&greedy);
        greedy.stdin.take().unwrap().write_all(b"\n").unwrap();
        // Gone with the next one to be killed: itself.
        assert_eq!(greedy.wait().unwrap().signal(), Some(9));
        assert_eq!(limited.child.wait().unwrap().signal(), Some(9));
        let kill = kill_of(&mut probe, victim).await.expect("a record within five seconds");
        assert_eq!(kill.victim().unwrap().oom_score_adj, 1000);
        assert_eq!(kill.trigger().pid, greedy.id());
    }

    #[tokio::test]
    async fn a_process_below_its_limit_or_killed_by_a_user_gives_no_record() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open();
        let mut small = Limited::start(4);
        assert_eq!(small.allocate(), None);
        drop(small);
        let mut other = Limited::start(4);
        other.child.kill().unwrap();
        assert_eq!(other.child.wait().unwrap().signal(), Some(9));
        let (mut records, pid) = (0, other.child.id());
        probe.detach();
        probe.drain(|kill| records += u32::from(kill.pid() == pid));
        assert_eq!(records, 0);
    }

    /// No kernel here has the older tracepoint; what its program rests on can be seen on any.
    #[tokio::test]
    async fn the_target_of_a_sigkill_is_described_for_kernels_that_name_a_victim_only_by_its_id() {
        let _alone = crate::ALONE.lock().await;
        let mut kernel = Kernel::open().unwrap();
        let mut object = kernel.load("oom", crate::object_bytes!("oom")).unwrap();
        for rung in [crate::oom::KILLS[1], crate::oom::VICTIMS[0]] {
            let live = object.climb(&kernel, "older kernels", &[rung]);
            assert!(live.is_some(), "{:?}", object.report());
        }
        let mut limited = Limited::start(4);
        let pid = limited.child.id();
        // Without this it may be too young to have memory of its own.
        limited.hold();
        limited.child.kill().unwrap();
        let described = object.take::<HashMap<MapData, u64, [u8; 160]>>("oom_killed").unwrap();
        let kills = described.iter().filter_map(|entry| Some(Kill::read_from_prefix(&entry.ok()?.1).ok()?.0));
        let victim = kills.filter_map(|kill| kill.victim()).find(|victim| victim.task.pid == pid).unwrap();
        assert_eq!(victim.task.comm, "perl");
        assert!(victim.memory.unwrap().anon > 0);
    }

    #[tokio::test]
    async fn every_feature_is_live_on_this_kernel() {
        let _alone = crate::ALONE.lock().await;
        for ladder in open().report().features {
            assert!(ladder.live().is_some(), "{ladder:?}");
        }
    }
}
