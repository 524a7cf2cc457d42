//! A path ready to be followed: a field and the keys behind it.

use std::borrow::Cow;

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};

use super::Failure;
use super::expr::Expr;
use super::fields::{Access, Field};
use super::target::Target;
use super::value::{Val, find, find_or_insert};

/// The longest list that setting one of its places makes.
const LONGEST_LIST: i64 = 10_000;

/// A field and the keys behind it.
#[derive(Debug)]
pub struct Path {
    field: &'static Field,
    keys: Keys,
}

/// What stands in brackets behind a path or a call.
#[derive(Debug)]
pub enum Keys {
    /// Known when compiled: the usual case, nothing to look up.
    Fixed(Vec<Key>),
    /// To be looked up for each item.
    Computed(Vec<Expr>),
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// Of a map.
    Name(String),
    /// A place in a list.
    Index(i64),
}

impl Keys {
    /// The keys for this item.
    ///
    /// # Errors
    /// One has no value, or is neither text nor a whole number.
    pub fn of<'a>(&'a self, target: &Target<'_>) -> Result<Cow<'a, [Key]>, Failure> {
        let exprs = match self {
            Self::Fixed(keys) => return Ok(Cow::Borrowed(keys)),
            Self::Computed(exprs) => exprs,
        };
        let key = |expr: &Expr| match expr.value(target)? {
            Val::Text(name) => Ok(Key::Name(name.into_owned())),
            Val::Int(index) => Ok(Key::Index(index)),
            other => Err(other.unexpected("a string or an int as key")),
        };
        exprs.iter().map(key).collect::<Result<Vec<_>, _>>().map(Cow::Owned)
    }

    /// Names of headers are told apart without their case.
    pub fn lower_case(&mut self) {
        if let Self::Fixed(keys) = self
            && let Some(Key::Name(name)) = keys.first_mut()
        {
            name.make_ascii_lowercase();
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Fixed(keys) if keys.is_empty())
    }
}

impl Path {
    /// A field with keys, if it can have them.
    pub fn new(field: &'static Field, keys: Keys) -> Option<Self> {
        let fits = keys.is_empty() || !matches!(field.access, Access::Whole { .. });
        fits.then_some(Self { field, keys })
    }

    /// The field, and the keys behind it.
    pub fn parts(&self) -> (&'static Field, &Keys) {
        (self.field, &self.keys)
    }

    /// What is there; nil where nothing is.
    ///
    /// # Errors
    /// A key of the wrong kind for what it reaches into.
    pub fn value<'a>(&self, target: &'a Target<'_>) -> Result<Val<'a>, Failure> {
        let keys = self.keys.of(target)?;
        let (mut at, rest) = match (&self.field.access, &keys[..]) {
            (Access::Whole { get, .. }, _) => return Ok(get(target)),
            (Access::Map { get, .. }, []) => {
                return Ok(get(target).map_or(Val::Nil, |map| Val::Map(Cow::Borrowed(map))));
            }
            (Access::Map { get, .. }, [first, rest @ ..]) => {
                let Some(map) = get(target) else { return Ok(Val::Nil) };
                (find(map, first.name()?), rest)
            }
            (Access::Any { get, .. }, keys) => (get(target), keys),
            (Access::Pairs { get, .. }, keys) => return pair(get(target), keys),
        };
        for key in rest {
            let Some(value) = at else { return Ok(Val::Nil) };
            at = below(value, key)?;
        }
        Ok(Val::of(at))
    }

    /// Puts a value there, with the maps and lists on the way to it. Nil changes nothing there.
    ///
    /// # Errors
    /// A value of the wrong kind, or a key of the wrong kind for what it reaches into.
    pub fn set(&self, target: &mut Target<'_>, value: Val<'static>) -> Result<(), Failure> {
        match (&self.field.access, value) {
            (Access::Whole { set, .. }, value) => set(target, value),
            (Access::Pairs { get_mut, .. }, value) => {
                let keys = self.keys.of(target)?.into_owned();
                get_mut(target).map_or(Ok(()), |text| set_pair(text, &keys, value.into_text()?))
            }
            (_, Val::Nil) if self.keys.is_empty() => Ok(()),
            (Access::Map { get_mut, .. }, Val::Map(new)) if self.keys.is_empty() => {
                if let Some(map) = get_mut(target) {
                    *map = new.into_owned();
                }
                Ok(())
            }
            (Access::Map { .. }, other) if self.keys.is_empty() => Err(other.unexpected("a map")),
            (_, Val::Nil) => self.place(target).map(|_| ()),
            (_, value) => {
                // A value that cannot stand there leaves its key behind, empty, as in the Collector.
                let place = self.place(target)?;
                let value = value.into_any()?;
                if let Some(place) = place {
                    *place = value;
                }
                Ok(())
            }
        }
    }

