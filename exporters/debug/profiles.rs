//! What profiles say, in a few words: which functions ran.

use std::collections::HashMap;
use std::time::Duration;

use pipeline::proto::ProfilesRequest;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::profiles::v1development::{Profile, ProfilesDictionary, Sample};

use super::items::value;

/// Functions that are named.
const SHOWN: usize = 5;

/// One profile in one line.
pub struct Line {
    /// When it began.
    pub start_unix_nano: u64,
    /// `cpu 1.90s in 10.0s, 36 samples: burn (worker) 70.0%, copy_page 12.5% and 17 more functions`
    pub text: String,
}

/// One line per profile that has samples.
pub fn lines(request: &ProfilesRequest) -> Vec<Line> {
    let nothing = ProfilesDictionary::default();
    let reader = Reader(request.dictionary.as_ref().unwrap_or(&nothing));
    let profiles = request.resource_profiles.iter().flat_map(|r| &r.scope_profiles).flat_map(|s| &s.profiles);
    let line = |profile: &Profile| Line { start_unix_nano: profile.time_unix_nano, text: reader.text(profile) };
    profiles.filter(|profile| !profile.samples.is_empty()).map(line).collect()
}

/// Looks up what samples name.
struct Reader<'a>(&'a ProfilesDictionary);

impl Reader<'_> {
    fn text(&self, profile: &Profile) -> String {
        let mut by_function: HashMap<String, i64> = HashMap::new();
        for sample in &profile.samples {
            *by_function.entry(self.leaf(sample)).or_default() += weight(sample);
        }
        let total: i64 = by_function.values().sum::<i64>().max(1);
        let mut functions: Vec<_> = by_function.into_iter().collect();
        functions.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let share = |(name, weight): &(String, i64)| format!("{name} {:.1}%", *weight as f64 * 100.0 / total as f64);
        let shown = functions.iter().take(SHOWN).map(share).collect::<Vec<_>>().join(", ");
        let more = match functions.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more functions"),
        };
        format!("{}, {} samples: {shown}{more}", self.amount(profile, total), profile.samples.len())
    }

    /// `cpu 1.90s in 10.0s`, by the period where there is one.
    fn amount(&self, profile: &Profile, total: i64) -> String {
        let took = Duration::from_nanos(profile.duration_nano);
        let names = |kind: Option<pipeline::proto::profiles::v1development::ValueType>| {
            kind.map(|kind| (self.string(kind.type_strindex), self.string(kind.unit_strindex))).unwrap_or_default()
        };
        let (kind, unit) = names(profile.sample_type);
        match names(profile.period_type) {
            (kind, "nanoseconds") if profile.period > 0 => {
                let spent = u64::try_from(total.saturating_mul(profile.period)).unwrap_or(0);
                format!("{kind} {:.2?} in {took:.1?}", Duration::from_nanos(spent))
            }
            _ => format!("{kind} {total} {unit} in {took:.1?}"),
        }
    }

    /// The innermost function with the process or thread that ran it, where these are told.
    fn leaf(&self, sample: &Sample) -> String {
        let stack = entry(&self.0.stack_table, sample.stack_index);
        let location = stack.and_then(|s| entry(&self.0.location_table, *s.location_indices.first()?));
        let function = location
            .and_then(|l| entry(&self.0.function_table, l.lines.first()?.function_index))
            .map(|f| f.name_strindex);
        let file = || location.and_then(|l| entry(&self.0.mapping_table, l.mapping_index)).map(|m| m.filename_strindex);
        let name = match function {
            Some(name) => self.string(name).to_owned(),
            None => match file().map(|file| self.string(file)) {
                Some(file) if !file.is_empty() => format!("[{}]", file.rsplit('/').next().unwrap_or(file)),
                _ => "[unknown]".into(),
            },
        };
        match self.attribute(sample, "process.executable.name") {
            Some(process) => format!("{name} ({process})"),
            None => name,
        }
    }

    fn attribute(&self, sample: &Sample, key: &str) -> Option<String> {
        let mut attributes = sample.attribute_indices.iter().filter_map(|index| entry(&self.0.attribute_table, *index));
        let found = attributes.find(|attribute| self.string(attribute.key_strindex) == key)?;
        match found.value.as_ref()?.value {
            Some(Value::StringValueStrindex(index)) => Some(self.string(index).to_owned()),
            _ => found.value.as_ref().map(value),
        }
    }

    fn string(&self, index: i32) -> &str {
        entry(&self.0.string_table, index).map_or("", String::as_str)
    }
}

/// Samples without values are one event per time stamp.
fn weight(sample: &Sample) -> i64 {
    match sample.values.as_slice() {
        [] => sample.timestamps_unix_nano.len() as i64,
        values => values.iter().fold(0, |sum, value| sum.saturating_add(*value)),
    }
}

/// The entry of a table, if the place is one of it.
fn entry<T>(table: &[T], place: i32) -> Option<&T> {
    table.get(usize::try_from(place).ok()?)
}
