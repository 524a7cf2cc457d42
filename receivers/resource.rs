//! One Resource for the host and one per container; everything else is on the point or record.

use identity::Container;
use pipeline::proto::common::v1::{InstrumentationScope, KeyValue};
use pipeline::proto::resource::v1::Resource;

use crate::conventions::{CONTAINER_ID, CONTAINER_RUNTIME, HOST_ARCH, HOST_ID, HOST_NAME, OS_TYPE, POD_UID, text};

/// The attributes of this host, read once.
#[derive(Clone, Debug)]
pub struct Host(Vec<KeyValue>);

impl Host {
    /// Reads name, id and architecture. `service.name` is left to those who know the workload.
    pub fn read() -> Self {
        let file = |path: &str| std::fs::read_to_string(path).map(|text| text.trim().to_owned()).ok();
        let name = file("/proc/sys/kernel/hostname").map(|name| text(HOST_NAME, name));
        let id = file("/etc/machine-id").filter(|id| !id.is_empty()).map(|id| text(HOST_ID, id));
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Self(name.into_iter().chain(id).chain([text(HOST_ARCH, arch), text(OS_TYPE, "linux")]).collect())
    }

    /// The host's own Resource.
    pub fn resource(&self) -> Resource {
        Resource { attributes: self.0.clone(), ..Resource::default() }
    }

    /// The Resource of a container on this host.
    pub fn container(&self, container: &Container) -> Resource {
        let mut resource = self.resource();
        resource.attributes.push(text(CONTAINER_ID, &container.id));
        resource.attributes.extend(container.runtime.map(|runtime| text(CONTAINER_RUNTIME, runtime.name())));
        resource.attributes.extend(container.pod_uid.as_ref().map(|uid| text(POD_UID, uid)));
        resource
    }
}

/// The scope under which a receiver's probe speaks.
pub fn scope(name: &str) -> InstrumentationScope {
    InstrumentationScope {
        name: format!("kpulse/{name}"),
        version: env!("CARGO_PKG_VERSION").into(),
        ..InstrumentationScope::default()
    }
}