    /// The map that is there, to change; `None` where there is none.
    ///
    /// # Errors
    /// As [`Path::value`].
    pub fn map_mut<'a>(&self, target: &'a mut Target<'_>) -> Result<Option<&'a mut Vec<KeyValue>>, Failure> {
        match (&self.field.access, self.keys.is_empty()) {
            (Access::Map { get_mut, .. }, true) => return Ok(get_mut(target)),
            _ if !matches!(self.value(target)?, Val::Map(_)) => return Ok(None),
            _ => {}
        }
        Ok(match self.place(target)? {
            Some(AnyValue { value: Some(Value::KvlistValue(map)) }) => Some(&mut map.values),
            _ => None,
        })
    }

    /// The place of the value, made if it is missing; `None` when the item has no such field.
    fn place<'a>(&self, target: &'a mut Target<'_>) -> Result<Option<&'a mut AnyValue>, Failure> {
        let keys = self.keys.of(target)?;
        let (root, rest) = match (&self.field.access, &keys[..]) {
            (Access::Any { get_mut, .. }, keys) => (get_mut(target), keys),
            (Access::Map { get_mut, .. }, [first, rest @ ..]) => match get_mut(target) {
                Some(map) => (Some(find_or_insert(map, first.name()?)), rest),
                None => (None, rest),
            },
            (Access::Whole { .. } | Access::Pairs { .. } | Access::Map { .. }, _) => (None, &[][..]),
        };
        let Some(mut at) = root else { return Ok(None) };
        for key in rest {
            at = below_mut(at, key)?;
        }
        Ok(Some(at))
    }
}

/// The value of a key among `key=value` pairs; empty where there is none.
fn pair<'a>(text: Option<&'a String>, keys: &[Key]) -> Result<Val<'a>, Failure> {
    let (Some(text), Some(key)) = (text, keys.first()) else {
        return Ok(text.map_or(Val::Nil, |text| Val::text(text)));
    };
    let name = key.name()?;
    let found = text.split(',').find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='));
    Ok(Val::text(found.unwrap_or("")))
}

/// A pair that is set stands in front, as W3C asks for.
fn set_pair(text: &mut String, keys: &[Key], value: String) -> Result<(), Failure> {
    let Some(key) = keys.first() else {
        *text = value;
        return Ok(());
    };
    let name = key.name()?;
    let is_other = |pair: &&str| !pair.is_empty() && pair.split('=').next() != Some(name);
    let others: String = text.split(',').map(str::trim).filter(is_other).map(|pair| format!(",{pair}")).collect();
    *text = format!("{name}={value}{others}");
    Ok(())
}

impl Key {
    fn name(&self) -> Result<&str, Failure> {
        match self {
            Self::Name(name) => Ok(name),
            Self::Index(_) => Err(Failure::from("a map has keys, not places")),
        }
    }

    fn index(&self, length: usize) -> Result<usize, Failure> {
        match self {
            Self::Index(index) => {
                let place = usize::try_from(*index).ok().filter(|place| *place < length);
                place.ok_or_else(|| Failure::from(format!("place {index} is outside a list of {length}")))
            }
            Self::Name(_) => Err(Failure::from("a list has places, not keys")),
        }
    }
}

/// The value below a key of a map or at a place of a list; `None` where a map has no such key.
pub fn below<'a>(value: &'a AnyValue, key: &Key) -> Result<Option<&'a AnyValue>, Failure> {
    match &value.value {
        Some(Value::KvlistValue(map)) => Ok(find(&map.values, key.name()?)),
        Some(Value::ArrayValue(list)) => Ok(list.values.get(key.index(list.values.len())?)),
        _ => Err(Failure::from(format!("{} has neither keys nor places", Val::of(Some(value)).kind()))),
    }
}

fn below_mut<'a>(value: &'a mut AnyValue, key: &Key) -> Result<&'a mut AnyValue, Failure> {
    if value.value.is_none() {
        value.value = Some(match key {
            Key::Name(_) => Value::KvlistValue(KeyValueList::default()),
            Key::Index(index @ 0..LONGEST_LIST) => {
                Value::ArrayValue(ArrayValue { values: vec![AnyValue::default(); *index as usize + 1] })
            }
            Key::Index(index) => return Err(Failure::from(format!("a list cannot be made for place {index}"))),
        });
    }
    match &mut value.value {
        Some(Value::KvlistValue(map)) => Ok(find_or_insert(&mut map.values, key.name()?)),
        Some(Value::ArrayValue(list)) => {
            let index = key.index(list.values.len())?;
            Ok(&mut list.values[index])
        }
        Some(_) | None => Err(Failure::from("a plain value has neither keys nor places")),
    }
}
