//! What is known of the cluster: pods by whatever they can be found by, and the objects that they refer to.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::api::{Kind, Pod};
use super::association::{Associations, Identifier};
use super::extraction::{Attributes, Extraction};
use super::pod::Known;
use super::settings::From;

/// How many pods are kept, and how many objects of the other kinds together: more than Kubernetes supports in one
/// cluster (150,000 pods).
const MOST: usize = 200_000;

/// An object that pods refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    pub name: String,
    pub uid: String,
    /// Name and uid of the deployment or CronJob that controls it.
    pub controller: Option<(String, String)>,
    pub attributes: Attributes,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Added,
    Updated,
    Deleted,
    /// There was no room for it, or it has no name.
    Refused,
    /// It was not known.
    Ignored,
}

/// All that is known.
#[derive(Debug)]
pub struct Directory {
    pub extraction: Extraction,
    pub associations: Associations,
    /// How long a pod that is gone can still be found.
    grace: Duration,
    most: usize,
    pods: HashMap<Identifier, Arc<Known>>,
    /// What each pod that exists is found by, by its uid.
    existing: HashMap<String, Vec<Identifier>>,
    leaving: VecDeque<Leaving>,
    objects: HashMap<(Kind, String), Object>,
}

/// Something that a pod will no longer be found by.
#[derive(Debug)]
struct Leaving {
    at: Instant,
    identifier: Identifier,
    uid: String,
}

impl Directory {
    /// Knows nothing yet.
    pub fn new(extraction: Extraction, associations: Associations, grace: Duration) -> Self {
        Self {
            extraction,
            associations,
            grace,
            most: MOST,
            pods: HashMap::new(),
            existing: HashMap::new(),
            leaving: VecDeque::new(),
            objects: HashMap::new(),
        }
    }

