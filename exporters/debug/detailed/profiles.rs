use pipeline::proto::ProfilesRequest;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};
use pipeline::proto::profiles::v1development::{Location, Profile, ProfilesDictionary, Sample};

use super::{Text, line};
use crate::debug::{dictionary, go};

pub fn profiles(request: &ProfilesRequest) -> String {
    let (mut text, none) = (Text::default(), ProfilesDictionary::default());
    let dictionary = request.dictionary.as_ref().unwrap_or(&none);
    text.dictionary(dictionary);
    for (index, outer) in request.resource_profiles.iter().enumerate() {
        line!(text, "ResourceProfiles #{index}");
        text.resource(&outer.schema_url, outer.resource.as_ref());
        for (index, inner) in outer.scope_profiles.iter().enumerate() {
            line!(text, "ScopeProfiles #{index}");
            text.scope("ScopeProfiles", &inner.schema_url, inner.scope.as_ref());
            for (index, profile) in inner.profiles.iter().enumerate() {
                line!(text, "Profile #{index}");
                text.profile(profile, dictionary);
            }
        }
    }
    text.0
}

impl Text {
    fn dictionary(&mut self, dictionary: &ProfilesDictionary) {
        for (index, mapping) in dictionary.mapping_table.iter().enumerate() {
            line!(self, "Mapping #{index}");
            line!(self, "    Memory start: {}", mapping.memory_start);
            line!(self, "    Memory limit: {}", mapping.memory_limit);
            line!(self, "    File offset: {}", mapping.file_offset);
            line!(self, "    File name: {}", mapping.filename_strindex);
            line!(self, "    Attributes: {}", go::list(&mapping.attribute_indices));
        }
        for (index, location) in dictionary.location_table.iter().enumerate() {
            line!(self, "Location #{index}");
            self.location(location);
        }
        for (index, function) in dictionary.function_table.iter().enumerate() {
            line!(self, "Function #{index}");
            line!(self, "    Name: {}", function.name_strindex);
            line!(self, "    System name: {}", function.system_name_strindex);
            line!(self, "    Filename: {}", function.filename_strindex);
            line!(self, "    Start line: {}", function.start_line);
        }
        self.last_entries(dictionary);
        if !dictionary.string_table.is_empty() {
            line!(self, "String table:");
        }
        dictionary.string_table.iter().for_each(|text| line!(self, "    {text}"));
    }

    fn location(&mut self, location: &Location) {
        line!(self, "    Mapping index: {}", location.mapping_index);
        line!(self, "    Address: {}", location.address);
        for (index, at) in location.lines.iter().enumerate() {
            line!(self, "    Line #{index}");
            line!(self, "        Function index: {}", at.function_index);
            line!(self, "        Line: {}", at.line);
            line!(self, "        Column: {}", at.column);
        }
        line!(self, "    Attributes: {}", go::list(&location.attribute_indices));
    }

    /// The Collector shows these tables as one map each, in which only the last entry is left.
    fn last_entries(&mut self, dictionary: &ProfilesDictionary) {
        if let Some(last) = dictionary.attribute_table.last() {
            let key = pair("Key", Value::IntValue(last.key_strindex.into()));
            let value = pair("Value", Value::StringValue(go::text(last.value.as_ref())));
            let unit = pair("unit", Value::IntValue(last.unit_strindex.into()));
            self.attributes("Attribute table", &[key, value, unit]);
        }
        if let Some(last) = dictionary.link_table.last() {
            let id = |name, id: &[u8]| pair(name, Value::StringValue(go::id(id)));
            self.attributes("Link table", &[id("Trace ID", &last.trace_id), id("Span ID", &last.span_id)]);
        }
    }

    fn profile(&mut self, profile: &Profile, dictionary: &ProfilesDictionary) {
        self.named("Profile ID", go::id(&profile.profile_id));
        self.named("Start time", go::time(profile.time_unix_nano));
        self.named("DurationNano", profile.duration_nano);
        self.named("Dropped attributes count", profile.dropped_attributes_count);
        for (index, sample) in profile.samples.iter().enumerate() {
            line!(self, "    Sample #{index}");
            self.sample(sample, dictionary);
        }
    }

    fn sample(&mut self, sample: &Sample, dictionary: &ProfilesDictionary) {
        line!(self, "        Values: {}", go::list(&sample.values));
        if !sample.attribute_indices.is_empty() {
            line!(self, "        Attributes:");
        }
        for index in &sample.attribute_indices {
            let raw = |value: Option<&AnyValue>| go::raw(value.and_then(|value| value.value.as_ref()));
            let shown = dictionary::attribute(dictionary, *index, |key, value| format!("{key}: {}", raw(value)));
            line!(self, "             -> {shown}");
        }
    }
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
