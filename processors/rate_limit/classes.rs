//! Which limit holds for a stream: the general one, or that of the first override that fits.

use config::Decoder;

use super::Config;
use super::buckets::Key;

/// Tokens a second, and at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    pub rate: f64,
    pub burst: f64,
}

/// The limits of one processor. Class 0 is the general one, the last one is for streams without a bucket.
#[derive(Clone, Debug)]
pub struct Classes(Vec<Class>);

#[derive(Clone, Debug)]
struct Class {
    name: String,
    /// Places in the key with the values that they have to have.
    values: Vec<(usize, String)>,
    limit: Limit,
}

impl Classes {
    /// The general limit, the overrides and the overflow.
    pub fn new(config: &Config) -> Self {
        let general = Limit { rate: config.rate.into(), burst: config.burst.into() };
        let class = |name: &str, values, limit| Class { name: name.to_owned(), values, limit };
        let mut classes = vec![class("default", vec![], general)];
        for (condition, limit) in &config.overrides {
            let values = parts(condition).filter_map(|(name, value)| Some((place(config, name?)?, value.to_owned())));
            let limit = Limit {
                rate: limit.rate.map_or(general.rate, f64::from),
                burst: limit.burst.map_or(general.burst, f64::from),
            };
            classes.push(class(condition, values.collect(), limit));
        }
        classes.push(class("overflow", vec![], general));
        Self(classes)
    }

    /// The class of streams without a bucket of their own.
    pub fn overflow(&self) -> usize {
        self.0.len() - 1
    }

    /// The class of a stream.
    pub fn of(&self, key: &Key) -> usize {
        let fits = |class: &Class| {
            let has = |(place, value): &(usize, String)| key.get(*place).and_then(Option::as_ref) == Some(value);
            class.values.iter().all(has)
        };
        (1..self.overflow()).find(|index| fits(&self.0[*index])).unwrap_or(0)
    }

    /// The limit of a class.
    pub fn limit(&self, class: usize) -> Limit {
        self.0[class].limit
    }

    /// The names of all classes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|class| class.name.as_str())
    }
}

/// `name:value;name:value` in parts; a part without a name is a mistake.
fn parts(condition: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    condition.split(';').map(|part| part.split_once(':').map_or((None, part), |(name, value)| (Some(name), value)))
}

/// Where in a stream's key the value of `name` stands: client metadata first, then attributes.
fn place(config: &Config, name: &str) -> Option<usize> {
    let metadata = config.metadata_keys.iter().position(|key| key.eq_ignore_ascii_case(name));
    let attribute = || config.keys.iter().position(|key| key == name);
    metadata.or_else(|| attribute().map(|index| config.metadata_keys.len() + index))
}

/// Reports overrides that can never hold.
pub fn check(config: &Config, decoder: &mut Decoder) {
    for (condition, limit) in &config.overrides {
        decoder.at(condition, |decoder| {
            for (key, value) in [("rate", limit.rate), ("burst", limit.burst)] {
                if value == Some(0) {
                    decoder.at(key, |d| d.error("must be greater than zero"));
                }
            }
            for (name, text) in parts(condition) {
                match name {
                    None => decoder.error(format!("{text:?} is not name:value")),
                    Some(name) if place(config, name).is_none() => {
                        decoder.error(format!("{name:?} is neither in keys nor in metadata_keys"));
                    }
                    Some(_) => {}
                }
            }
        });
    }
}
