//! Profile samples as items. Their attributes are places in the request's dictionary.

use pipeline::proto::ProfilesRequest;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};
use pipeline::proto::profiles::v1development::{Profile, Sample, ScopeProfiles};
use prost::Message;

use super::items::{Item, Items, of_resource, of_scope};

/// The dictionary's attributes by their names.
struct Named {
    strings: Vec<String>,
    attributes: Vec<KeyValue>,
}

impl Named {
    fn of(request: &ProfilesRequest) -> Self {
        let Some(dictionary) = &request.dictionary else {
            return Self { strings: vec![], attributes: vec![] };
        };
        let mut named = Self { strings: dictionary.string_table.clone(), attributes: vec![] };
        let table = dictionary.attribute_table.iter();
        let attributes = table.map(|one| KeyValue {
            key: named.text(one.key_strindex),
            value: one.value.as_ref().map(|value| named.value(value)),
            ..KeyValue::default()
        });
        named.attributes = attributes.collect();
        named
    }

    fn text(&self, index: i32) -> String {
        usize::try_from(index).ok().and_then(|index| self.strings.get(index)).cloned().unwrap_or_default()
    }

    fn value(&self, value: &AnyValue) -> AnyValue {
        match &value.value {
            Some(Value::StringValueStrindex(index)) => AnyValue { value: Some(Value::StringValue(self.text(*index))) },
            _ => value.clone(),
        }
    }

    /// Attributes that may have their names in the dictionary.
    fn spelled_out(&self, attributes: &[KeyValue]) -> Vec<KeyValue> {
        let one = |one: &KeyValue| KeyValue {
            key: if one.key.is_empty() { self.text(one.key_strindex) } else { one.key.clone() },
            value: one.value.as_ref().map(|value| self.value(value)),
            ..KeyValue::default()
        };
        attributes.iter().map(one).collect()
    }

    fn at(&self, indices: &[i32]) -> Vec<KeyValue> {
        let at = |index: &i32| self.attributes.get(usize::try_from(*index).ok()?).cloned();
        indices.iter().filter_map(at).collect()
    }

    /// Shows one sample to `look`.
    fn show<T>(&self, sample: &Sample, around: &Around, look: &mut dyn FnMut(&Item<'_>) -> T) -> T {
        let own = self.at(&sample.attribute_indices);
        let levels = &[&own[..], &around.profile, &around.scope, &around.resource];
        look(&Item { levels, event_name: "", trace_id: &[], bytes: sample.encoded_len() })
    }
}

/// What stands around a sample.
struct Around {
    profile: Vec<KeyValue>,
    scope: Vec<KeyValue>,
    resource: Vec<KeyValue>,
}

impl Around {
    fn new(named: &Named, resource: &[KeyValue], scope: &ScopeProfiles, profile: &Profile) -> Self {
        Self {
            profile: named.at(&profile.attribute_indices),
            scope: named.spelled_out(of_scope(scope.scope.as_ref())),
            resource: resource.to_vec(),
        }
    }
}

impl Items for ProfilesRequest {
    fn visit(&self, look: &mut dyn FnMut(&Item<'_>)) {
        let named = Named::of(self);
        for outer in &self.resource_profiles {
            let resource = named.spelled_out(of_resource(outer.resource.as_ref()));
            for inner in &outer.scope_profiles {
                for profile in &inner.profiles {
                    let around = Around::new(&named, &resource, inner, profile);
                    profile.samples.iter().for_each(|sample| named.show(sample, &around, look));
                }
            }
        }
    }

    fn retain(&mut self, keep: &mut dyn FnMut(&Item<'_>) -> bool) {
        let named = Named::of(self);
        for outer in &mut self.resource_profiles {
            let resource = named.spelled_out(of_resource(outer.resource.as_ref()));
            for inner in &mut outer.scope_profiles {
                let mut profiles = std::mem::take(&mut inner.profiles);
                for profile in &mut profiles {
                    let around = Around::new(&named, &resource, inner, profile);
                    profile.samples.retain(|sample| named.show(sample, &around, keep));
                }
                profiles.retain(|profile| !profile.samples.is_empty());
                inner.profiles = profiles;
            }
            outer.scope_profiles.retain(|inner| !inner.profiles.is_empty());
        }
        self.resource_profiles.retain(|outer| !outer.scope_profiles.is_empty());
    }
}
