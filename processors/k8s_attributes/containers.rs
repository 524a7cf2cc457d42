//! The containers of one pod.

use std::collections::{BTreeMap, HashMap};

use super::api::{ContainerStatus, Pod};
use super::extraction::Extraction;
use super::image::{Image, canonical};
use super::names::*;

/// One container of a pod's template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// `k8s.container.name`, where wanted.
    pub name: Option<String>,
    /// `container.image.name`, where wanted.
    pub image_name: Option<String>,
    /// `container.image.tag`, where wanted.
    pub image_tag: Option<String>,
    /// `service.instance.id`, where wanted.
    pub instance: Option<String>,
    /// `service.version`, where wanted.
    pub version: Option<String>,
    /// Its runs that are known, by restart count.
    pub runs: BTreeMap<i64, Run>,
}

/// One run of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// `container.id`, where wanted.
    pub id: Option<String>,
    /// `container.image.repo_digests`, where wanted.
    pub digest: Option<String>,
}

/// The containers of one pod, by name and id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Containers {
    by_name: BTreeMap<String, Container>,
    /// Names by the ids of present runs.
    present: HashMap<String, String>,
    /// Names by the ids of runs that ended, and of ephemeral containers.
    other: HashMap<String, String>,
}

impl Containers {
    /// Looks at a pod's template and status.
    pub fn of(pod: &Pod, extraction: &Extraction) -> Self {
        let mut containers = Self::default();
        if extraction.wants_containers() {
            for spec in pod.spec.containers.iter().chain(&pod.spec.init_containers) {
                containers.by_name.insert(spec.name.clone(), from_image(&spec.image, extraction));
            }
        }
        let status = &pod.status;
        for status in status.container_statuses.iter().chain(&status.init_container_statuses) {
            containers.add(status, pod, extraction);
        }
        for status in &status.ephemeral_container_statuses {
            insert_id(&mut containers.other, &status.container_id, &status.name);
        }
        containers
    }

    fn add(&mut self, status: &ContainerStatus, pod: &Pod, extraction: &Extraction) {
        insert_id(&mut self.present, &status.container_id, &status.name);
        if let Some(before) = &status.last_state.terminated {
            insert_id(&mut self.other, &before.container_id, &status.name);
        }
        if !extraction.wants_containers() {
            return;
        }
        let container = self.by_name.entry(status.name.clone()).or_default();
        let instance = || {
            let metadata = &pod.metadata;
            let [namespace, pod] = [&metadata.namespace, &metadata.name].map(|name| name.as_deref().unwrap_or(""));
            format!("{namespace}.{pod}.{}", status.name)
        };
        container.name = extraction.wants(CONTAINER_NAME).then(|| status.name.clone());
        container.instance = extraction.wants(SERVICE_INSTANCE_ID).then(instance);
        if extraction.wants_any(&[CONTAINER_ID, CONTAINER_IMAGE_REPO_DIGESTS]) {
            let id = without_runtime(&status.container_id);
            let wanted_digest =
                || canonical(&status.image_id).filter(|_| extraction.wants(CONTAINER_IMAGE_REPO_DIGESTS));
            let run = Run {
                id: (extraction.wants(CONTAINER_ID) && !id.is_empty()).then(|| id.to_owned()),
                digest: wanted_digest(),
            };
            container.runs.insert(status.restart_count, run);
        }
    }

    /// The ids of all runs that are known.
    pub fn ids(&self) -> impl Iterator<Item = &String> {
        self.present.keys().chain(self.other.keys())
    }

    /// The container of a name or, without one, of an id or, without both, the only one.
    pub fn find(&self, name: Option<&str>, id: Option<&str>) -> Option<&Container> {
        if let Some(name) = name {
            return self.by_name.get(name);
        }
        if let Some(id) = id {
            return self.by_name.get(self.present.get(id).or_else(|| self.other.get(id))?);
        }
        match (self.present.len(), self.by_name.len()) {
            (1, _) => self.by_name.get(self.present.values().next()?),
            (_, 1) => self.by_name.values().next(),
            _ => None,
        }
    }
}

fn from_image(image: &str, extraction: &Extraction) -> Container {
    let Some(image) = Image::parse(image) else {
        return Container::default();
    };
    Container {
        image_name: extraction.wants(CONTAINER_IMAGE_NAME).then(|| image.name.to_owned()),
        image_tag: extraction.wants(CONTAINER_IMAGE_TAG).then(|| image.tag.unwrap_or("latest").to_owned()),
        version: image.version().filter(|_| extraction.wants(SERVICE_VERSION)),
        ..Container::default()
    }
}

/// `containerd://ID` to `ID`.
fn without_runtime(id: &str) -> &str {
    id.split_once("://").map_or(id, |(_, id)| id)
}

fn insert_id(ids: &mut HashMap<String, String>, id: &str, name: &str) {
    let id = without_runtime(id);
    if !id.is_empty() {
        ids.insert(id.to_owned(), name.to_owned());
    }
}
