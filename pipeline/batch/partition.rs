//! What must not be mixed in one batch: client metadata of different values.

use super::Origin;

/// The values of some metadata keys; a missing key has none, which is not the same as an empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Partition(Vec<Vec<String>>);

impl Partition {
    /// The values that `origin` has for `keys`, whose case does not matter.
    pub fn of(origin: &Origin, keys: &[String]) -> Self {
        let values = |name: &String| {
            let named = origin.metadata.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
            named.map(|(_, value)| value.clone()).collect()
        };
        Self(keys.iter().map(values).collect())
    }

    /// What is the same for all that is in one partition.
    pub fn origin(&self, keys: &[String]) -> Origin {
        let pairs = keys.iter().zip(&self.0);
        let metadata =
            pairs.flat_map(|(name, values)| values.iter().map(move |value| (name.to_ascii_lowercase(), value.clone())));
        Origin { metadata: metadata.collect(), ..Origin::default() }
    }
}
