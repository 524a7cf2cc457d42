//! Samples of profiles as documents.

use std::fmt::Write;

use pipeline::Signal;
use pipeline::proto::ProfilesRequest;
use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::profiles::v1development::{Location, Profile, ProfilesDictionary, Sample};

use super::documents::{Action, Builder};
use super::encoder::Encoder;
use super::json::Json;
use super::otel::{self, Maps};
use super::route::Index;
use super::settings::Mode;

/// Adds a document for each sample, which is a stack with what was measured there.
pub fn add(encoder: &Encoder, request: &ProfilesRequest, to: &mut Builder) {
    let nothing = ProfilesDictionary::default();
    let dictionary = Dictionary(request.dictionary.as_ref().unwrap_or(&nothing));
    let mut item = 0;
    for resource_profiles in &request.resource_profiles {
        let resource = resource_profiles.resource.clone().unwrap_or_default();
        for scope_profiles in &resource_profiles.scope_profiles {
            let scope = scope_profiles.scope.clone().unwrap_or_default();
            let router = encoder.router(Signal::Profiles, Mode::Otel);
            let router = router.within(&resource.attributes, &scope.attributes, &scope.name);
            let schemas = (resource_profiles.schema_url.as_str(), scope_profiles.schema_url.as_str());
            let around = otel::surroundings((&resource, schemas.0), (&scope, schemas.1), Maps::Nested);
            for profile in &scope_profiles.profiles {
                for sample in &profile.samples {
                    let mut attributes = dictionary.attributes(&sample.attribute_indices);
                    attributes.extend(dictionary.attributes(&profile.attribute_indices));
                    let index = router.index(&attributes);
                    to.add(&index, &Action::default(), &[item], |json| {
                        document(json, dictionary, profile, sample, &index);
                        otel::attributes(json, &attributes, Maps::Nested);
                        json.fragment(&around);
                    });
                    item += 1;
                }
            }
        }
    }
}

fn document(json: &mut Json, dictionary: Dictionary<'_>, profile: &Profile, sample: &Sample, index: &Index) {
    json.time_member("@timestamp", profile.time_unix_nano);
    otel::data_stream(json, index);
    json.id_member("profile_id", &profile.profile_id);
    json.key("duration");
    json.plain(profile.duration_nano);
    if let Some(kind) = &profile.sample_type {
        json.text_member("sample_type", dictionary.string(kind.type_strindex));
        json.text_member("unit", dictionary.string(kind.unit_strindex));
    }
    json.count_member("period", profile.period);
    json.key("value");
    json.plain(value(sample));
    if !sample.timestamps_unix_nano.is_empty() {
        json.key("timestamps");
        json.array(|json| sample.timestamps_unix_nano.iter().for_each(|time| json.time(*time)));
    }
    if let Some(link) = dictionary.0.link_table.get(sample.link_index as usize) {
        json.id_member("trace_id", &link.trace_id);
        json.id_member("span_id", &link.span_id);
    }
    let frames = dictionary.frames(sample);
    json.key("stack");
    json.object(|json| {
        json.text_member("leaf", frames.first().map_or("", String::as_str));
        json.key("frames");
        json.array(|json| frames.iter().for_each(|frame| json.string(frame)));
        json.text_member("folded", &frames.iter().rev().cloned().collect::<Vec<_>>().join(";"));
    });
}

/// All that was measured; a sample without values was seen once for each of its times.
fn value(sample: &Sample) -> i64 {
    match sample.values.as_slice() {
        [] => i64::try_from(sample.timestamps_unix_nano.len()).unwrap_or(i64::MAX),
        values => values.iter().fold(0, |sum: i64, value| sum.saturating_add(*value)),
    }
}

/// The tables that profiles refer to. An index outside of its table means nothing.
#[derive(Clone, Copy)]
struct Dictionary<'a>(&'a ProfilesDictionary);

impl<'a> Dictionary<'a> {
    fn string(self, index: i32) -> &'a str {
        at(&self.0.string_table, index).map_or("", String::as_str)
    }

    fn attributes(self, indices: &[i32]) -> Vec<KeyValue> {
        let found = indices.iter().filter_map(|index| at(&self.0.attribute_table, *index));
        let named = found.map(|attribute| KeyValue {
            key: self.string(attribute.key_strindex).to_owned(),
            value: attribute.value.clone(),
            ..KeyValue::default()
        });
        named.filter(|attribute| !attribute.key.is_empty()).collect()
    }

    /// Names of a stack's frames, the innermost first.
    fn frames(self, sample: &Sample) -> Vec<String> {
        let locations = at(&self.0.stack_table, sample.stack_index).map_or(&[][..], |stack| &stack.location_indices);
        let locations = locations.iter().filter_map(|index| at(&self.0.location_table, *index));
        let mut frames = Vec::new();
        locations.for_each(|location| self.push_frames(location, &mut frames));
        frames
    }

    /// Inlined functions are frames of their own; a location without names shows its file and address.
    fn push_frames(self, location: &Location, frames: &mut Vec<String>) {
        let before = frames.len();
        for line in &location.lines {
            let name =
                at(&self.0.function_table, line.function_index).map(|function| self.string(function.name_strindex));
            frames.extend(name.filter(|name| !name.is_empty()).map(str::to_owned));
        }
        if frames.len() > before {
            return;
        }
        let mapping = at(&self.0.mapping_table, location.mapping_index);
        let mut frame = mapping.map(|mapping| self.string(mapping.filename_strindex).to_owned()).unwrap_or_default();
        let _ = write!(frame, "+{:#x}", location.address);
        frames.push(frame);
    }
}

fn at<T>(table: &[T], index: i32) -> Option<&T> {
    table.get(usize::try_from(index).ok()?)
}
