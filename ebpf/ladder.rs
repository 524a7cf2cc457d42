//! Ladders of hooks: what was tried for a feature, in order, and which one is live.

/// Where a program can attach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hook {
    /// A typed raw tracepoint.
    TpBtf(&'static str),
    /// The return of a kernel function. Some kernels are built without, so never the first rung.
    FExit(&'static str),
    /// Socket creation below the root of the unified cgroup hierarchy.
    CgroupSockCreate,
    /// One run over all open files.
    IterTaskFile,
    /// A run over all sockets with storage in this map, whenever it is asked for.
    IterStorage(&'static str),
    /// A timer on every CPU.
    CpuClock {
        /// Time between two runs on one CPU.
        period_ns: u64,
    },
}

impl std::fmt::Display for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TpBtf(name) => write!(f, "tp_btf/{name}"),
            Self::FExit(name) => write!(f, "fexit/{name}"),
            Self::CgroupSockCreate => f.write_str("cgroup/sock_create"),
            Self::IterTaskFile => f.write_str("iter/task_file"),
            Self::IterStorage(_) => f.write_str("iter/bpf_sk_storage_map"),
            Self::CpuClock { period_ns } => write!(f, "perf_event/cpu-clock, every {period_ns} ns"),
        }
    }
}

/// One step of a ladder: a program and the hook it is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rung {
    pub program: &'static str,
    pub hook: Hook,
}

/// One try to attach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The hook, e.g. `tp_btf/sched_switch`.
    pub hook: String,
    /// The program's name.
    pub program: &'static str,
    /// Why it failed; `None` when it is live.
    pub error: Option<String>,
}

/// What became of one feature: the hooks that were tried, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    /// What the hooks are for.
    pub feature: &'static str,
    /// Up to and including the first that worked.
    pub attempts: Vec<Attempt>,
}

impl Ladder {
    /// The hook that is live.
    pub fn live(&self) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.error.is_none())
    }

    /// Every failure in one line.
    pub fn failures(&self) -> String {
        let failed = self.attempts.iter().filter_map(|a| Some(format!("{}: {}", a.hook, a.error.as_ref()?)));
        failed.collect::<Vec<_>>().join("; ")
    }
}