    /// The same with room for fewer objects.
    #[cfg(test)]
    pub fn with_room_for(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// How many ways there are to find a pod.
    pub fn len(&self) -> usize {
        self.pods.len()
    }

    /// Takes a pod's present state.
    pub fn apply_pod(&mut self, pod: &Pod, now: Instant) -> Outcome {
        let pod = Arc::new(Known::new(pod, &self.extraction));
        let is_new = !self.existing.contains_key(&pod.uid);
        if pod.uid.is_empty() || (is_new && self.existing.len() >= self.most) {
            return Outcome::Refused;
        }
        let identifiers = self.associations.of_pod(&pod);
        for identifier in &identifiers {
            let later = |other: &Arc<Known>| matches!((&pod.started, &other.started), (Some(a), Some(b)) if a < b);
            if !self.pods.get(identifier).is_some_and(later) {
                self.pods.insert(identifier.clone(), pod.clone());
            }
        }
        let before = self.existing.insert(pod.uid.clone(), identifiers).unwrap_or_default();
        self.leave(before, &pod.uid, now);
        if is_new { Outcome::Added } else { Outcome::Updated }
    }

    /// A pod is gone; it can be found until its grace period is over.
    pub fn remove_pod(&mut self, uid: &str, now: Instant) -> Outcome {
        let Some(identifiers) = self.existing.remove(uid) else {
            return Outcome::Ignored;
        };
        self.leave(identifiers, uid, now);
        Outcome::Deleted
    }

    fn leave(&mut self, identifiers: Vec<Identifier>, uid: &str, now: Instant) {
        let kept = self.existing.get(uid);
        let gone = identifiers.into_iter().filter(|one| !kept.is_some_and(|kept| kept.contains(one)));
        let at = now + self.grace;
        self.leaving.extend(gone.map(|identifier| Leaving { at, identifier, uid: uid.to_owned() }));
    }

    /// Forgets what left longer ago than the grace period.
    pub fn expire(&mut self, now: Instant) {
        while let Some(leaving) = self.leaving.pop_front_if(|leaving| leaving.at <= now) {
            let Leaving { identifier, uid, .. } = leaving;
            let is_back = self.existing.get(&uid).is_some_and(|kept| kept.contains(&identifier));
            if !is_back && self.pods.get(&identifier).is_some_and(|pod| pod.uid == uid) {
                self.pods.remove(&identifier);
            }
        }
        if self.pods.capacity() > 1024 && self.pods.len() < self.pods.capacity() / 4 {
            self.pods.shrink_to_fit();
        }
    }

    /// The pod behind the first identifier that leads to one.
    pub fn find(&self, identifiers: &[Identifier]) -> Option<&Arc<Known>> {
        identifiers.iter().find_map(|identifier| self.pods.get(identifier)).filter(|pod| !pod.ignored)
    }

    /// Takes the present state of an object of another kind.
    pub fn apply_object(&mut self, kind: Kind, metadata: &ObjectMeta) -> Outcome {
        let Some(key) = key(kind, metadata) else {
            return Outcome::Refused;
        };
        let is_new = !self.objects.contains_key(&key);
        if is_new && self.objects.len() >= self.most {
            return Outcome::Refused;
        }
        let object = self.read(kind, metadata);
        self.objects.insert(key, object);
        if is_new { Outcome::Added } else { Outcome::Updated }
    }

    /// An object of another kind is gone.
    pub fn remove_object(&mut self, kind: Kind, metadata: &ObjectMeta) -> Outcome {
        let removed = key(kind, metadata).and_then(|key| self.objects.remove(&key));
        if removed.is_some() { Outcome::Deleted } else { Outcome::Ignored }
    }

    /// An object by its uid, or by its name for namespaces and nodes.
    pub fn object(&self, kind: Kind, key: &str) -> Option<&Object> {
        self.objects.get(&(kind, key.to_owned()))
    }

    /// After a complete list: everything else of this kind is gone. Returns how many were.
    pub fn retain(&mut self, kind: Kind, listed: &HashSet<String>, now: Instant) -> usize {
        if kind == Kind::Pod {
            let gone: Vec<_> = self.existing.keys().filter(|uid| !listed.contains(*uid)).cloned().collect();
            return gone.iter().filter(|uid| self.remove_pod(uid, now) == Outcome::Deleted).count();
        }
        let before = self.objects.len();
        self.objects.retain(|(other, _), object| *other != kind || listed.contains(&object.uid));
        before - self.objects.len()
    }

    fn read(&self, kind: Kind, metadata: &ObjectMeta) -> Object {
        let controller = metadata.owner_references.iter().flatten().find(|owner| {
            let wanted =
                matches!((kind, owner.kind.as_str()), (Kind::ReplicaSet, "Deployment") | (Kind::Job, "CronJob"));
            wanted && owner.controller == Some(true)
        });
        let mut attributes = Attributes::default();
        if let Some(from) = from(kind) {
            self.extraction.labels(from, &metadata.labels, &mut attributes);
            self.extraction.annotations(from, &metadata.annotations, &mut attributes);
        }
        Object {
            name: metadata.name.clone().unwrap_or_default(),
            uid: metadata.uid.clone().unwrap_or_default(),
            controller: controller.map(|owner| (owner.name.clone(), owner.uid.clone())),
            attributes,
        }
    }
}

/// How pods refer to an object.
fn key(kind: Kind, metadata: &ObjectMeta) -> Option<(Kind, String)> {
    let key = if kind.is_known_by_name() { &metadata.name } else { &metadata.uid };
    key.clone().filter(|key| !key.is_empty()).map(|key| (kind, key))
}

/// The configuration's word for a kind.
fn from(kind: Kind) -> Option<From> {
    match kind {
        Kind::Namespace => Some(From::Namespace),
        Kind::Node => Some(From::Node),
        Kind::Deployment => Some(From::Deployment),
        Kind::StatefulSet => Some(From::StatefulSet),
        Kind::DaemonSet => Some(From::DaemonSet),
        Kind::Job => Some(From::Job),
        Kind::Pod | Kind::ReplicaSet => None,
    }
}
