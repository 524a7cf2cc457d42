//! Samples to one profile per container: equal ones are counted, what they have in common stands in the dictionary.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use ebpf::profile::Resolved;
use ebpf::stacks::{self, Frame, Kind};
use identity::Container;
use pipeline::profiles::Dictionary;
use pipeline::proto::ProfilesRequest;
use pipeline::proto::common::v1::{AnyValue, any_value::Value};
use pipeline::proto::profiles::v1development::{
    Function, Line, Location, Mapping, Profile, ResourceProfiles, Sample, ScopeProfiles, ValueType,
};
use pipeline::{Batch, Origin};

use crate::containers::Containers;
use crate::conventions::*;
use crate::resource::{Host, scope};

/// Different samples and locations of one request; it has some megabytes then.
const SAMPLES_AT_MOST: usize = 20_000;
const LOCATIONS_AT_MOST: usize = 100_000;
/// Stands for the kernel where files stand for processes, as `perf` calls it.
const KERNEL: &str = "[kernel.kallsyms]";
/// Stands for callers that are missing.
const TRUNCATED: &str = "[truncated]";

/// What samples have in common, by places in the dictionary.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Same {
    stack: i32,
    attributes: Vec<i32>,
}

/// Counts by container.
type Counts = HashMap<Option<Container>, HashMap<Same, i64>>;

/// Profiles of one interval while they grow.
pub struct Fold {
    period: Duration,
    start_unix_ns: u64,
    host: Host,
    containers: Containers,
    dictionary: Dictionary,
    counts: Counts,
    samples: usize,
}

impl Fold {
    /// Each sample stands for a period of CPU time.
    pub fn new(period: Duration, start_unix_ns: u64, host: Host, containers: Containers) -> Self {
        let (dictionary, counts) = (Dictionary::default(), Counts::default());
        Self { period, start_unix_ns, host, containers, dictionary, counts, samples: 0 }
    }

    /// Adds a sample as often as it was met.
    pub fn add(&mut self, resolved: &Resolved) {
        let container = self.containers.find(resolved.sample.process.cgroups);
        let same = Same { stack: self.stack(resolved), attributes: self.attributes(&resolved.sample) };
        let count = self.counts.entry(container).or_default().entry(same).or_default();
        self.samples += usize::from(*count == 0);
        *count = count.saturating_add_unsigned(resolved.sample.count);
    }

    /// Whether it should be sent before its time.
    pub fn is_full(&self) -> bool {
        self.samples >= SAMPLES_AT_MOST || self.dictionary.locations() >= LOCATIONS_AT_MOST
    }

    /// The profiles until now, and begins anew. `None` when nothing was sampled.
    pub fn finish(&mut self, now_unix_ns: u64) -> Option<Batch> {
        let start_unix_ns = std::mem::replace(&mut self.start_unix_ns, now_unix_ns);
        self.samples = 0;
        let counts = std::mem::take(&mut self.counts);
        if counts.is_empty() {
            return None;
        }
        let mut dictionary = std::mem::take(&mut self.dictionary);
        let mut frame = self.frame(&mut dictionary);
        frame.time_unix_nano = start_unix_ns;
        frame.duration_nano = now_unix_ns.saturating_sub(start_unix_ns);
        let resource_profiles = counts.into_iter().map(|(owner, counts)| self.profile(owner, counts, &frame)).collect();
        let request = ProfilesRequest { resource_profiles, dictionary: Some(dictionary.finish()) };
        Some(Batch::new(request, Arc::new(Origin::default())))
    }

    /// What all profiles of the interval say.
    fn frame(&self, dictionary: &mut Dictionary) -> Profile {
        let mut kind = |kind: &str, unit: &str| {
            Some(ValueType { type_strindex: dictionary.string(kind), unit_strindex: dictionary.string(unit) })
        };
        Profile {
            sample_type: kind("samples", "count"),
            period_type: kind("cpu", "nanoseconds"),
            period: i64::try_from(self.period.as_nanos()).unwrap_or(i64::MAX),
            ..Profile::default()
        }
    }

