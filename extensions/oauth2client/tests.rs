use std::sync::Arc;

use pipeline::component::BuildContext;
use pipeline::extension::Extension;
use pipeline::{HeaderStep, Health, Origin, Tasks, Telemetry};
use tokio::sync::watch;

use crate::answering::Server;

/// A server of tokens with an answer for each request.
async fn tokens(answers: &'static [(u16, &'static str, &'static str)]) -> Server {
    let mut answers = answers.iter();
    Server::start(move |_, _, _| {
        answers.next().map(|(status, kind, body)| (*status, *kind, (*body).to_owned())).unwrap()
    })
    .await
}

async fn started(server: &Server, more: &str) -> Arc<dyn Extension> {
    let text = format!(
        "{{client_id: a b, client_secret: 's:1', token_url: 'http://{}/token', timeout: 10s, {more}}}",
        server.address
    );
    assert_eq!(faults(&text), "");
    let mut decoder = config::Decoder::default();
    let config = (super::FACTORY.decode)(&config::parse(&text, &"test".into()).unwrap(), &mut decoder);
    let cx = BuildContext::new("oauth2client".parse().unwrap(), Telemetry::new("test"));
    let built = config.build(cx).unwrap();
    built.start(watch::channel(Health::default()).1, &mut Tasks::default()).await.unwrap();
    built
}

fn faults(text: &str) -> String {
    let mut decoder = config::Decoder::default();
    let config = (super::FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    config.validate(&mut decoder);
    decoder.finish().to_string()
}

async fn said(client: &Arc<dyn Extension>) -> Result<String, String> {
    let steps = client.clone().credentials().unwrap().headers(&Origin::default()).await?;
    let [HeaderStep::Set(name, value)] = &steps[..] else { panic!("{steps:?}") };
    Ok(format!("{name}: {value}"))
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_used_until_it_is_nearly_over() {
    let answers = &[
        (
            200,
            "application/json; charset=utf-8",
            r#"{"access_token": "one", "token_type": "bearer", "expires_in": 3600}"#,
        ),
        (200, "application/json", r#"{"access_token": "two", "token_type": "Own", "expires_in": "3600"}"#),
    ];
    let server = tokens(answers).await;
    let client = started(&server, "scopes: [x, y], endpoint_params: {audience: [z w], b: ['1', '2']}").await;
    assert_eq!(said(&client).await.unwrap(), "authorization: Bearer one");
    assert_eq!(said(&client).await.unwrap(), "authorization: Bearer one");
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    let (head, form) = &asked[0];
    assert!(head.starts_with("post /token http/1.1\r\n"), "{head}");
    // RFC 6749, 2.3.1: both are escaped as in a form. "a+b:s%3A1"
    assert!(head.contains(&"authorization: Basic YStiOnMlM0Ex\r\n".to_lowercase()), "{head}");
    assert_eq!(form, "audience=z+w&b=1&b=2&grant_type=client_credentials&scope=x+y");
    let hasty = started(&server, "expiry_buffer: 2h").await;
    assert_eq!(said(&hasty).await.unwrap(), "authorization: Own two");
}

#[tokio::test]
async fn a_token_that_is_over_is_renewed() {
    let answers = &[
        (200, "application/json", r#"{"access_token": "one", "expires_in": 60}"#),
        (200, "application/x-www-form-urlencoded", "access_token=t%20wo&token_type=mac&expires_in=7200"),
    ];
    let server = tokens(answers).await;
    let client = started(&server, "expiry_buffer: 1m").await;
    assert_eq!(said(&client).await.unwrap(), "authorization: Bearer one");
    assert_eq!(said(&client).await.unwrap(), "authorization: MAC t wo");
    assert_eq!(said(&client).await.unwrap(), "authorization: MAC t wo");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn a_server_that_wants_the_secret_in_the_form_gets_it_there_and_is_asked_so_from_then_on() {
    let answers = &[
        (401, "application/json", r#"{"error": "invalid_client"}"#),
        (200, "application/json", r#"{"access_token": "one", "expires_in": 1}"#),
        (200, "application/json", r#"{"access_token": "two"}"#),
    ];
    let server = tokens(answers).await;
    let client = started(&server, "").await;
    assert_eq!(said(&client).await.unwrap(), "authorization: Bearer one");
    assert_eq!(said(&client).await.unwrap(), "authorization: Bearer two");
    let asked = server.asked();
    let forms: Vec<_> = asked.iter().map(|(head, form)| (head.contains("authorization"), form.as_str())).collect();
    let login = "client_id=a+b&client_secret=s%3A1&grant_type=client_credentials";
    assert_eq!(forms, [(true, "grant_type=client_credentials"), (false, login), (false, login)]);
}

#[tokio::test]
async fn what_the_server_says_instead_is_told_without_the_secret() {
    let refused = r#"{"error": "invalid_scope", "error_description": "no such scope"}"#;
    let server = tokens(Box::leak(Box::new([
        (400, "application/json", "no JSON"),
        (400, "application/json", refused),
        (200, "application/json", "{}"),
        (200, "application/json", r#"{"token_type": "x"}"#),
    ])))
    .await;
    let client = started(&server, "").await;
    let error = said(&client).await.unwrap_err();
    assert!(error.ends_with("/token: 400 Bad Request invalid_scope no such scope"), "{error}");
    let error = said(&client).await.unwrap_err();
    assert!(error.ends_with("the answer has no access_token") && !error.contains("s:1"), "{error}");
}

#[test]
fn id_secret_and_server_have_to_be_there() {
    let all = faults("grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer'");
    for wanted in [
        "client_id or client_id_file must be set",
        "client_secret or client_secret_file must be set",
        "grant_type: only client_credentials is supported",
        "token_url: must be a URL",
    ] {
        assert!(all.contains(wanted), "{all}");
    }
}
