use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pipeline::component::BuildContext;
use pipeline::extension::Extension;
use pipeline::{Health, Identity, Tasks, Telemetry};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::jwt::Jwt;
use super::keys::Keys;
use crate::answering::Server;

/// A key, and signatures by it, of openssl.
const RSA: &str = "tyChFDZo1zcxpTCVfOHsAPWqHL2pbG7GwTn0HNlB0GCkcnrBfpCMY78K3jWixZvoRTGdSciflHFI47aoTxbS2cOxojZVaIft4sn5Cqx5VOj-\
     NF-kW4folT0b3S7QWU3SRL-eY8QE4-R2ztEhe4HQN-YRX81RwepZwaZFkRflywUwdAX5303m4_OH2YQz2FQta4BBYQnMK4jprUzJZjxRyqxw8B\
     gl20-CDPLvA8lXyrqbqtWdo3nsPS4HLMPUyZQShn259wBidN_teVV5_iWda5aVd0QqS6ejO0ao-\
     KTX3-h9x3kI0MZMFCAPMgrZWVFvxKHIdPU3RSwdUCr0S9JKcQ";
const RSA_SIGNED: [&str; 3] = [
    "eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJ4In0.SOn2jis0wbq7f32W9LKA4SIi5l26pnDE3ExhgRKOLiWrlieSGWImSMcxsKx\
     8eIpicjOx3NZOKll_E3PPh-\
     6Drsxn4wYzHjEqIeutpyNYknLy2cu2iTwunLLGCAS4XDvgweQ7672Qlen4b_XP3O8KH6sWa7LKUUPV64jrcAeHeqJKfMz1WXz9x2fdh-\
     kaQA_7rvM574alT0K4y4dSbcejVqnf_dOtUSBU1XuWDAd0wqq_BWq-sxJhMWqiYZwpPg6OEPStWtzakquMW2NYSsO-\
     YfFDESPgHQEfjzeGA3mRretZ_X7seg3g-zHN0SkWCTnlN-hnm7A0WfIZMpAT7F2Bjg",
    "eyJhbGciOiJSUzUxMiIsImtpZCI6InIifQ.eyJpc3MiOiJ4In0.r9jj20AOMvOX9MxyIrCrq-aYly4y0T97EIvPS_v2rft29Vh7VF2SnnFcgVh\
     1_zZwChuViojyNGcYwU-p3N6lMFJos48CI543warF5PrphRcrhNhYtYpSzjBmAQSQL4JgIofSCo7V5dT1fgMjEjB14SFMd-BQgNYV7yrv_-\
     1_AqUc_1ImQVcCR3GeUUNjLyDzucW_a6xdyM2g8NMBiU9kuMDYu6LNImCEuvXU71u-\
     g8NHCtxx0BQ7U0tKxPg8yDLHSxYrnyVRZNnTOeAgZSf13zIs9uVM-ByxRjWKGPbRcPSoqn3BL7WSYcpkimKjS5TptgMAdE2cwelBMKeEdIRW5Q",
    "eyJhbGciOiJQUzI1NiIsImtpZCI6InIifQ.eyJpc3MiOiJ4In0.Jpxfoxmq2A-\
     INDPUyCNJzsS6g5ZFfGCYh6JlKZDU9vgHH5C5U4d_PhZXGaDuWeSCy6PzFq1iUXgfJ_Xc58XmDxOAy-\
     6O_2d3RuZG4oe603OQcITDQUXeDP5Avwd_3r_o9Ni6MwL-6fQ0Fv3ClNavlZ2qzyYz-\
     bY6k61cg15kYsvhiGI-8B0eiWlcF8Wo7ail-6_MSlSDAOPfqT-2jTjfkfnDQSyT-\
     aRLwRpLP84533w6iFbEtgJTZ8b01zdVN6Aq9uFauw3uJ4qA-\
     tIg3ho8aCAVhlqXPH9d_Prxa6uqmuTKC0OGKCG_TPa4SCrvDQDGKzyVwuGqtTt4JOQMhbp2IQ",
];

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Somebody who signs tokens by ES256.
struct Signer(EcdsaKeyPair, &'static str);

impl Signer {
    fn new(id: &'static str) -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap(), id)
    }

    fn key(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "kid": self.1, "use": "sig", "x": coordinate(&point[1..33]), "y": coordinate(&point[33..])})
    }

    fn token(&self, claims: &Value) -> String {
        let signed = format!("{}.{}", part(&json!({"alg": "ES256", "kid": self.1})), part(claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn signatures_of_each_kind_are_known_and_a_changed_text_is_not_signed() {
    let ed = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let signed = format!("{}.{}", part(&json!({"alg": "EdDSA"})), part(&json!({"iss": "x"})));
    let ed_signed = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(ed.sign(signed.as_bytes())));
    let signer = Signer::new("e");
    let es_signed = signer.token(&json!({"iss": "x"}));
    let rsa = json!({"kty": "RSA", "kid": "r", "n": RSA, "e": "AQAB"});
    let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(ed.public_key())});
    let other = json!({"kty": "oct", "k": "AAAA"});
    let keys = Keys::read(json!({"keys": [other, rsa, ed, signer.key()]}).to_string().as_bytes()).unwrap();
    for token in RSA_SIGNED.into_iter().chain([ed_signed.as_str(), es_signed.as_str()]) {
        assert!(keys.signed(&Jwt::read(token).unwrap()), "{token}");
        let (head, rest) = token.split_once('.').unwrap();
        let changed = format!("{head}.{}.{}", part(&json!({"iss": "y"})), rest.split_once('.').unwrap().1);
        assert!(!keys.signed(&Jwt::read(&changed).unwrap()), "{changed}");
    }
    // What is said to be signed in a way that is not the key's, or not at all.
    for algorithm in ["none", "HS256", "ES384", "EdDSA"] {
        let (_, rest) = es_signed.split_once('.').unwrap();
        let changed = format!("{}.{rest}", part(&json!({"alg": algorithm, "kid": "e"})));
        assert!(!keys.signed(&Jwt::read(&changed).unwrap()), "{algorithm}");
    }
    let only = json!({"keys": [{"kty": "RSA", "kid": "r", "alg": "RS512", "n": RSA, "e": "AQAB"}]});
    let only = Keys::read(only.to_string().as_bytes()).unwrap();
    let said = RSA_SIGNED.map(|token| only.signed(&Jwt::read(token).unwrap()));
    assert_eq!(said, [false, true, false]);
}