    fn profile(&self, owner: Option<Container>, counts: HashMap<Same, i64>, frame: &Profile) -> ResourceProfiles {
        let sample = |(same, count): (Same, i64)| Sample {
            stack_index: same.stack,
            attribute_indices: same.attributes,
            values: vec![count],
            ..Sample::default()
        };
        let samples = counts.into_iter().map(sample).collect();
        let profile = Profile { samples, profile_id: random_id(), ..frame.clone() };
        let scoped =
            ScopeProfiles { scope: Some(scope("ebpf_profiles")), profiles: vec![profile], ..Default::default() };
        let resource = owner.map_or_else(|| self.host.resource(), |container| self.host.container(&container));
        ResourceProfiles { resource: Some(resource), scope_profiles: vec![scoped], ..ResourceProfiles::default() }
    }

    fn attributes(&mut self, sample: &ebpf::profile::Sample) -> Vec<i32> {
        let number = |value: u32| AnyValue { value: Some(Value::IntValue(value.into())) };
        vec![
            self.dictionary.key_value(PROCESS_PID, number(sample.process.pid)),
            self.dictionary.key_value(PROCESS_NAME, string(&sample.process.comm)),
            self.dictionary.key_value(THREAD_ID, number(sample.thread)),
            self.dictionary.key_value(THREAD_NAME, string(&sample.thread_name)),
        ]
    }

    fn stack(&mut self, resolved: &Resolved) -> i32 {
        let mut locations: Vec<i32> = resolved.frames.iter().map(|frame| self.location(frame)).collect();
        if resolved.sample.truncated {
            let name_strindex = self.dictionary.string(TRUNCATED);
            let function_index = self.dictionary.function(Function { name_strindex, ..Function::default() });
            let lines = vec![Line { function_index, ..Line::default() }];
            locations.push(self.dictionary.location(&Location { lines, ..Location::default() }));
        }
        if locations.is_empty() { 0 } else { self.dictionary.stack(locations) }
    }

    fn location(&mut self, frame: &Frame) -> i32 {
        let mapping_index = match (&frame.mapping, frame.kind) {
            (Some(mapping), _) => self.mapping(mapping),
            (None, Kind::Kernel) => {
                let filename_strindex = self.dictionary.string(KERNEL);
                self.dictionary.mapping(Mapping { filename_strindex, ..Mapping::default() })
            }
            (None, _) => 0,
        };
        let lines = frame.functions.iter().map(|function| self.line(function)).collect();
        let attribute_indices = vec![self.dictionary.key_value(FRAME_TYPE, string(frame.kind.name()))];
        self.dictionary.location(&Location { mapping_index, address: frame.address, lines, attribute_indices })
    }

    fn line(&mut self, function: &stacks::Function) -> Line {
        let name_strindex = self.dictionary.string(&function.name);
        let mut optional = |text: &Option<Arc<str>>| text.as_ref().map_or(0, |text| self.dictionary.string(text));
        let system_name_strindex = optional(&function.linkage_name);
        let filename_strindex = optional(&function.file);
        let named = Function { name_strindex, system_name_strindex, filename_strindex, start_line: 0 };
        let function_index = self.dictionary.function(named);
        Line { function_index, line: function.line.into(), column: function.column.into() }
    }

    fn mapping(&mut self, mapping: &stacks::Mapping) -> i32 {
        let ids = [(BUILD_ID_GNU, &mapping.build_id), (BUILD_ID_GO, &mapping.go_build_id)];
        let attributes = ids.into_iter().filter_map(|(key, id)| Some((key, id.as_ref()?)));
        let attribute_indices = attributes.map(|(key, id)| self.dictionary.key_value(key, string(id))).collect();
        let filename_strindex = self.dictionary.string(&mapping.file);
        self.dictionary.mapping(Mapping {
            memory_start: mapping.start,
            memory_limit: mapping.limit,
            file_offset: mapping.offset,
            filename_strindex,
            attribute_indices,
        })
    }
}

fn string(value: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(value.into())) }
}

/// Sixteen bytes that no other profile has: the standard library's hash keys are random.
fn random_id() -> Vec<u8> {
    let half = || RandomState::new().build_hasher().finish();
    [half().to_ne_bytes(), half().to_ne_bytes()].concat()
}
