//! From a resource to the pod behind it: what identifies a pod, on both sides.

use std::net::IpAddr;
use std::sync::Arc;

use pipeline::Origin;
use pipeline::proto::common::v1::KeyValue;
use pipeline::proto::common::v1::any_value::Value;

use super::names::*;
use super::pod::Known;
use super::settings::{Association, Source, SourceFrom};

/// An attribute that the Collector still reads where nothing is configured.
const OLD_IP: &str = "ip";

/// Where one value of an identifier is from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The address of the sender.
    Connection,
    /// A resource attribute of this name.
    Attribute(Arc<str>),
}

/// What identifies a pod: values from one or several places.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Identifier(Vec<(Place, String)>);

impl Identifier {
    fn one(place: Place, value: impl Into<String>) -> Self {
        Self(vec![(place, value.into())])
    }

    fn attribute(name: &str, value: &str) -> Self {
        Self::one(Place::Attribute(name.into()), value)
    }

    /// The sender's address, if it is a part of this.
    pub fn connection(&self) -> Option<&str> {
        self.0.iter().find(|(place, _)| *place == Place::Connection).map(|(_, value)| value.as_str())
    }

    /// Its places without their values, e.g. `resource_attribute/k8s.pod.uid`.
    pub fn places(&self) -> String {
        let place = |(place, _): &(Place, String)| match place {
            Place::Connection => "connection".to_owned(),
            Place::Attribute(name) => format!("resource_attribute/{name}"),
        };
        self.0.iter().map(place).collect::<Vec<_>>().join("+")
    }
}

/// The compiled `pod_association`.
#[derive(Debug)]
pub struct Associations(Vec<Vec<Place>>);

impl Associations {
    /// Compiles the rules; without any, the default ladder holds.
    pub fn new(rules: &[Association]) -> Self {
        let place = |source: &Source| match source.from {
            SourceFrom::Connection => Place::Connection,
            SourceFrom::ResourceAttribute => Place::Attribute(source.name.as_str().into()),
        };
        Self(rules.iter().map(|rule| rule.sources.iter().map(place).collect()).collect())
    }

    /// What a resource's pod may be found by, the best first. With rules, the first whose sources are all present
    /// decides alone.
    pub fn of_resource(&self, attributes: &[KeyValue], origin: &Origin) -> Vec<Identifier> {
        let peer = origin.peer.map(|peer| peer.ip().to_canonical().to_string());
        if self.0.is_empty() {
            return ladder(attributes, peer);
        }
        let value = |place: &Place| match place {
            Place::Connection => peer.clone(),
            Place::Attribute(name) => {
                let value = text(attributes, name)?;
                (&**name != HOST_NAME || is_address(value)).then(|| value.to_owned())
            }
        };
        let of_rule = |places: &Vec<Place>| {
            let one = |place: &Place| Some((place.clone(), value(place)?));
            places.iter().map(one).collect::<Option<Vec<_>>>().map(Identifier)
        };
        self.0.iter().find_map(of_rule).into_iter().filter(|identifier| !identifier.0.is_empty()).collect()
    }

    /// Everything a pod is to be found by.
    pub fn of_pod(&self, pod: &Known) -> Vec<Identifier> {
        let mut all: Vec<_> = self.0.iter().flat_map(|places| of_rule(places, pod)).collect();
        for uid in [Some(&pod.uid), pod.static_uid.as_ref()].into_iter().flatten().filter(|uid| !uid.is_empty()) {
            all.push(Identifier::attribute(POD_UID, uid));
        }
        if !pod.address.is_empty() && !pod.host_network {
            all.push(Identifier::one(Place::Connection, &pod.address));
            all.push(Identifier::attribute(POD_IP, &pod.address));
        }
        if self.0.is_empty() {
            all.extend(pod.containers.ids().map(|id| Identifier::attribute(CONTAINER_ID, id)));
        }
        all
    }
}

/// The Collector's ladder (address attributes, connection, host name), which gives one; then what kpulse's own
/// telemetry has.
fn ladder(attributes: &[KeyValue], peer: Option<String>) -> Vec<Identifier> {
    let own = |name: &str| text(attributes, name).map(str::to_owned);
    let host = || own(HOST_NAME).filter(|name| is_address(name));
    let address = own(POD_IP).or_else(|| own(OLD_IP)).or(peer).or_else(host);
    let by_address = address.map(|address| Identifier::one(Place::Connection, address));
    let by_attribute = [POD_UID, CONTAINER_ID].map(|name| Some(Identifier::attribute(name, text(attributes, name)?)));
    by_address.into_iter().chain(by_attribute.into_iter().flatten()).collect()
}

fn of_rule(places: &[Place], pod: &Known) -> Vec<Identifier> {
    let mut found = vec![Identifier::default()];
    for place in places {
        let values = values(place, pod);
        let with = |identifier: &Identifier| {
            let longer = |value: &String| {
                Identifier(identifier.0.iter().cloned().chain([(place.clone(), value.clone())]).collect())
            };
            values.iter().map(longer).collect::<Vec<_>>()
        };
        found = found.iter().flat_map(with).collect();
    }
    found.retain(|identifier| !identifier.0.is_empty());
    found
}

/// The values that a pod has for a place; several only for containers and for the two uids of a static pod.
fn values(place: &Place, pod: &Known) -> Vec<String> {
    let values = match place {
        // Pods on the host's network share its address.
        Place::Connection if pod.host_network => vec![],
        Place::Connection => vec![pod.address.clone()],
        Place::Attribute(name) => match &**name {
            NAMESPACE_NAME => vec![pod.namespace.clone()],
            POD_NAME => vec![pod.name.clone()],
            POD_UID => [Some(&pod.uid), pod.static_uid.as_ref()].into_iter().flatten().cloned().collect(),
            HOST_NAME | POD_IP => vec![pod.address.clone()],
            CONTAINER_ID => pod.containers.ids().cloned().collect(),
            other => pod.attributes.get(other).map(str::to_owned).into_iter().collect(),
        },
    };
    values.into_iter().filter(|value| !value.is_empty()).collect()
}

/// The value of a text attribute that is not empty.
pub fn text<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}
