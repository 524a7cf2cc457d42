//! Joining and cutting requests whose dictionaries differ; names are the witness.

use std::num::NonZeroU32;
use std::sync::Arc;

use prost::Message;

use super::Dictionary;
use crate::proto::ProfilesRequest;
use crate::proto::common::v1::any_value::Value;
use crate::proto::common::v1::{AnyValue, KeyValue};
use crate::proto::profiles::v1development::{
    Function, Line, Location, Mapping, Profile, ProfilesDictionary, ResourceProfiles, Sample, ScopeProfiles, ValueType,
};
use crate::proto::resource::v1::Resource;
use crate::{Batch, Signal};

fn text(value: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(value.into())) }
}

/// One sample per stack, which are names of functions; `host` is named in the dictionary.
fn request(host: &str, stacks: &[&[&str]]) -> ProfilesRequest {
    let mut dictionary = Dictionary::default();
    let mapping = Mapping { filename_strindex: dictionary.string("file"), ..Mapping::default() };
    let mapping_index = dictionary.mapping(mapping);
    let mut samples = Vec::new();
    for (number, names) in stacks.iter().enumerate() {
        let mut locations = Vec::new();
        for name in *names {
            let function = Function { name_strindex: dictionary.string(name), ..Function::default() };
            let lines = vec![Line { function_index: dictionary.function(function), ..Line::default() }];
            locations.push(dictionary.location(&Location { mapping_index, lines, ..Location::default() }));
        }
        let attribute = dictionary.key_value("thread.name", text(host));
        let stack_index = dictionary.stack(locations);
        samples.push(Sample {
            stack_index,
            values: vec![number as i64 + 1],
            attribute_indices: vec![attribute],
            ..Sample::default()
        });
    }
    let kind = ValueType { type_strindex: dictionary.string("samples"), unit_strindex: dictionary.string("count") };
    let value = AnyValue { value: Some(Value::StringValueStrindex(dictionary.string(host))) };
    let key_strindex = dictionary.string("host.name");
    let attributes = vec![KeyValue { key_strindex, value: Some(value), ..KeyValue::default() }];
    let profiles = vec![Profile { sample_type: Some(kind), samples, ..Profile::default() }];
    let resource_profiles = vec![ResourceProfiles {
        resource: Some(Resource { attributes, ..Resource::default() }),
        scope_profiles: vec![ScopeProfiles { profiles, ..ScopeProfiles::default() }],
        ..ResourceProfiles::default()
    }];
    ProfilesRequest { resource_profiles, dictionary: Some(dictionary.finish()) }
}

/// `host/type thread leaf;caller value` of every sample, by name.
fn lines(request: &ProfilesRequest) -> Vec<String> {
    let d = request.dictionary.as_ref().unwrap();
    let string = |index: i32| d.string_table[index as usize].clone();
    let mut lines = Vec::new();
    for outer in &request.resource_profiles {
        let host = &outer.resource.as_ref().unwrap().attributes[0];
        let Some(Value::StringValueStrindex(index)) = host.value.as_ref().unwrap().value else { panic!("{host:?}") };
        let host = format!("{}={}", string(host.key_strindex), string(index));
        for profile in outer.scope_profiles.iter().flat_map(|scope| &scope.profiles) {
            let kind = string(profile.sample_type.as_ref().unwrap().type_strindex);
            for sample in &profile.samples {
                let attribute = &d.attribute_table[sample.attribute_indices[0] as usize];
                let stack = d.stack_table[sample.stack_index as usize].location_indices.iter().map(|index| {
                    let location = &d.location_table[*index as usize];
                    let file = string(d.mapping_table[location.mapping_index as usize].filename_strindex);
                    let function = &d.function_table[location.lines[0].function_index as usize];
                    format!("{file}!{}", string(function.name_strindex))
                });
                let stack = stack.collect::<Vec<_>>().join(";");
                let thread = format!("{}={:?}", string(attribute.key_strindex), attribute.value);
                lines.push(format!("{host}/{kind} {thread} {stack} {:?}", sample.values));
            }
        }
    }
    lines
}

fn received(request: &ProfilesRequest) -> Batch {
    Batch::received(Signal::Profiles, request.encode_to_vec().into(), Arc::default()).unwrap()
}

fn tables(d: &ProfilesDictionary) -> [usize; 5] {
    [d.string_table.len(), d.function_table.len(), d.location_table.len(), d.stack_table.len(), d.mapping_table.len()]
}

#[test]
fn the_first_entry_of_every_table_is_empty_and_no_entry_is_there_twice() {
    let dictionary = request("h", &[&["a", "b"], &["a", "b"], &["b"]]).dictionary.unwrap();
    assert_eq!(tables(&dictionary), [9, 3, 3, 3, 2]);
    assert_eq!((&*dictionary.string_table[0], &dictionary.function_table[0]), ("", &Function::default()));
    assert!(dictionary.stack_table[0].location_indices.is_empty());
    assert_eq!(dictionary.link_table.len(), 1);
}

#[test]
fn joined_requests_say_the_same_under_one_dictionary() {
    let (first, second) = (request("one", &[&["a", "b"], &["c"]]), request("two", &[&["z"], &["b", "a"], &["a", "b"]]));
    let wanted = [lines(&first), lines(&second)].concat();
    let mut joined = Batch::concat(vec![received(&first), received(&second)], Arc::default()).unwrap();
    assert_eq!(joined.items(), 5);
    let request = joined.read::<ProfilesRequest>().unwrap().unwrap();
    assert_eq!(lines(request), wanted);
    let dictionary = request.dictionary.as_ref().unwrap();
    assert_eq!(tables(dictionary), [12, 5, 5, 5, 2], "{dictionary:?}");
}

#[test]
fn pieces_hold_so_many_samples_and_a_dictionary_of_what_they_name() {
    let whole = request("h", &[&["a", "b"], &["c"], &["d", "c", "a"], &["e"], &["a", "b"]]);
    let pieces = received(&whole).split(NonZeroU32::new(2).unwrap()).unwrap();
    assert_eq!(pieces.iter().map(Batch::items).collect::<Vec<_>>(), [2, 2, 1]);
    let requests: Vec<_> = pieces.into_iter().map(|piece| ProfilesRequest::decode(piece.encode()).unwrap()).collect();
    assert_eq!(requests.iter().flat_map(lines).collect::<Vec<_>>(), lines(&whole));
    let last = requests[2].dictionary.as_ref().unwrap();
    assert_eq!(tables(last)[1..], [3, 3, 2, 2], "{last:?}");
}

#[test]
fn places_outside_their_table_become_the_empty_entry() {
    let mut broken = request("h", &[&["a"]]);
    let sample = &mut broken.resource_profiles[0].scope_profiles[0].profiles[0].samples[0];
    (sample.stack_index, sample.link_index, sample.attribute_indices) = (99, -1, vec![7, i32::MAX]);
    let joined = Batch::concat(vec![received(&broken), received(&broken)], Arc::default()).unwrap();
    let request = ProfilesRequest::decode(joined.encode()).unwrap();
    let sample = &request.resource_profiles[1].scope_profiles[0].profiles[0].samples[0];
    assert_eq!((sample.stack_index, sample.link_index, &*sample.attribute_indices), (0, 0, &[0, 0][..]));
}
