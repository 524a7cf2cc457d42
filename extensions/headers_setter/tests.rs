use std::sync::Arc;

use pipeline::component::BuildContext;
use pipeline::extension::Extension;
use pipeline::{Extensions, HeaderStep, Origin, Telemetry};

fn faults(text: &str) -> String {
    let mut decoder = config::Decoder::default();
    let config = (super::FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    config.validate(&mut decoder);
    decoder.finish().to_string()
}

fn built(text: &str) -> Result<Arc<dyn Extension>, String> {
    assert_eq!(faults(text), "");
    let mut decoder = config::Decoder::default();
    let config = (super::FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    let cx = BuildContext::new("headers_setter".parse().unwrap(), Telemetry::new("test"));
    config.build(BuildContext { extensions: Extensions::default(), ..cx }).map_err(|error| error.to_string())
}

async fn steps(text: &str, origin: &Origin) -> Result<Vec<HeaderStep>, String> {
    built(text).unwrap().credentials().unwrap().headers(origin).await
}

fn origin() -> Origin {
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    Origin {
        metadata: pairs(&[("tenant", "blue"), ("twice", "1"), ("twice", "2")]),
        identity: pairs(&[("username", "me")]),
        ..Origin::default()
    }
}

#[tokio::test]
async fn each_action_with_a_value_of_each_source() {
    let text = "headers: [{key: A, value: x}, {key: B, action: insert, from_context: Tenant}, \
                {key: C, action: update, from_attribute: username}, {key: D, action: delete}, \
                {key: E, from_context: none, default_value: else}, {key: F, from_attribute: none}]";
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let step = |make: fn(String, String) -> HeaderStep, (name, value)| make(name, value);
    let wanted = [
        step(HeaderStep::Set, pair("a", "x")),
        step(HeaderStep::Add, pair("b", "blue")),
        step(HeaderStep::Change, pair("c", "me")),
        HeaderStep::Remove("d".into()),
        step(HeaderStep::Set, pair("e", "else")),
        step(HeaderStep::Set, pair("f", "")),
    ];
    assert_eq!(steps(text, &origin()).await.unwrap(), wanted);
}

#[tokio::test]
async fn what_was_said_twice_is_nobodys() {
    let error = steps("headers: [{key: A, from_context: twice}]", &origin()).await.unwrap_err();
    assert!(error.contains("twice more than once"), "{error}");
}

#[tokio::test]
async fn a_value_that_is_renewed_in_its_file_counts_from_the_next_request_on() {
    let file = std::env::temp_dir().join(format!("kpulse-header-{}", std::process::id()));
    std::fs::write(&file, "one\n").unwrap();
    let text = format!("headers: [{{key: A, value_file: {}}}]", file.display());
    let first = steps(&text, &origin()).await;
    std::fs::write(&file, "two\n").unwrap();
    let second = steps(&text, &origin()).await;
    std::fs::remove_file(&file).unwrap();
    let of = |value: &str| Ok(vec![HeaderStep::Set("a".into(), value.into())]);
    assert_eq!((first, second), (of("one"), of("two")));
    assert!(steps(&text, &origin()).await.unwrap_err().contains("value_file: cannot read"));
}

#[test]
fn every_header_has_a_name_and_one_source() {
    for (text, wanted) in [
        ("{}", "headers: must have at least one"),
        ("headers: [{value: x}]", "headers::0::key: must be the name"),
        ("headers: [{key: a}]", "headers::0: must have one of value"),
        ("headers: [{key: a, value: x, from_context: y}]", "headers::0: must have one of value"),
        ("headers: [{key: a, value: x, action: put}]", "headers::0::action: unknown action"),
    ] {
        assert!(faults(text).contains(wanted), "{text}: {}", faults(text));
    }
    let Err(error) = built("{headers: [{key: a, value: x}], additional_auth: none}") else { panic!("built") };
    assert!(error.contains("extension \"none\" is not in service::extensions"), "{error}");
}
