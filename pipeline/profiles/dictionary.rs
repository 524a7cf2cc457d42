//! Tables without doubles.

use std::collections::HashMap;
use std::hash::Hash;

use prost::Message;

use crate::proto::common::v1::AnyValue;
use crate::proto::profiles::v1development::{
    Function, KeyValueAndUnit, Link, Location, Mapping, ProfilesDictionary, Stack,
};

/// Builds the tables of a [`ProfilesDictionary`]: each entry once, and the empty one in place 0 of every table.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    strings: Table<String>,
    functions: Table<Function>,
    mappings: Table<Mapping>,
    stacks: Table<Stack>,
    links: Table<Link>,
    // These two have no equality to rely on (a value may be a number with a fraction): their wire form has.
    locations: Table<Vec<u8>>,
    attributes: Table<Vec<u8>>,
}

/// Entries in order of their places.
#[derive(Clone, Debug)]
struct Table<T>(HashMap<T, i32>);

impl<T: Default + Eq + Hash> Default for Table<T> {
    fn default() -> Self {
        Self(HashMap::from([(T::default(), 0)]))
    }
}

impl<T: Eq + Hash> Table<T> {
    /// The place of an entry. A table that is full, at two billions, gives the place of the empty entry.
    fn place(&mut self, entry: T) -> i32 {
        let Ok(next) = i32::try_from(self.0.len()) else {
            return 0;
        };
        *self.0.entry(entry).or_insert(next)
    }

    fn finish(self) -> Vec<T> {
        let mut entries: Vec<_> = self.0.into_iter().collect();
        entries.sort_unstable_by_key(|(_, place)| *place);
        entries.into_iter().map(|(entry, _)| entry).collect()
    }
}

impl Dictionary {
    /// The place of a text.
    pub fn string(&mut self, text: &str) -> i32 {
        match self.strings.0.get(text) {
            Some(place) => *place,
            None => self.strings.place(text.to_owned()),
        }
    }

    /// The place of a function.
    pub fn function(&mut self, function: Function) -> i32 {
        self.functions.place(function)
    }

    /// The place of a mapping.
    pub fn mapping(&mut self, mapping: Mapping) -> i32 {
        self.mappings.place(mapping)
    }

    /// The place of a location.
    pub fn location(&mut self, location: &Location) -> i32 {
        self.locations.place(location.encode_to_vec())
    }

    /// The place of a stack.
    pub fn stack(&mut self, location_indices: Vec<i32>) -> i32 {
        self.stacks.place(Stack { location_indices })
    }

    /// The place of a link.
    pub fn link(&mut self, link: Link) -> i32 {
        self.links.place(link)
    }

    /// The place of an attribute.
    pub fn attribute(&mut self, attribute: &KeyValueAndUnit) -> i32 {
        self.attributes.place(attribute.encode_to_vec())
    }

    /// The place of an attribute without a unit.
    pub fn key_value(&mut self, key: &str, value: AnyValue) -> i32 {
        let key_strindex = self.string(key);
        self.attribute(&KeyValueAndUnit { key_strindex, value: Some(value), unit_strindex: 0 })
    }

    /// How many locations it has.
    pub fn locations(&self) -> usize {
        self.locations.0.len()
    }

    /// The tables as they go out.
    pub fn finish(self) -> ProfilesDictionary {
        ProfilesDictionary {
            mapping_table: self.mappings.finish(),
            location_table: decoded(self.locations),
            function_table: self.functions.finish(),
            link_table: self.links.finish(),
            string_table: self.strings.finish(),
            attribute_table: decoded(self.attributes),
            stack_table: self.stacks.finish(),
        }
    }
}

/// What was encoded here can be decoded.
fn decoded<T: Message + Default>(table: Table<Vec<u8>>) -> Vec<T> {
    table.finish().into_iter().map(|bytes| T::decode(&*bytes).unwrap_or_default()).collect()
}
