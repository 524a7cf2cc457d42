//! Profiles of several requests in one, and requests without what nobody names.

use std::collections::HashMap;

use super::Dictionary;
use crate::proto::ProfilesRequest;
use crate::proto::common::v1::any_value::Value;
use crate::proto::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use crate::proto::profiles::v1development::{
    Function, KeyValueAndUnit, Link, Location, Mapping, Profile, ProfilesDictionary, Sample, Stack, ValueType,
};

/// All profiles in one request, with one dictionary.
pub(crate) fn merge(requests: impl IntoIterator<Item = ProfilesRequest>) -> ProfilesRequest {
    let mut dictionary = Dictionary::default();
    let mut resource_profiles = Vec::new();
    for mut request in requests {
        let from = request.dictionary.take().unwrap_or_default();
        Move { from: &from, into: &mut dictionary, memory: Memory::default() }.request(&mut request);
        resource_profiles.append(&mut request.resource_profiles);
    }
    ProfilesRequest { resource_profiles, dictionary: Some(dictionary.finish()) }
}

/// The request with only what its profiles name in its dictionary.
pub(crate) fn compact(request: ProfilesRequest) -> ProfilesRequest {
    merge([request])
}

/// From one dictionary into another. A place that is not in its table is the place of nothing, as protobuf's default.
struct Move<'a> {
    from: &'a ProfilesDictionary,
    into: &'a mut Dictionary,
    memory: Memory,
}

/// Where entries went.
#[derive(Default)]
struct Memory {
    strings: HashMap<i32, i32>,
    functions: HashMap<i32, i32>,
    mappings: HashMap<i32, i32>,
    locations: HashMap<i32, i32>,
    stacks: HashMap<i32, i32>,
    links: HashMap<i32, i32>,
    attributes: HashMap<i32, i32>,
}

/// The entry of a table, if the place is one of it.
fn entry<T>(table: &[T], place: i32) -> Option<&T> {
    table.get(usize::try_from(place).ok()?)
}

/// Moves an index: by memory, or by `$move` of its entry.
macro_rules! moved {
    ($self:ident, $place:ident, $memory:ident, $table:ident, |$entry:ident| $move:expr) => {{
        if let Some(known) = $self.memory.$memory.get(&$place) {
            return *known;
        }
        let from: &ProfilesDictionary = $self.from;
        let new = match entry(&from.$table, $place) {
            Some($entry) => $move,
            None => 0,
        };
        $self.memory.$memory.insert($place, new);
        new
    }};
}

impl Move<'_> {
    fn request(&mut self, request: &mut ProfilesRequest) {
        for outer in &mut request.resource_profiles {
            outer.resource.iter_mut().for_each(|resource| self.key_values(&mut resource.attributes));
            for inner in &mut outer.scope_profiles {
                inner
                    .scope
                    .iter_mut()
                    .for_each(|scope: &mut InstrumentationScope| self.key_values(&mut scope.attributes));
                inner.profiles.iter_mut().for_each(|profile| self.profile(profile));
            }
        }
    }

    fn profile(&mut self, profile: &mut Profile) {
        profile.sample_type.iter_mut().chain(&mut profile.period_type).for_each(|kind| self.value_type(kind));
        self.indices(&mut profile.attribute_indices, Self::attribute);
        profile.samples.iter_mut().for_each(|sample| self.sample(sample));
    }

    fn value_type(&mut self, kind: &mut ValueType) {
        kind.type_strindex = self.string(kind.type_strindex);
        kind.unit_strindex = self.string(kind.unit_strindex);
    }

    fn sample(&mut self, sample: &mut Sample) {
        sample.stack_index = self.stack(sample.stack_index);
        sample.link_index = self.link(sample.link_index);
        self.indices(&mut sample.attribute_indices, Self::attribute);
    }

    fn indices(&mut self, places: &mut [i32], one: fn(&mut Self, i32) -> i32) {
        places.iter_mut().for_each(|place| *place = one(self, *place));
    }

    fn string(&mut self, place: i32) -> i32 {
        moved!(self, place, strings, string_table, |text| self.into.string(text))
    }

    fn function(&mut self, place: i32) -> i32 {
        moved!(self, place, functions, function_table, |function| {
            let function = Function {
                name_strindex: self.string(function.name_strindex),
                system_name_strindex: self.string(function.system_name_strindex),
                filename_strindex: self.string(function.filename_strindex),
                start_line: function.start_line,
            };
            self.into.function(function)
        })
    }

    fn mapping(&mut self, place: i32) -> i32 {
        moved!(self, place, mappings, mapping_table, |mapping| {
            let mut mapping: Mapping = mapping.clone();
            mapping.filename_strindex = self.string(mapping.filename_strindex);
            self.indices(&mut mapping.attribute_indices, Self::attribute);
            self.into.mapping(mapping)
        })
    }

    fn location(&mut self, place: i32) -> i32 {
        moved!(self, place, locations, location_table, |location| {
            let mut location: Location = location.clone();
            location.mapping_index = self.mapping(location.mapping_index);
            location.lines.iter_mut().for_each(|line| line.function_index = self.function(line.function_index));
            self.indices(&mut location.attribute_indices, Self::attribute);
            self.into.location(&location)
        })
    }

    fn stack(&mut self, place: i32) -> i32 {
        moved!(self, place, stacks, stack_table, |stack| {
            let Stack { mut location_indices } = stack.clone();
            self.indices(&mut location_indices, Self::location);
            self.into.stack(location_indices)
        })
    }

    fn link(&mut self, place: i32) -> i32 {
        moved!(self, place, links, link_table, |link| {
            let link: Link = link.clone();
            self.into.link(link)
        })
    }

    fn attribute(&mut self, place: i32) -> i32 {
        moved!(self, place, attributes, attribute_table, |attribute| {
            let KeyValueAndUnit { key_strindex, mut value, unit_strindex } = attribute.clone();
            value.iter_mut().for_each(|value| self.value(value));
            let (key_strindex, unit_strindex) = (self.string(key_strindex), self.string(unit_strindex));
            self.into.attribute(&KeyValueAndUnit { key_strindex, value, unit_strindex })
        })
    }

    fn key_values(&mut self, attributes: &mut [KeyValue]) {
        for attribute in attributes {
            attribute.key_strindex = self.string(attribute.key_strindex);
            attribute.value.iter_mut().for_each(|value| self.value(value));
        }
    }

    /// Values nest, but not deeper than the structural check lets pass.
    fn value(&mut self, value: &mut AnyValue) {
        match &mut value.value {
            Some(Value::StringValueStrindex(place)) => *place = self.string(*place),
            Some(Value::ArrayValue(list)) => list.values.iter_mut().for_each(|value| self.value(value)),
            Some(Value::KvlistValue(map)) => self.key_values(&mut map.values),
            _ => {}
        }
    }
}
