use std::time::Duration;

use pipeline::component::*;
use pipeline::proto::LogsRequest;
use pipeline::proto::common::v1::any_value::Value;
use pipeline::{Batch, Signal, Tasks, Telemetry};

use super::detect::Detected;
use super::system::{Cpu, OsRelease};
use super::{FACTORY, container, env};
use crate::tests::{attribute, logs};

fn decoded(text: &str) -> (Box<dyn ProcessorConfig>, String) {
    let mut decoder = config::Decoder::default();
    let config = (FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    Configured::validate(&*config, &mut decoder);
    (config, decoder.finish().to_string())
}

/// The resource that comes out of a started processor.
async fn described(text: &str) -> Vec<(String, Option<Value>)> {
    let (config, faults) = decoded(text);
    assert_eq!(faults, "");
    let cx = BuildContext::new("resource_detection".parse().unwrap(), Telemetry::new("test"));
    let Ok(Processor::Transform(processor)) = config.build(cx) else { panic!("no transform") };
    let mut tasks = Tasks::default();
    processor.start(&mut tasks).await.unwrap();
    let batch = Batch::received(Signal::Logs, logs(&[("a", 1)]).encode(), Default::default()).unwrap();
    let Verdict::Pass(mut batch) = processor.apply(batch) else { panic!("not passed") };
    let request = batch.read::<LogsRequest>().unwrap().unwrap();
    assert_eq!(request.resource_logs[0].schema_url, super::detect::SCHEMA_URL);
    let attributes = request.resource_logs[0].resource.clone().unwrap().attributes;
    tasks.end(Duration::from_secs(1)).await;
    attributes.into_iter().map(|attribute| (attribute.key, attribute.value.and_then(|value| value.value))).collect()
}

#[tokio::test]
async fn the_system_tells_name_and_type_and_what_else_is_wanted() {
    let found = described("{detectors: [system], system: {hostname_sources: [os]}}").await;
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned();
    let wanted = [("container.id", "a"), ("host.name", &name), ("os.type", "linux")];
    let wanted = wanted.map(|(key, value)| (key.to_owned(), Some(Value::StringValue(value.to_owned()))));
    assert_eq!(found, wanted);
    let some =
        "host.arch: {enabled: true}, os.type: {enabled: false}, host.interface: {enabled: true}, os.description: {}";
    let found = described(&format!(
        "{{detectors: [system], refresh_interval: 1h, system: {{hostname_sources: [os], resource_attributes: {{{some}}}}}}}"
    ))
    .await;
    let keys: Vec<_> = found.iter().map(|(key, _)| &**key).collect();
    assert_eq!(keys, ["container.id", "host.name", "os.description", "host.arch", "host.interface"]);
    let Some(Value::ArrayValue(interfaces)) = &found[4].1 else { panic!("{found:?}") };
    assert!(interfaces.values.contains(&attribute("", "lo").value.unwrap()), "{interfaces:?}");
}

#[tokio::test]
async fn what_was_found_replaces_what_a_resource_says_unless_it_must_not() {
    let mut found = Detected::default();
    found.text("container.id", "found");
    found.text("other", "found");
    for (replaces, wanted) in [(true, "found"), (false, "a")] {
        let (config, _) = decoded(&format!("{{override: {replaces}}}"));
        let node = Configured::encode(&*config, config::Secrets::Redacted);
        let mut decoder = config::Decoder::default();
        let config: super::Config = config::Decode::decode(&node, super::Config::default(), &mut decoder);
        let processor = super::Describe {
            id: "x".into(),
            config,
            detectors: Vec::new(),
            found: std::sync::Arc::new(std::sync::RwLock::new(std::sync::Arc::new(found.clone()))),
        };
        let Verdict::Pass(mut batch) = processor.apply(logs(&[("a", 1)])) else { panic!("not passed") };
        let request = batch.read::<LogsRequest>().unwrap().unwrap();
        let attributes = &request.resource_logs[0].resource.as_ref().unwrap().attributes;
        assert_eq!(*attributes, [attribute("container.id", wanted), attribute("other", "found")]);
    }
}

#[test]
fn the_environment_holds_pairs_with_escapes() {
    let detect = |text: &str| env::detect(|name| (name == "OTEL_RESOURCE_ATTRIBUTES").then(|| text.to_owned()));
    let found = detect(" a = 1 ,b=x%20y+z%3D,c=,d=e=f, ").unwrap();
    let wanted = [("a", "1"), ("b", "x y z="), ("c", ""), ("d", "e=f")].map(|(key, value)| attribute(key, value));
    assert_eq!(found.attributes, wanted);
    assert_eq!(detect(""), Ok(Detected::default()));
    assert_eq!(env::detect(|name| (name == "OTEL_RESOURCE").then(|| "a=b".into())).unwrap().attributes.len(), 1);
    for text in ["a", "=1", "a=1,,b=2", "a=%2", "a=%zz", "\u{e9}=1"] {
        assert!(detect(text).is_err(), "{text}");
    }
}

#[test]
fn the_own_container_is_told_by_the_cgroup_or_by_what_is_mounted() {
    let id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let found = container::of(&format!("12:cpu:/\n0::/kubepods/burstable/podaa-bb/{id}\n"), "").unwrap();
    assert_eq!((&*found.id, found.pod_uid.as_deref()), (id, Some("aa-bb")));
    for root in
        [format!("/var/lib/docker/containers/{id}/hostname"), format!("/run/overlay-containers/{id}/userdata/hostname")]
    {
        let mounts = format!("1 2 8:1 / / rw - ext4 x\n3 2 8:1 {root} /etc/hostname rw,relatime - ext4 /dev/x rw\n");
        assert_eq!(container::of("0::/\n", &mounts).unwrap().id, id);
    }
    let sandbox = format!("3 2 8:1 /var/lib/containerd/sandboxes/{id}/hostname /etc/hostname rw - ext4 x\n");
    assert_eq!(container::of("0::/system.slice/kpulse.service\n", &sandbox), None);
}

#[test]
fn files_of_the_system_are_understood() {
    let release = OsRelease::of("NAME=\"X OS\"\nID=xos\nVERSION_ID='7.1'\nBUILD_ID=\n");
    assert_eq!(
        (release.name(), release.version(), release.get("BUILD_ID")),
        (Some("xos".into()), Some("7.1".into()), None)
    );
    let cpu = Cpu::of(
        "processor\t: 0\nvendor_id\t: V\ncpu family\t: 6\nmodel\t\t: 85\nmodel name\t: M N\nstepping\t: 7\ncache size\t: 1024 KB\n\nprocessor\t: 1\nvendor_id\t: W\n",
    );
    assert_eq!((cpu.vendor.as_deref(), cpu.model.as_deref(), cpu.cache), (Some("V"), Some("85"), Some(1024)));
    assert_eq!(
        (cpu.model_name.as_deref(), cpu.stepping.as_deref(), cpu.family.as_deref()),
        (Some("M N"), Some("7"), Some("6"))
    );
}

#[test]
fn names_that_nobody_knows_are_told() {
    for error in [super::system::names::canonical("nowhere.invalid"), super::system::names::reverse("nowhere.invalid")]
    {
        let error = error.unwrap_err();
        assert!(error.starts_with("nowhere.invalid cannot be resolved: "), "{error}");
    }
    assert_eq!(super::system::names::canonical("127.0.0.1").unwrap(), "127.0.0.1");
}

#[test]
fn what_cannot_be_asked_is_told_with_its_place() {
    for (text, wanted) in [
        ("{detectors: [sistem]}", "detectors::0: unknown detector \"sistem\"; known here: env, system, container"),
        ("{timeout: 0s}", "timeout: must be greater than 0"),
        (
            "{system: {hostname_sources: [file]}}",
            "system::hostname_sources::0: unknown source \"file\"; known here: os, dns",
        ),
        (
            "{system: {resource_attributes: {host.nam: {enabled: true}}}}",
            "unknown attribute \"host.nam\"; did you mean \"host.name\"?",
        ),
        ("{ec3: {tags: [x]}}", "unknown key \"ec3\""),
    ] {
        let faults = decoded(text).1;
        assert!(faults.contains(wanted) && faults.lines().count() == 1, "{text}: {faults}");
    }
}

#[test]
fn detectors_of_clouds_and_their_settings_are_taken() {
    let (_, faults) =
        decoded("{detectors: [env, ec2, gcp, docker], ec2: {tags: ['^a$']}, gcp: {resource_attributes: {}}}");
    assert_eq!(faults, "");
}