#[test]
fn what_is_no_token_or_no_key_says_why() {
    for text in ["", "a.b", "a.b.c", "e30.e30.", "e30.W10.", "a.b.c.d"] {
        assert!(Jwt::read(text).is_err(), "{text}");
    }
    let critical = format!("{}.{}.", part(&json!({"alg": "ES256", "crit": ["b64"]})), part(&json!({"iss": "x"})));
    assert!(Jwt::read(&critical).unwrap_err().contains("crit"));
    assert!(Jwt::read(&"a".repeat(20_000)).unwrap_err().contains("longer"));
    assert!(Keys::read(b"x").unwrap_err().contains("not JSON"));
    assert!(Keys::read(br#"{"keys": [{"kty": "oct"}]}"#).unwrap_err().contains("there is no RSA"));
}

fn faults(text: &str) -> String {
    let mut decoder = config::Decoder::default();
    let config = (super::FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    config.validate(&mut decoder);
    decoder.finish().to_string()
}

async fn started(text: &str) -> Result<Arc<dyn Extension>, String> {
    assert_eq!(faults(text), "");
    let mut decoder = config::Decoder::default();
    let config = (super::FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    let built = config.build(BuildContext::new("oidc".parse().unwrap(), Telemetry::new("test"))).unwrap();
    let opened = built.start(watch::channel(Health::default()).1, &mut Tasks::default()).await;
    opened.map(|()| built).map_err(|error| error.to_string())
}

async fn asked(extension: &Arc<dyn Extension>, value: Option<String>) -> Result<Identity, String> {
    let authenticator = extension.clone().authenticator().unwrap();
    authenticator.authenticate(&|name| value.clone().filter(|_| name == "authorization")).await
}

/// A provider that says its keys.
async fn provider(keys: Arc<Mutex<Vec<Value>>>) -> Server {
    Server::start(move |address, head, _| {
        let body = match head.split(' ').nth(1).unwrap() {
            "/realm/.well-known/openid-configuration" => {
                json!({"issuer": format!("http://{address}/realm"), "jwks_uri": format!("http://{address}/keys")})
            }
            _ => json!({"keys": *keys.lock().unwrap()}),
        };
        (200, "application/json", body.to_string())
    })
    .await
}

#[tokio::test]
async fn who_has_a_token_of_the_provider_is_let_in_and_known() {
    let signer = Signer::new("one");
    let server = provider(Arc::new(Mutex::new(vec![signer.key()]))).await;
    let issuer = format!("http://{}/realm", server.address);
    let oidc =
        started(&format!("{{issuer_url: '{issuer}', audience: us, username_claim: mail, groups_claim: groups}}"))
            .await
            .unwrap();
    let claims = |change: Value| {
        let mut claims = json!({"iss": issuer, "aud": ["us", "you"], "sub": "1", "exp": seconds() + 60, "mail": "a@b",
            "groups": ["x", "y"]});
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        claims
    };
    let bearer = |claims: &Value| Some(format!("Bearer {}", signer.token(claims)));
    let identity = asked(&oidc, bearer(&claims(json!({})))).await.unwrap();
    let of = |name: &str| identity.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    assert_eq!([of("subject"), of("membership"), of("sub")], [Some("a@b"), Some("x;y"), Some("1")]);
    let other = Signer::new("one");
    for (value, why) in [
        (None, "authentication didn't succeed"),
        (Some("token".into()), "invalid authorization header format"),
        (Some("Bearer x".into()), "failed to parse the token"),
        (bearer(&claims(json!({"iss": "else"}))), "of another provider"),
        (bearer(&claims(json!({"aud": "you"}))), "not for the audience"),
        (bearer(&claims(json!({"exp": seconds() - 1}))), "it is over"),
        (bearer(&claims(json!({"exp": null}))), "does not say how long"),
        (bearer(&claims(json!({"nbf": seconds() + 1000}))), "does not count yet"),
        (bearer(&claims(json!({"mail": 5}))), "\"mail\" is no text"),
        (Some(format!("Bearer {}", other.token(&claims(json!({}))))), "signed by none"),
    ] {
        let error = asked(&oidc, value).await.unwrap_err();
        assert!(error.contains(why), "{error} instead of {why}");
    }
    // The start, and one more look for the key of the other; not for every token.
    let again = Some(format!("Bearer {}", other.token(&claims(json!({})))));
    assert!(asked(&oidc, again).await.is_err());
    assert!(server.asked().len() <= 3, "{:?}", server.asked());
}

#[tokio::test]
async fn of_several_providers_each_speaks_for_its_own_and_keys_of_a_file_are_renewed() {
    let (one, two, three) = (Signer::new("1"), Signer::new("2"), Signer::new("3"));
    let server = provider(Arc::new(Mutex::new(vec![one.key()]))).await;
    let issuer = format!("http://{}/realm", server.address);
    let file = std::env::temp_dir().join(format!("kpulse-keys-{}", std::process::id()));
    std::fs::write(&file, json!({"keys": [two.key()]}).to_string()).unwrap();
    let of_file = format!("{{issuer_url: here, ignore_audience: true, public_keys_file: {}}}", file.display());
    let oidc = started(&format!("providers: [{{issuer_url: '{issuer}', audience: us}}, {of_file}]")).await.unwrap();
    let ask = async |signer: &Signer, issuer: &str| {
        let token = signer.token(&json!({"iss": issuer, "aud": "us", "exp": seconds() + 60, "sub": "s"}));
        asked(&oidc, Some(format!("Bearer {token}"))).await.is_ok()
    };
    let first = [ask(&one, &issuer).await, ask(&two, "here").await, ask(&one, "here").await, ask(&two, &issuer).await];
    let changed = json!({"keys": [three.key()]}).to_string();
    std::fs::write(&file, changed).unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
    let second = [ask(&two, "here").await, ask(&three, "here").await, ask(&one, "nowhere").await];
    std::fs::remove_file(&file).unwrap();
    let without_file = ask(&three, "here").await;
    assert_eq!(first, [true, true, false, false]);
    assert_eq!(second, [false, true, false]);
    assert!(without_file, "old keys stay in use");
}

#[tokio::test]
async fn a_provider_that_is_not_there_or_is_another_ends_the_start() {
    let server = provider(Arc::default()).await;
    let of = |path: &str| format!("{{issuer_url: 'http://{}/{path}', audience: us}}", server.address);
    let Err(error) = started(&of("realm")).await else { panic!("started") };
    assert!(error.contains("there is no RSA"), "{error}");
    let Err(error) = started(&of("realm/")).await else { panic!("started") };
    assert!(error.contains("issuer_url has to be the same"), "{error}");
    let Err(error) = started("{issuer_url: 'http://127.0.0.1:1', audience: us}").await else { panic!("started") };
    assert!(error.contains("refused"), "{error}");
}

#[test]
fn a_provider_has_an_issuer_and_an_audience() {
    for (text, wanted) in [
        ("{}", "issuer_url or providers must be set"),
        ("{issuer_url: a}", "audience must be set"),
        ("{audience: a}", "issuer_url must be set"),
        ("providers: [{issuer_url: a}]", "providers::0: audience must be set"),
        ("{issuer_url: a, audience: b, providers: [{issuer_url: a, audience: c}]}", "a is named twice"),
    ] {
        assert!(faults(text).contains(wanted), "{text}: {}", faults(text));
    }
}
