//! Profiles with names instead of places in a dictionary, which every program numbers in its own way.

use serde_json::{Value, json};

/// The request without its dictionary. Units are left out: the Collector loses them when it writes attributes anew.
pub fn spelled(mut request: Value) -> Value {
    let dictionary = request.as_object_mut().and_then(|request| request.remove("dictionary")).unwrap_or_default();
    if request.get("resourceProfiles").is_some() {
        spell(&mut request, &dictionary);
    }
    request
}

fn spell(value: &mut Value, dictionary: &Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| spell(item, dictionary)),
        Value::Object(map) => {
            for (place, name) in [("keyStrindex", "key"), ("stringValueStrindex", "stringValue")] {
                if let Some(place) = map.remove(place) {
                    map.insert(name.to_owned(), dictionary["stringTable"][index(&place)].clone());
                }
            }
            map.remove("unitStrindex");
            if let Some(Value::Array(places)) = map.remove("attributeIndices") {
                let table = &dictionary["attributeTable"];
                map.insert("attributes".to_owned(), places.iter().map(|place| table[index(place)].clone()).collect());
            }
            map.values_mut().for_each(|inner| spell(inner, dictionary));
            if let Some(Value::Array(attributes)) = map.get_mut("attributes") {
                attributes.sort_by_key(|attribute| attribute["key"].as_str().unwrap_or_default().to_owned());
            }
        }
        _ => {}
    }
}

/// A number that may stand as text.
fn index(place: &Value) -> usize {
    place.as_f64().or_else(|| place.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{}", json!(place))) as usize
}
