//! The sections of the configuration and the rules in them.

use config::{Decoder, Rules};
use regex::Regex;

use super::names::{DEFAULT_METADATA, METADATA};
use super::selector;

/// How many sources one association may have: the Collector's limit.
const SOURCES: usize = 4;

config::words! {
    /// How kpulse proves to the API server who it is.
    pub enum AuthType: "auth_type" {
        /// Not at all; the server's certificate is not checked either.
        None = "none",
        /// By the token that Kubernetes mounts into every pod.
        ServiceAccount = "serviceAccount",
        /// As kubectl does: `KUBECONFIG` or `~/.kube/config`.
        KubeConfig = "kubeConfig",
    }
}

config::words! {
    /// The object that a label or annotation is taken from.
    pub enum From: "object" {
        /// The pod itself.
        Pod = "pod",
        /// Its namespace.
        Namespace = "namespace",
        /// Its node.
        Node = "node",
        /// The deployment that made its ReplicaSet.
        Deployment = "deployment",
        /// The StatefulSet that made it.
        StatefulSet = "statefulset",
        /// The DaemonSet that made it.
        DaemonSet = "daemonset",
        /// The job that made it.
        Job = "job",
    }
}

config::words! {
    /// Where a source of an association is looked for.
    pub enum SourceFrom: "source" {
        /// An attribute of the resource.
        ResourceAttribute = "resource_attribute",
        /// The address of the sender.
        Connection = "connection",
    }
}

config::settings! {
    /// What is put on resources.
    pub struct Extract {
        /// Attributes by their names.
        pub metadata: Vec<String> = DEFAULT_METADATA.iter().map(|&name| name.to_owned()).collect(),
        /// Annotations that become attributes.
        pub annotations: Vec<Field> = Vec::new(),
        /// Labels that become attributes.
        pub labels: Vec<Field> = Vec::new(),
        /// Whether a pod's annotation `resource.opentelemetry.io/x` becomes the attribute `x`.
        pub otel_annotations: bool = false,
        /// Whether a deployment's name is read from its ReplicaSet's name, which needs no watch of ReplicaSets.
        pub deployment_name_from_replicaset: bool = true,
    }
}

impl Rules for Extract {
    fn rules(&self, decoder: &mut Decoder) {
        for (index, name) in self.metadata.iter().enumerate() {
            if !METADATA.contains(&name.as_str()) {
                let at = |d: &mut Decoder| d.at(index.to_string(), |d| d.unknown("metadata field", name, METADATA));
                decoder.at("metadata", at);
            }
        }
    }
}

config::settings! {
    /// A label or annotation that becomes an attribute.
    pub struct Field {
        /// The attribute; `k8s.pod.labels.KEY` and the like when empty. May refer to groups of `key_regex` as `$$1`.
        pub tag_name: String = String::new(),
        /// The label or annotation.
        pub key: String = String::new(),
        /// Every label or annotation whose whole key matches.
        pub key_regex: String = String::new(),
        /// The object that has it: pod, namespace, node, deployment, statefulset, daemonset or job.
        pub from: From = From::Pod,
    }
}

impl Rules for Field {
    fn rules(&self, decoder: &mut Decoder) {
        if !self.key.is_empty() && !self.key_regex.is_empty() {
            decoder.error("key and key_regex exclude each other");
        }
        if let Err(error) = self.pattern() {
            decoder.at("key_regex", |d| d.error(pattern_fault(&self.key_regex, &error)));
        }
    }
}

impl Field {
    /// The whole key as a pattern.
    pub fn pattern(&self) -> Result<Option<Regex>, regex::Error> {
        (!self.key_regex.is_empty()).then(|| Regex::new(&format!("^(?:{})$", self.key_regex))).transpose()
    }
}

/// A regex error in one line: its last one says what is wrong.
fn pattern_fault(pattern: &str, error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    format!("{pattern:?} is not a pattern: {}", last.trim_start_matches("error: "))
}

config::settings! {
    /// Which pods are watched.
    pub struct Filter {
        /// Only pods on this node.
        pub node: String = String::new(),
        /// The environment variable that has the node's name.
        pub node_from_env_var: String = String::new(),
        /// Only pods in this namespace.
        pub namespace: String = String::new(),
        /// Only pods whose fields are like this; `op` is equals or not-equals.
        pub fields: Vec<Condition> = Vec::new(),
        /// Only pods whose labels are like this; `op` is equals, not-equals, exists or does-not-exist.
        pub labels: Vec<Condition> = Vec::new(),
    }
}

impl Rules for Filter {
    fn rules(&self, decoder: &mut Decoder) {
        let variable = &self.node_from_env_var;
        if !variable.is_empty() && std::env::var_os(variable).is_none() {
            decoder.at("node_from_env_var", |d| d.error(format!("environment variable {variable:?} is not set")));
        }
        let mut check = |section: &str, conditions: &[Condition], fault: fn(&Condition) -> Option<String>| {
            for (index, condition) in conditions.iter().enumerate() {
                if let Some(fault) = fault(condition) {
                    decoder.at(section, |d| d.at(index.to_string(), |d| d.error(fault)));
                }
            }
        };
        check("fields", &self.fields, selector::field_fault);
        check("labels", &self.labels, selector::label_fault);
    }
}

impl Filter {
    /// The node whose pods are watched; all nodes when `None`.
    pub fn node(&self) -> Option<String> {
        let node = match self.node_from_env_var.as_str() {
            "" => self.node.clone(),
            variable => std::env::var(variable).unwrap_or_default(),
        };
        (!node.is_empty()).then_some(node)
    }
}

config::settings! {
    /// A condition on a label or field.
    pub struct Condition {
        /// The label or field.
        pub key: String = String::new(),
        /// Its value.
        pub value: String = String::new(),
        /// How they are compared; equals when empty.
        pub op: String = String::new(),
    }
}

impl Rules for Condition {}

config::settings! {
    /// One way to find the pod behind a resource.
    pub struct Association {
        /// What has to be there, all of it.
        pub sources: Vec<Source> = Vec::new(),
    }
}

impl Rules for Association {
    fn rules(&self, decoder: &mut Decoder) {
        if self.sources.len() > SOURCES {
            decoder.at("sources", |d| d.error(format!("too many sources: at most {SOURCES}")));
        }
    }
}

config::settings! {
    /// What identifies a pod.
    pub struct Source {
        /// `resource_attribute` or `connection`.
        pub from: SourceFrom = SourceFrom::ResourceAttribute,
        /// The attribute, e.g. `k8s.pod.uid`, `k8s.pod.ip`, `container.id`, or one that is extracted.
        pub name: String = String::new(),
    }
}

impl Rules for Source {}

config::settings! {
    /// Pods that are left alone.
    pub struct Exclude {
        /// By their names.
        pub pods: Vec<ExcludedPod> = ["jaeger-agent", "jaeger-collector"].map(ExcludedPod::named).into(),
    }
}

impl Rules for Exclude {}

config::settings! {
    /// A pod that is left alone.
    pub struct ExcludedPod {
        /// A pattern that is looked for anywhere in its name.
        pub name: String = String::new(),
    }
}

impl Rules for ExcludedPod {
    fn rules(&self, decoder: &mut Decoder) {
        if let Err(error) = Regex::new(&self.name) {
            decoder.at("name", |d| d.error(pattern_fault(&self.name, &error)));
        }
    }
}

impl ExcludedPod {
    fn named(name: &str) -> Self {
        Self { name: name.to_owned() }
    }
}
