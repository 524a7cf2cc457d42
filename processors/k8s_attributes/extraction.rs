//! What is to be extracted, compiled once.

use std::collections::BTreeMap;

use regex::Regex;

use super::names::*;
use super::settings::{Exclude, Extract, Field, From};

/// Attributes of one object; a later value of the same name wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(Vec<(String, String)>);

impl Attributes {
    /// Sets one.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
    }

    /// The value of one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Names and values, in the order they were first set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Labels or annotations as the API server gives them.
pub type Map = Option<BTreeMap<String, String>>;

/// The compiled `extract` and `exclude` sections.
#[derive(Debug)]
pub struct Extraction {
    wanted: Vec<String>,
    labels: Vec<Rule>,
    annotations: Vec<Rule>,
    /// Whether deployments' names are read from ReplicaSets' names.
    pub name_from_replica_set: bool,
    excluded: Vec<Regex>,
}

/// One label or annotation, or many by a pattern.
#[derive(Debug)]
struct Rule {
    from: From,
    tag: String,
    key: Key,
}

#[derive(Debug)]
enum Key {
    Exact(String),
    Pattern(Regex),
}

impl Rule {
    fn new(field: &Field) -> Result<Self, regex::Error> {
        let key = field.pattern()?.map_or_else(|| Key::Exact(field.key.clone()), Key::Pattern);
        Ok(Self { from: field.from, tag: field.tag_name.clone(), key })
    }

    fn apply(&self, map: &BTreeMap<String, String>, default_name: &dyn Fn(&str) -> String, out: &mut Attributes) {
        match &self.key {
            Key::Exact(key) => {
                if let Some(value) = map.get(key) {
                    let name = if self.tag.is_empty() { default_name(key) } else { self.tag.clone() };
                    out.set(&name, value);
                }
            }
            // As in the Collector, empty values do not match a pattern, and without a group the tag is not used.
            Key::Pattern(pattern) => {
                for (key, value) in map.iter().filter(|(_, value)| !value.is_empty()) {
                    let Some(groups) = pattern.captures(key) else { continue };
                    let mut name = String::new();
                    match groups.len() > 1 && !self.tag.is_empty() {
                        true => groups.expand(&self.tag, &mut name),
                        false => name = default_name(key),
                    }
                    out.set(&name, value);
                }
            }
        }
    }
}

impl Extraction {
    /// Compiles the two sections.
    ///
    /// # Errors
    /// The first pattern that is none.
    pub fn new(extract: &Extract, exclude: &Exclude) -> Result<Self, regex::Error> {
        let rules = |fields: &[Field]| fields.iter().map(Rule::new).collect::<Result<Vec<_>, _>>();
        let mut annotations = rules(&extract.annotations)?;
        if extract.otel_annotations {
            let key = Key::Pattern(Regex::new(r"^resource\.opentelemetry\.io/(.+)$")?);
            annotations.push(Rule { from: From::Pod, tag: "$1".to_owned(), key });
        }
        // An empty list is the Collector's word for its default.
        let default = Exclude::default();
        let excluded = if exclude.pods.is_empty() { &default.pods } else { &exclude.pods };
        Ok(Self {
            wanted: extract.metadata.clone(),
            labels: rules(&extract.labels)?,
            annotations,
            name_from_replica_set: extract.deployment_name_from_replicaset,
            excluded: excluded.iter().map(|pod| Regex::new(&pod.name)).collect::<Result<_, _>>()?,
        })
    }

    /// Whether `extract.metadata` names an attribute.
    pub fn wants(&self, name: &str) -> bool {
        self.wanted.iter().any(|wanted| wanted == name)
    }

    /// Whether any of several attributes is wanted.
    pub fn wants_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.wants(name))
    }

    /// Whether labels or annotations of such objects are wanted.
    pub fn reads(&self, from: From) -> bool {
        self.labels.iter().chain(&self.annotations).any(|rule| rule.from == from)
    }

    /// Whether a pod is left alone because of its name.
    pub fn excludes(&self, pod: &str) -> bool {
        self.excluded.iter().any(|pattern| pattern.is_match(pod))
    }

    /// Sets what an object's labels give.
    pub fn labels(&self, from: From, labels: &Map, out: &mut Attributes) {
        self.apply(&self.labels, from, "label", labels, out);
    }

    /// Sets what an object's annotations give.
    pub fn annotations(&self, from: From, annotations: &Map, out: &mut Attributes) {
        self.apply(&self.annotations, from, "annotation", annotations, out);
    }

    fn apply(&self, rules: &[Rule], from: From, what: &str, map: &Map, out: &mut Attributes) {
        let Some(map) = map else { return };
        // The Collector's names for these three are older than the conventions.
        let (object, s) = match from {
            From::Pod => ("pod", "s"),
            From::Namespace => ("namespace", "s"),
            From::Node => ("node", "s"),
            From::Deployment => ("deployment", ""),
            From::StatefulSet => ("statefulset", ""),
            From::DaemonSet => ("daemonset", ""),
            From::Job => ("job", ""),
        };
        let default_name = |key: &str| format!("k8s.{object}.{what}{s}.{key}");
        rules.iter().filter(|rule| rule.from == from).for_each(|rule| rule.apply(map, &default_name, out));
    }

    /// Whether containers have to be looked at for an attribute that is wanted.
    pub fn wants_containers(&self) -> bool {
        self.wants_any(&[
            CONTAINER_ID,
            CONTAINER_NAME,
            CONTAINER_IMAGE_NAME,
            CONTAINER_IMAGE_TAG,
            CONTAINER_IMAGE_TAGS,
            CONTAINER_IMAGE_REPO_DIGESTS,
            SERVICE_VERSION,
            SERVICE_INSTANCE_ID,
        ])
    }
}
