//! TLS and mTLS, with certificates that change while it runs.

use std::net::SocketAddr;
use std::path::Path;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use transport::{TlsMaterial, TlsSettings};

use crate::agent::Agent;
use crate::answers::method;
use crate::client::{call, framed};
use crate::{address, start};

struct Files(std::path::PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("kpulse-otlp-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// A certificate for localhost and its key, as `<name>.pem` and `<name>.key`.
    fn certificate(&self, name: &str) -> CertifiedKey<KeyPair> {
        let made = generate_simple_self_signed(["localhost".into()]).unwrap();
        std::fs::write(self.path(name, "key"), made.signing_key.serialize_pem()).unwrap();
        std::fs::write(self.path(name, "pem"), made.cert.pem()).unwrap();
        made
    }

    fn path(&self, name: &str, kind: &str) -> String {
        Path::new(&self.0).join(format!("{name}.{kind}")).display().to_string()
    }

    fn server(&self, more: &str) -> String {
        let (cert, key) = (self.path("server", "pem"), self.path("server", "key"));
        format!("receivers.otlp.protocols.grpc.tls={{cert_file: {cert}, key_file: {key}{more}}}")
    }

    fn client(&self, own: Option<&str>) -> TlsSettings {
        let mut material = TlsMaterial { ca_file: self.path("server", "pem"), ..TlsMaterial::default() };
        if let Some(own) = own {
            material.cert_file = self.path(own, "pem");
            material.key_file = self.path(own, "key");
        }
        TlsSettings { material, ..TlsSettings::default() }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn ask(agent: &Agent, tls: &TlsSettings) -> Result<String, String> {
    let to: SocketAddr = address(agent, "grpc");
    let url = format!("https://localhost:{}", to.port());
    let answer = call(&url, tls, method("logs"), &[], framed(0, b"")).await?;
    Ok(answer.trailers["grpc-status"].to_str().unwrap().to_owned())
}

#[tokio::test]
async fn calls_come_over_tls_and_not_without() {
    let files = Files::new("tls");
    files.certificate("server");
    let mut agent = start(&[&files.server("")]);
    assert_eq!(ask(&agent, &files.client(None)).await.unwrap(), "0");
    let plain = format!("http://{}", address(&agent, "grpc"));
    assert!(call(&plain, &TlsSettings::default(), method("logs"), &[], framed(0, b"")).await.is_err());
    agent.wait_for("a word about it", |agent| agent.errors().contains("TLS handshake failed"));
}

#[tokio::test]
async fn only_clients_with_a_known_certificate_are_heard_and_the_list_can_grow() {
    let files = Files::new("mtls");
    let [_, alice, bob] = ["server", "alice", "bob"].map(|name| files.certificate(name));
    std::fs::write(files.path("clients", "pem"), alice.cert.pem()).unwrap();
    let more = format!(", client_ca_file: {}, client_ca_file_reload: true", files.path("clients", "pem"));
    let agent = start(&[&files.server(&more)]);
    assert_eq!(ask(&agent, &files.client(Some("alice"))).await.unwrap(), "0");
    assert!(ask(&agent, &files.client(None)).await.is_err());
    assert!(ask(&agent, &files.client(Some("bob"))).await.is_err());
    std::fs::write(files.path("clients", "pem"), [alice.cert.pem(), bob.cert.pem()].concat()).unwrap();
    assert_eq!(ask(&agent, &files.client(Some("bob"))).await.unwrap(), "0");
    std::fs::write(files.path("clients", "pem"), "garbage").unwrap();
    assert_eq!(ask(&agent, &files.client(Some("alice"))).await.unwrap(), "0", "the old list stays");
    assert!(agent.errors().contains("cannot read TLS files again"), "{}", agent.errors());
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_after_the_interval() {
    let files = Files::new("renewed");
    files.certificate("server");
    let agent = start(&[&files.server(", reload_interval: 1ms")]);
    assert_eq!(ask(&agent, &files.client(None)).await.unwrap(), "0");
    files.certificate("server");
    assert_eq!(ask(&agent, &files.client(None)).await.unwrap(), "0", "the new one is the only one trusted");
}
