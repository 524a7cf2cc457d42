//! Profiles name what they say by places in a dictionary; conditions and statements see names.

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, KeyValue};
use pipeline::proto::profiles::v1development::{KeyValueAndUnit, Profile, ProfilesDictionary, ResourceProfiles};

/// The text at a place; empty if there is none.
fn text(dictionary: &ProfilesDictionary, place: i32) -> String {
    let found = usize::try_from(place).ok().and_then(|place| dictionary.string_table.get(place));
    found.cloned().unwrap_or_default()
}

fn entry(dictionary: &ProfilesDictionary, place: i32) -> Option<&KeyValueAndUnit> {
    usize::try_from(place).ok().and_then(|place| dictionary.attribute_table.get(place))
}

fn named(dictionary: &ProfilesDictionary, value: Option<&AnyValue>) -> Option<AnyValue> {
    match value?.value {
        Some(Value::StringValueStrindex(place)) => {
            Some(AnyValue { value: Some(Value::StringValue(text(dictionary, place))) })
        }
        _ => value.cloned(),
    }
}

/// The attributes of a profile by their names.
pub fn attributes(profile: &Profile, dictionary: &ProfilesDictionary) -> Vec<KeyValue> {
    let one = |place: &i32| {
        let entry = entry(dictionary, *place)?;
        let value = named(dictionary, entry.value.as_ref());
        Some(KeyValue { key: text(dictionary, entry.key_strindex), value, ..KeyValue::default() })
    };
    profile.attribute_indices.iter().filter_map(one).collect()
}

/// Gives a profile these attributes. Those that it had keep their places, and their units with them.
pub fn set_attributes(profile: &mut Profile, dictionary: &mut ProfilesDictionary, attributes: &[KeyValue]) {
    let before = std::mem::take(&mut profile.attribute_indices);
    for attribute in attributes {
        let same = |place: &&i32| {
            entry(dictionary, **place).is_some_and(|entry| {
                text(dictionary, entry.key_strindex) == attribute.key
                    && named(dictionary, entry.value.as_ref()) == attribute.value
            })
        };
        let place = before.iter().find(same).copied().unwrap_or_else(|| add(dictionary, attribute));
        profile.attribute_indices.push(place);
    }
}

fn add(dictionary: &mut ProfilesDictionary, attribute: &KeyValue) -> i32 {
    let key = place_of(&mut dictionary.string_table, &attribute.key);
    let table = &mut dictionary.attribute_table;
    if table.is_empty() {
        table.push(KeyValueAndUnit::default());
    }
    let wanted = KeyValueAndUnit { key_strindex: key, value: attribute.value.clone(), ..KeyValueAndUnit::default() };
    let place = table.iter().position(|known| *known == wanted).unwrap_or_else(|| {
        table.push(wanted);
        table.len() - 1
    });
    place as i32
}

/// The place of a text, which is added if it is new. The first is the empty one.
pub fn place_of(strings: &mut Vec<String>, text: &str) -> i32 {
    if strings.is_empty() {
        strings.push(String::new());
    }
    let place = strings.iter().position(|known| known == text).unwrap_or_else(|| {
        strings.push(text.to_owned());
        strings.len() - 1
    });
    place as i32
}

/// Writes the names of the attributes of resources and scopes where they have only places.
pub fn name_surroundings(outers: &mut [ResourceProfiles], dictionary: &ProfilesDictionary) {
    for outer in outers {
        let scopes = outer.scope_profiles.iter_mut().filter_map(|inner| inner.scope.as_mut());
        let lists = scopes.map(|scope| &mut scope.attributes);
        for attribute in outer.resource.iter_mut().map(|resource| &mut resource.attributes).chain(lists).flatten() {
            if attribute.key.is_empty() && attribute.key_strindex != 0 {
                attribute.key = text(dictionary, std::mem::take(&mut attribute.key_strindex));
            }
            if let Some(AnyValue { value: Some(Value::StringValueStrindex(_)) }) = attribute.value {
                attribute.value = named(dictionary, attribute.value.as_ref());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(value: Value) -> Option<AnyValue> {
        Some(AnyValue { value: Some(value) })
    }

    fn dictionary() -> ProfilesDictionary {
        let entry = |key_strindex, inner, unit_strindex| KeyValueAndUnit { key_strindex, value: inner, unit_strindex };
        ProfilesDictionary {
            string_table: ["", "level", "ns", "main"].map(str::to_owned).to_vec(),
            attribute_table: vec![
                entry(0, None, 0),
                entry(1, value(Value::IntValue(4)), 2),
                entry(3, value(Value::StringValueStrindex(3)), 0),
            ],
            ..ProfilesDictionary::default()
        }
    }

    #[test]
    fn attributes_are_shown_by_name_and_what_stays_keeps_its_unit() {
        let mut dictionary = dictionary();
        let mut profile = Profile { attribute_indices: vec![1, 2, 99, -1], ..Profile::default() };
        let mut shown = attributes(&profile, &dictionary);
        assert_eq!(shown.len(), 2, "places that are not there are no attributes");
        assert_eq!((&*shown[1].key, &shown[1].value), ("main", &value(Value::StringValue("main".into()))));
        shown[1] = KeyValue { key: "new".into(), value: value(Value::BoolValue(true)), ..KeyValue::default() };
        set_attributes(&mut profile, &mut dictionary, &shown);
        assert_eq!(profile.attribute_indices, [1, 3]);
        assert_eq!(dictionary.attribute_table[3].key_strindex, 4);
        assert_eq!(dictionary.string_table[4], "new");
        let size = dictionary.attribute_table.len();
        let mut other = Profile::default();
        set_attributes(&mut other, &mut dictionary, &shown);
        assert_eq!(
            (dictionary.attribute_table.len(), other.attribute_indices[1]),
            (size + 1, 3),
            "only the unit differs"
        );
    }

    #[test]
    fn surroundings_are_named_once() {
        let attribute =
            KeyValue { key_strindex: 1, value: value(Value::StringValueStrindex(3)), ..KeyValue::default() };
        let resource = pipeline::proto::resource::v1::Resource { attributes: vec![attribute], ..Default::default() };
        let mut outers = [ResourceProfiles { resource: Some(resource), ..ResourceProfiles::default() }];
        for _ in 0..2 {
            name_surroundings(&mut outers, &dictionary());
            let named = &outers[0].resource.as_ref().unwrap().attributes[0];
            assert_eq!((&*named.key, &named.value), ("level", &value(Value::StringValue("main".into()))));
        }
    }
}
