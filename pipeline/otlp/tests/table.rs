use std::collections::HashMap;

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FileDescriptorSet};

use crate::otlp::schema::*;

/// Every message of the descriptors under its name without package.
fn descriptors() -> HashMap<String, DescriptorProto> {
    let set = FileDescriptorSet::decode(opentelemetry_proto::DESCRIPTORS).unwrap();
    let mut all = HashMap::new();
    for file in set.file {
        // Trace and profiles both have a `Link`: keep the package of profiles apart.
        let prefix = if file.package().contains("profiles") { "profiles." } else { "" };
        for message in file.message_type {
            collect(&mut all, format!("{prefix}{}", message.name()), message);
        }
    }
    all
}

fn collect(all: &mut HashMap<String, DescriptorProto>, name: String, message: DescriptorProto) {
    for nested in &message.nested_type {
        collect(all, format!("{name}.{}", nested.name()), nested.clone());
    }
    all.insert(name, message);
}

fn compare(message: &'static Message, all: &HashMap<String, DescriptorProto>, seen: &mut Vec<String>, prefix: &str) {
    let key = format!("{prefix}{}", message.name);
    if seen.contains(&key) {
        return;
    }
    seen.push(key.clone());
    let published = all.get(&key).or_else(|| all.get(message.name)).unwrap_or_else(|| panic!("no message {key}"));
    let mut theirs: Vec<_> = published.field.iter().collect();
    theirs.sort_by_key(|f| f.number());
    let numbers = |m: &Message| m.fields.iter().map(|f| f.number as i32).collect::<Vec<_>>();
    assert_eq!(numbers(message), theirs.iter().map(|f| f.number()).collect::<Vec<_>>(), "fields of {key}");
    for (ours, theirs) in message.fields.iter().zip(theirs) {
        let at = format!("{key}.{}", ours.name);
        assert_eq!(ours.name, theirs.json_name(), "{at}");
        assert!(same_kind(ours.kind, theirs.r#type()), "{at}: {:?}", theirs.r#type());
        assert_eq!(ours.presence == Presence::Repeated, theirs.label() == Label::Repeated, "{at}");
        let explicit = theirs.oneof_index.is_some() || theirs.r#type() == Type::Message;
        if theirs.label() != Label::Repeated {
            assert_eq!(ours.presence != Presence::Implicit, explicit, "{at}");
            let chosen = theirs.oneof_index.is_some() && !theirs.proto3_optional();
            assert_eq!(ours.presence == Presence::OneOf, chosen, "{at}");
        }
        if let Kind::Message(inner) = ours.kind {
            compare(inner, all, seen, prefix);
        }
    }
}

fn same_kind(ours: Kind, theirs: Type) -> bool {
    matches!(
        (ours, theirs),
        (Kind::Bool, Type::Bool)
            | (Kind::Int32, Type::Int32)
            | (Kind::Uint32, Type::Uint32)
            | (Kind::Sint32, Type::Sint32)
            | (Kind::Enum(_), Type::Enum)
            | (Kind::Int64, Type::Int64)
            | (Kind::Uint64, Type::Uint64)
            | (Kind::Fixed32, Type::Fixed32)
            | (Kind::Fixed64, Type::Fixed64)
            | (Kind::Sfixed64, Type::Sfixed64)
            | (Kind::Double, Type::Double)
            | (Kind::String, Type::String)
            | (Kind::Bytes | Kind::Id(_), Type::Bytes)
            | (Kind::Message(_), Type::Message)
    )
}

#[test]
fn the_table_says_what_the_published_descriptors_say() {
    let all = descriptors();
    for (root, prefix) in
        [(&TRACES_REQUEST, ""), (&METRICS_REQUEST, ""), (&LOGS_REQUEST, ""), (&PROFILES_REQUEST, "profiles.")]
    {
        compare(root, &all, &mut Vec::new(), prefix);
    }
}
