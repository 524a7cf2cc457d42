use std::sync::Arc;

use pipeline::component::BuildContext;
use pipeline::extension::Extension;
use pipeline::{HeaderStep, Identity, Origin, Telemetry};

fn faults(text: &str) -> String {
    let mut decoder = config::Decoder::default();
    let config = (super::FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    config.validate(&mut decoder);
    decoder.finish().to_string()
}

fn built(text: &str) -> Arc<dyn Extension> {
    assert_eq!(faults(text), "");
    let mut decoder = config::Decoder::default();
    let config = (super::FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    config.build(BuildContext::new("bearer_token_auth".parse().unwrap(), Telemetry::new("test"))).unwrap()
}

async fn said(extension: &Arc<dyn Extension>) -> Result<Vec<HeaderStep>, String> {
    extension.clone().credentials().unwrap().headers(&Origin::default()).await
}

async fn asked(extension: &Arc<dyn Extension>, header: &str, value: &str) -> Result<Identity, String> {
    let authenticator = extension.clone().authenticator().unwrap();
    authenticator.authenticate(&|name| name.eq_ignore_ascii_case(header).then(|| value.to_owned())).await
}

fn step(name: &str, value: &str) -> Vec<HeaderStep> {
    vec![HeaderStep::Set(name.into(), value.into())]
}

#[tokio::test]
async fn the_token_stands_behind_its_scheme() {
    assert_eq!(said(&built("token: abc")).await.unwrap(), step("authorization", "Bearer abc"));
    let other = built("{token: abc, scheme: '', header: X-Token}");
    assert_eq!(said(&other).await.unwrap(), step("x-token", "abc"));
}

#[tokio::test]
async fn a_token_that_is_renewed_in_its_file_counts_from_the_next_request_on() {
    let file = std::env::temp_dir().join(format!("kpulse-token-{}", std::process::id()));
    std::fs::write(&file, "first # of old\nalso\n").unwrap();
    let extension = built(&format!("{{filename: {}, token: unheeded}}", file.display()));
    let first = said(&extension).await.unwrap();
    let lets_in = [
        asked(&extension, "authorization", "Bearer first").await.is_ok(),
        asked(&extension, "authorization", "Bearer also").await.is_ok(),
        asked(&extension, "authorization", "Bearer unheeded").await.is_ok(),
    ];
    std::fs::write(&file, "second\n").unwrap();
    let second = said(&extension).await.unwrap();
    let is_old = asked(&extension, "authorization", "Bearer first").await.is_ok();
    std::fs::remove_file(&file).unwrap();
    assert_eq!((first, second), (step("authorization", "Bearer first"), step("authorization", "Bearer second")));
    assert_eq!((lets_in, is_old), ([true, true, false], false));
    assert!(said(&extension).await.unwrap_err().contains("cannot read"));
    assert_eq!(asked(&extension, "authorization", "Bearer x").await.unwrap_err(), "tokens cannot be checked now");
}

#[tokio::test]
async fn each_of_several_tokens_lets_in_and_others_are_told_why_not() {
    let extension = built("{tokens: [one, two], scheme: Token, header: X-Key}");
    for (header, value, wanted) in [
        ("x-key", "Token one", Ok(())),
        ("x-key", "Token two", Ok(())),
        ("x-key", "Token three", Err("provided authorization does not match expected scheme or token")),
        ("x-key", "one", Err("provided authorization does not match expected scheme or token")),
        ("authorization", "Token one", Err("missing or empty authorization header: X-Key")),
    ] {
        assert_eq!(asked(&extension, header, value).await.map(drop), wanted.map_err(str::to_owned), "{header} {value}");
    }
    assert_eq!(said(&extension).await.unwrap(), step("x-key", "Token one"));
}

#[test]
fn there_has_to_be_a_token_in_one_place() {
    assert!(faults("{}").contains("token, tokens or filename must be set"));
    assert!(faults("{token: a, tokens: [b]}").contains("either token or tokens"));
    assert!(faults("{token: a, header: ''}").contains("header: must be the name"));
}
