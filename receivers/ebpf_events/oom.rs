//! `linux.memory.oom_kill`: one record per process that the kernel killed for want of memory.

use config::{Decoder, Rules};
use ebpf::oom::{Kill, Memory, Oom, Settings, Victim};
use ebpf::{Cgroups, Clock, Kernel, OpenError, Rate, Task};
use identity::{CgroupFs, MemoryLimit};
use pipeline::proto::common::v1::{AnyValue, KeyValue, any_value::Value};
use pipeline::proto::logs::v1::{LogRecord, SeverityNumber};

use super::parts::process;
use crate::containers::Containers;
use crate::conventions::*;

config::settings! {
    /// Processes that the kernel killed for want of memory.
    pub struct Config {
        /// Records a second; 0 takes the limit off. Held in the kernel.
        pub rate: u32 = Settings::default().rate.per_second,
        /// Records at once.
        pub burst: u32 = Settings::default().rate.burst,
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.burst == 0 {
            decoder.at("burst", |d| d.error("must be at least 1"));
        }
    }
}

/// The probe, and the files that say what a cgroup may use.
pub struct Source {
    probe: Oom,
    cgroups: CgroupFs,
}

impl super::Source for Source {
    const NAME: &'static str = "oom";
    type Config = Config;
    type Probe = Oom;
    type Event = Kill;

    fn open(kernel: &mut Kernel, config: &Config) -> Result<Self, OpenError> {
        let rate = Rate { per_second: config.rate, burst: config.burst };
        Ok(Self { probe: Oom::open(kernel, Settings { rate })?, cgroups: CgroupFs::mounted() })
    }

    fn probe(&mut self) -> &mut Oom {
        &mut self.probe
    }

    fn cgroups(kill: &Kill) -> Option<Cgroups> {
        kill.cgroups()
    }

    fn addresses(_: &Kill) -> Vec<u64> {
        Vec::new()
    }

    fn record(&self, kill: &Kill, _: &[String], clock: &mut Clock, containers: &Containers) -> LogRecord {
        let limit = kill.cgroups().and_then(|ids| self.cgroups.memory_limit(ids.unified, ids.v1_memory));
        let mut attributes = victim(kill);
        attributes.extend(limit.iter().flat_map(limited));
        attributes.extend(trigger(&kill.trigger(), containers));
        attributes.push(int(CPU, kill.header.cpu));
        LogRecord {
            time_unix_nano: clock.unix_ns(kill.header.mono_ns),
            observed_time_unix_nano: clock.now_unix_ns(),
            severity_number: SeverityNumber::Error.into(),
            severity_text: "ERROR".into(),
            body: Some(AnyValue { value: Some(Value::StringValue(sentence(kill, limit.as_ref()))) }),
            attributes,
            event_name: OOM_KILL.into(),
            ..LogRecord::default()
        }
    }
}

/// What is known of the victim.
fn victim(kill: &Kill) -> Vec<KeyValue> {
    let Some(Victim { task, uid, oom_score_adj, memory }) = kill.victim() else {
        return vec![int(PROCESS_PID, kill.pid())];
    };
    let mut attributes = process(&task);
    attributes.extend([int(PROCESS_REAL_USER_ID, uid), int(OOM_SCORE_ADJ, oom_score_adj)]);
    attributes.push(size(CGROUP_ID, task.cgroups.unified));
    attributes.extend(task.cgroups.v1_memory.map(|id| size(CGROUP_V1_MEMORY_ID, id)));
    attributes.extend(memory.iter().flat_map(sizes));
    attributes
}

fn sizes(memory: &Memory) -> [KeyValue; 6] {
    [
        size(MEMORY_RESIDENT, memory.resident()),
        size(MEMORY_ANON, memory.anon),
        size(MEMORY_FILE, memory.file),
        size(MEMORY_SHMEM, memory.shmem),
        size(MEMORY_VIRTUAL, memory.total_vm),
        size(MEMORY_PAGE_TABLES, memory.page_tables),
    ]
}

fn limited(limit: &MemoryLimit) -> [KeyValue; 3] {
    [
        text(MEMORY_CGROUP_PATH, &limit.path),
        size(MEMORY_CGROUP_LIMIT, limit.limit),
        size(MEMORY_CGROUP_USAGE, limit.usage),
    ]
}

fn trigger(task: &Task, containers: &Containers) -> Vec<KeyValue> {
    let Cgroups { unified, v1_memory } = task.cgroups;
    let container = containers.find(task.cgroups);
    let mut attributes = vec![int(TRIGGER_PID, task.pid), text(TRIGGER_NAME, &task.comm)];
    attributes.push(size(TRIGGER_CGROUP_ID, unified));
    attributes.extend(v1_memory.map(|id| size(TRIGGER_CGROUP_V1_MEMORY_ID, id)));
    attributes.extend(container.map(|container| text(TRIGGER_CONTAINER_ID, container.id)));
    attributes
}

/// Sizes and ids are far below what a signed number holds.
fn size(key: &str, value: u64) -> KeyValue {
    int(key, i64::try_from(value).unwrap_or(i64::MAX))
}

/// `perl (4711) was killed, out of memory: 48.9 MiB resident; cgroup /app uses 49.0 of 50.0 MiB; memory was asked for by perl (4711)`
fn sentence(kill: &Kill, limit: Option<&MemoryLimit>) -> String {
    let mebibytes = |bytes: u64| format!("{:.1}", bytes as f64 / f64::from(1 << 20));
    let victim = kill.victim();
    let name = victim.as_ref().map_or_else(|| "process".to_owned(), |victim| victim.task.comm.clone());
    let mut line = format!("{name} ({}) was killed, out of memory", kill.pid());
    if let Some(memory) = victim.and_then(|victim| victim.memory) {
        line += &format!(": {} MiB resident", mebibytes(memory.resident()));
    }
    if let Some(MemoryLimit { path, limit, usage }) = limit {
        line += &format!("; cgroup {path} uses {} of {} MiB", mebibytes(*usage), mebibytes(*limit));
    }
    let trigger = kill.trigger();
    line + &format!("; memory was asked for by {} ({})", trigger.comm, trigger.pid)
}
