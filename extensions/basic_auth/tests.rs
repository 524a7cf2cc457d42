use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline::component::BuildContext;
use pipeline::extension::Extension;
use pipeline::{HeaderStep, Health, Identity, Origin, Tasks, Telemetry};
use tokio::sync::watch;

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
    config.build(BuildContext::new("basic_auth".parse().unwrap(), Telemetry::new("test"))).unwrap()
}

async fn started(text: &str) -> Arc<dyn Extension> {
    let extension = built(text);
    extension.start(watch::channel(Health::default()).1, &mut Tasks::default()).await.unwrap();
    extension
}

async fn asked(extension: &Arc<dyn Extension>, value: Option<&str>) -> Result<Identity, String> {
    let authenticator = extension.clone().authenticator().unwrap();
    authenticator.authenticate(&|name| value.filter(|_| name == "authorization").map(str::to_owned)).await
}

#[tokio::test]
async fn user_and_password_go_as_one_word() {
    let client = built("client_auth: {username: Aladdin, password: open sesame}");
    // RFC 7617's own example.
    let wanted = HeaderStep::Set("authorization".into(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".into());
    assert_eq!(client.credentials().unwrap().headers(&Origin::default()).await.unwrap(), [wanted]);
}

#[tokio::test]
async fn a_password_that_is_renewed_in_its_file_counts_from_the_next_request_on() {
    let file = std::env::temp_dir().join(format!("kpulse-password-{}", std::process::id()));
    std::fs::write(&file, "one\n").unwrap();
    let client = built(&format!("client_auth: {{username: me, password_file: {}}}", file.display()));
    let credentials = client.credentials().unwrap();
    let mut said = Vec::new();
    for password in ["one", "two"] {
        std::fs::write(&file, password).unwrap();
        said.extend(credentials.headers(&Origin::default()).await.unwrap());
    }
    std::fs::remove_file(&file).unwrap();
    let of = |login: &str| HeaderStep::Set("authorization".into(), format!("Basic {}", STANDARD.encode(login)));
    assert_eq!(said, [of("me:one"), of("me:two")]);
    assert!(credentials.headers(&Origin::default()).await.unwrap_err().contains("password_file: cannot read"));
}

#[tokio::test]
async fn each_kind_of_password_lets_in_its_own_and_no_other() {
    // Made with Apache's htpasswd and with openssl: the password is "bar" everywhere.
    let lines = [
        "bcrypt:$2y$05$bWBMg3oUStnhfy5rFvoyreviPySU6hvEmBub5wIlM/D.c5FeYJQ6O",
        "apr1:$apr1$saltsalt$HZb7DO9JU4769Nu3n58bv.",
        "md5:$1$saltsalt$56ibbfTGLAsNdA0n6U1Nn/",
        "crypt:$6$saltsalt$13ZWs86TCGWlKvPnoiZ5uGRk0I6FWQWsoBjy.0NUb9IUt/pnMWcsVBWPeXm2zbrm1/3NvnFsJFn2dIliX8SAJ/",
        "sha:{SHA}Ys23Ag/5IOWqZCw9QGaVDdHwH00=",
        "plain:bar",
        "nginx:{PLAIN}bar",
    ];
    let list = lines.iter().fold("htpasswd:\n  inline: |\n".to_owned(), |list, line| format!("{list}    {line}\n"));
    let server = started(&list).await;
    for user in ["bcrypt", "apr1", "sha", "plain", "nginx", "crypt", "md5"] {
        for (password, is_right) in [("bar", true), ("bar", true), ("baz", false), ("", false), ("bar", true)] {
            let value = format!("bAsIc {}", STANDARD.encode(format!("{user}:{password}")));
            assert_eq!(asked(&server, Some(&value)).await.is_ok(), is_right, "{user} {password}");
        }
    }
    let identity = asked(&server, Some(&format!("Basic {}", STANDARD.encode("plain:bar")))).await.unwrap();
    assert_eq!(identity, [("username".into(), "plain".into()), ("raw".into(), STANDARD.encode("plain:bar"))]);
}

#[tokio::test]
async fn a_password_whose_length_makes_it_costly_is_wrong() {
    let long = "x".repeat(513);
    let list = [&long[..512], &long].map(|right| format!("u{}:{}", right.len(), bcrypt::hash(right, 4).unwrap()));
    let server = started(&format!("htpasswd:\n  inline: |\n    {}\n", list.join("\n    "))).await;
    for (length, is_right) in [(512, true), (513, false)] {
        let value = format!("Basic {}", STANDARD.encode(format!("u{length}:{}", &long[..length])));
        assert_eq!(asked(&server, Some(&value)).await.is_ok(), is_right, "{length}");
    }
}

#[tokio::test]
async fn wrong_passwords_in_a_crowd_keep_nobody_out_for_ever() {
    let server = started(&format!("htpasswd: {{inline: 'a:{}'}}", bcrypt::hash("right", 4).unwrap())).await;
    let mut crowd = tokio::task::JoinSet::new();
    for number in 0..30 {
        let (server, is_right) = (server.clone(), number % 10 == 9);
        let password = if is_right { "right".to_owned() } else { format!("wrong{number}") };
        let value = format!("Basic {}", STANDARD.encode(format!("a:{password}")));
        crowd.spawn(async move { (asked(&server, Some(&value)).await.is_ok(), is_right) });
    }
    while let Some(answer) = crowd.join_next().await {
        let (was_let_in, is_right) = answer.unwrap();
        assert_eq!(was_let_in, is_right);
    }
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why_in_the_collectors_words() {
    let server = started("htpasswd: {inline: 'a:b'}").await;
    for (value, why) in [
        (None, "no basic auth provided"),
        (Some("Bearer x"), "invalid authorization scheme prefix"),
        (Some("Basic"), "invalid authorization scheme prefix"),
        (Some("Basic !"), "invalid authorization format"),
        (Some("Basic YQ=="), "invalid authorization format"),
        (Some("Basic YTpj"), "invalid credentials"),
        (Some("Basic eDpi"), "invalid credentials"),
    ] {
        assert_eq!(asked(&server, value).await.unwrap_err(), why, "{value:?}");
    }
}

#[test]
fn either_exporters_or_servers() {
    assert!(faults("{}").contains("client_auth or htpasswd must be set"));
    assert!(faults("{client_auth: {username: a}, htpasswd: {inline: 'a:b'}}").contains("not both"));
    assert!(faults("htpasswd: {}").contains("htpasswd: file or inline must be set"));
    assert!(faults("client_auth: {username: 'a:b'}").contains("client_auth::username: must not contain a colon"));
}

#[tokio::test]
async fn a_list_that_cannot_be_read_ends_the_start() {
    let extension = built("htpasswd: {file: /nowhere/at/all}");
    let error = extension.start(watch::channel(Health::default()).1, &mut Tasks::default()).await.unwrap_err();
    assert!(error.to_string().contains("htpasswd::file: cannot read /nowhere/at/all"), "{error}");
}
