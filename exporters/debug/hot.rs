//! What `format: live` says of a profile: who was on the CPUs most, and where.

use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

use pipeline::proto::ProfilesRequest;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::profiles::v1development::{Profile, ProfilesDictionary, Sample};

use super::dictionary::at;
use super::live::clock;

/// Processes and functions of a profile that are shown.
const SHOWN: usize = 3;
/// What ran is told by this attribute of a sample.
const PROCESS: &str = "process.executable.name";

/// A line per profile that has samples: `profile 603 in 10.0s, 61 % rustc, 3 % kpulse; 5 % at memmove`.
pub fn lines(request: &ProfilesRequest, out: &mut String) {
    let nothing = ProfilesDictionary::default();
    let dictionary = request.dictionary.as_ref().unwrap_or(&nothing);
    let scopes = request.resource_profiles.iter().flat_map(|resource| &resource.scope_profiles);
    for profile in scopes.flat_map(|scope| &scope.profiles) {
        line(profile, dictionary, out);
    }
}

fn line(profile: &Profile, dictionary: &ProfilesDictionary, out: &mut String) {
    let (mut processes, mut functions) = (HashMap::new(), HashMap::new());
    let mut total = 0;
    for sample in &profile.samples {
        let times = times(sample);
        total += times;
        *processes.entry(process(sample, dictionary).unwrap_or("?")).or_insert(0) += times;
        *functions.entry(leaf(sample, dictionary).unwrap_or("?")).or_insert(0) += times;
    }
    if total == 0 {
        return;
    }
    let took = Duration::from_nanos(profile.duration_nano);
    let (processes, functions) = (most(processes, total), most(functions, total));
    let _ =
        writeln!(out, "{} profile {total} in {took:.1?}, {processes}; at {functions}", clock(profile.time_unix_nano));
}

/// How often a stack was met: its value or, where each time is told, their number.
fn times(sample: &Sample) -> i64 {
    match sample.values[..] {
        [] => sample.timestamps_unix_nano.len() as i64,
        [value, ..] => value.max(0),
    }
}

fn process<'a>(sample: &Sample, dictionary: &'a ProfilesDictionary) -> Option<&'a str> {
    let attributes = sample.attribute_indices.iter().filter_map(|place| at(&dictionary.attribute_table, *place));
    let is_process = |key: i32| at(&dictionary.string_table, key).is_some_and(|key| key == PROCESS);
    let value = attributes.filter(|attribute| is_process(attribute.key_strindex)).find_map(|a| a.value.as_ref())?;
    match value.value.as_ref()? {
        Value::StringValue(name) => Some(name),
        _ => None,
    }
}

/// The function that ran, the innermost if some were inlined.
fn leaf<'a>(sample: &Sample, dictionary: &'a ProfilesDictionary) -> Option<&'a str> {
    let place = at(&dictionary.stack_table, sample.stack_index)?.location_indices.first()?;
    let line = at(&dictionary.location_table, *place)?.lines.first()?;
    let function = at(&dictionary.function_table, line.function_index)?;
    at(&dictionary.string_table, function.name_strindex).filter(|name| !name.is_empty()).map(String::as_str)
}

fn most(counts: HashMap<&str, i64>, total: i64) -> String {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let share = |(name, count): (&str, i64)| format!("{:.0} % {name}", count as f64 * 100.0 / total as f64);
    counts.into_iter().take(SHOWN).map(share).collect::<Vec<_>>().join(", ")
}
