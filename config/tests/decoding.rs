use std::time::Duration;

use indexmap::IndexMap;

use super::tree;
use crate::{Decode, Decoder, Opaque, Rules, Secrets, Section, Value, to_yaml};

crate::settings! {
    /// Inner settings.
    pub struct Inner {
        /// How many.
        pub size: u32 = 7,
    }
}
impl Rules for Inner {
    fn rules(&self, decoder: &mut Decoder) {
        if self.size == 0 {
            decoder.at("size", |d| d.error("must not be zero"));
        }
    }
}

crate::settings! {
    /// Outer settings.
    pub struct Outer {
        /// How long.
        pub timeout: Duration = Duration::from_secs(5),
        /// What it is called.
        pub label: String = "none".into(),
        /// A secret.
        pub token: Opaque = Opaque::default(),
        /// Names.
        pub names: Vec<String> = vec!["a".into()],
        /// On when named.
        pub inner: Section<Inner> = Section::on_when_named(),
        /// Free keys.
        pub headers: IndexMap<String, String> = IndexMap::new(),
    }
}
impl Rules for Outer {}

crate::settings! {
    /// Settings with those of another struct beside them.
    pub struct Wider (inner: Inner = Inner { size: 3 }) {
        /// Whether it is.
        pub wide: bool = true,
    }
}
impl Rules for Wider {}

crate::settings! {
    /// A key that is a word of Rust.
    pub struct Typed {
        /// What it is.
        pub r#type: String = String::new(),
    }
}
impl Rules for Typed {}

#[test]
fn a_key_may_be_a_word_of_rust() {
    let mut decoder = Decoder::default();
    let typed = Typed::decode(&tree("type: x"), Typed::default(), &mut decoder);
    assert_eq!((&*typed.r#type, decoder.finish().to_string()), ("x", String::new()));
    assert_eq!(to_yaml(&typed.encode(Secrets::Redacted)).unwrap().trim(), "type: x");
    assert_eq!(Typed::FIELDS[0].key, "type");
}

#[test]
fn the_keys_of_another_struct_stand_beside_its_own() {
    let read = |text| {
        let mut decoder = Decoder::default();
        let wider = Wider::decode(&tree(text), Wider::default(), &mut decoder);
        wider.validate(&mut decoder);
        (wider, decoder.finish().to_string())
    };
    assert_eq!(read("{}").0, Wider { inner: Inner { size: 3 }, wide: true });
    let (wider, errors) = read("{size: 9, wide: false}");
    assert_eq!((wider.inner.size, wider.wide, errors.as_str()), (9, false, ""));
    assert_eq!(to_yaml(&wider.encode(Secrets::Redacted)).unwrap(), "size: 9\nwide: false\n");
    assert_eq!(read("{size: 0}").1, "size: must not be zero");
    assert_eq!(read("{sise: 1}").1, "unknown key \"sise\"; did you mean \"size\"?");
    assert_eq!(Wider::FIELDS.iter().map(|row| row.key).collect::<Vec<_>>(), ["size", "wide"]);
}

fn decode(text: &str) -> (Outer, Vec<String>) {
    let mut decoder = Decoder::default();
    let value = decoder.at("root", |d| {
        let value = Outer::decode(&tree(text), Outer::default(), d);
        value.validate(d);
        value
    });
    (value, decoder.finish().0.iter().map(ToString::to_string).collect())
}

#[test]
fn all_faults_are_reported_at_once_with_paths_and_nearest_keys() {
    let (_, errors) = decode("timeuot: 1s\nlabel: 4317\nnames: {}\ninner: {size: -1, zzz: 1}\n");
    let text = errors.join("\n");
    assert_eq!(errors.len(), 5, "{text}");
    assert!(text.contains("root: unknown key \"timeuot\"; did you mean \"timeout\"?"), "{text}");
    assert!(text.contains("root::label: expected a string (quote it), got an integer (4317)"), "{text}");
    assert!(text.contains("root::names: expected a list, got a map"), "{text}");
    assert!(text.contains("root::inner::size: -1 is out of range"), "{text}");
    assert!(text.contains("root::inner: unknown key \"zzz\"; known here: size"), "{text}");
}

#[test]
fn null_zeroes_scalars_keeps_lists_and_turns_sections_on() {
    let (value, errors) = decode("timeout:\nlabel:\nnames:\ninner:\n");
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(value.timeout, Duration::ZERO);
    assert_eq!(value.label, "");
    assert_eq!(value.names, ["a"]);
    assert_eq!(value.inner, Section::On(Inner { size: 7 }));
}

#[test]
fn a_disabled_section_skips_its_rules_but_not_its_unknown_keys() {
    assert!(decode("inner: {size: 0}").1[0].contains("root::inner::size: must not be zero"));
    assert!(decode("inner: {size: 0, enabled: false}").1.is_empty());
    assert_eq!(decode("inner: {bogus: 0, enabled: false}").1.len(), 1);
}

#[test]
fn durations_read_and_print_as_go_does() {
    for (text, ns) in
        [("1h30m", 5_400_000_000_000), ("1.5s", 1_500_000_000), ("250ms", 250_000_000), ("5", 5), ("'0'", 0)]
    {
        let (value, errors) = decode(&format!("timeout: {text}"));
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(value.timeout.as_nanos(), ns, "{text}");
    }
    for text in ["5 sec", "-1s", "s", "x1", "", "1.2.3s", "99999999999999999999s"] {
        let (_, errors) = decode(&format!("timeout: '{text}'"));
        assert_eq!(errors.len(), 1, "{text}: {errors:?}");
    }
    for (ns, text) in [(0, "0s"), (1_500_000, "1.5ms"), (90_000_000_000, "1m30s"), (3_600_000_000_000, "1h0m0s")] {
        let node = Duration::from_nanos(ns).encode(Secrets::Redacted);
        assert_eq!(node.value, Value::String(text.into()));
    }
}

#[test]
fn what_is_encoded_decodes_to_the_same_and_secrets_are_hidden() {
    let (value, _) = decode("token: hush\nnames: a,b\ninner: {size: 3}\nheaders: {k: v}");
    assert_eq!(value.names, ["a", "b"]);
    let shown = to_yaml(&value.encode(Secrets::Redacted)).unwrap();
    assert!(shown.contains("[REDACTED]") && !shown.contains("hush"), "{shown}");
    assert!(!format!("{value:?}").contains("hush"));
    let (again, errors) = decode(&to_yaml(&value.encode(Secrets::Revealed)).unwrap());
    assert!(errors.is_empty());
    assert_eq!(again, value);
}

#[test]
fn component_ids_are_trimmed_and_checked() {
    let id: crate::ComponentId = " otlp / a/b ".parse().unwrap();
    assert_eq!((id.kind(), id.name(), id.to_string().as_str()), ("otlp", Some("a/b"), "otlp/a/b"));
    for bad in ["", "/x", "1nop", "nop/", "nop/a b", "a-b"] {
        assert!(bad.parse::<crate::ComponentId>().is_err(), "{bad:?}");
    }
}
