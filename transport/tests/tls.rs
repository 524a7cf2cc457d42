use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, server::WebPkiClientVerifier};

use crate::{Chunks, Client, Connections, TlsMaterial, TlsSettings, Version};

struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("kpulse-tls-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.0.join(name), text).unwrap();
        self.0.join(name).display().to_string()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A server for `kpulse.test` that wants this client's certificate, if one is given.
async fn server(own: &CertifiedKey<rcgen::KeyPair>, client: Option<&CertifiedKey<rcgen::KeyPair>>) -> SocketAddr {
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = match client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let mut roots = RootCertStore::empty();
            roots.add(client.cert.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = own.signing_key.serialize_der().try_into().unwrap();
    let mut config = builder.with_single_cert(vec![own.cert.der().clone()], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let Ok(stream) = acceptor.accept(tcp).await else { continue };
            let answer =
                service_fn(|_| async { Ok::<_, Infallible>(Response::new(Chunks::new([Bytes::from("yes")]))) });
            let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(http.serve_connection(TokioIo::new(stream), answer));
        }
    });
    address
}

fn trusting(ca_file: &str) -> TlsSettings {
    let material = TlsMaterial { ca_file: ca_file.to_owned(), ..TlsMaterial::default() };
    TlsSettings { material, ..TlsSettings::default() }
}

async fn ask(tls: &TlsSettings, address: SocketAddr) -> Result<String, String> {
    let client = Client::open(tls, true, Version::Any, Connections::default()).map_err(|e| e.to_string())?;
    let request = Request::post(format!("https://{address}/")).body(Chunks::default()).unwrap();
    let answer = client.send(request).await.map_err(|e| e.to_string())?;
    Ok(String::from_utf8(answer.body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_server_is_trusted_by_its_ca_file_and_name_and_not_otherwise() {
    let (files, own) = (Files::new("server"), generate_simple_self_signed(["kpulse.test".into()]).unwrap());
    let address = server(&own, None).await;
    let ca_file = files.write("ca.pem", &own.cert.pem());
    let named = TlsSettings { server_name_override: "kpulse.test".into(), ..trusting(&ca_file) };
    assert_eq!(ask(&named, address).await.unwrap(), "yes");
    let unnamed = ask(&trusting(&ca_file), address).await.unwrap_err();
    assert!(unnamed.contains("certificate not valid for name"), "{unnamed}");
    let other = generate_simple_self_signed(["kpulse.test".into()]).unwrap();
    let other = TlsSettings { material: trusting(&files.write("other.pem", &other.cert.pem())).material, ..named };
    let unknown = ask(&other, address).await.unwrap_err();
    assert!(unknown.contains("certificate"), "{unknown}");
}

#[tokio::test]
async fn a_client_shows_its_certificate_where_the_server_asks_for_it() {
    let files = Files::new("client");
    let [own, client] = [(); 2].map(|()| generate_simple_self_signed(["kpulse.test".into()]).unwrap());
    let address = server(&own, Some(&client)).await;
    let ca_file = files.write("ca.pem", &own.cert.pem());
    let nobody = TlsSettings { server_name_override: "kpulse.test".into(), ..trusting(&ca_file) };
    assert!(ask(&nobody, address).await.is_err());
    let somebody = TlsMaterial {
        cert_file: files.write("cert.pem", &client.cert.pem()),
        key_file: files.write("key.pem", &client.signing_key.serialize_pem()),
        ..nobody.material.clone()
    };
    let somebody = TlsSettings { material: somebody, ..nobody };
    assert_eq!(ask(&somebody, address).await.unwrap(), "yes");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let files = Files::new("bad");
    for (path, wanted) in [
        ("/nonexistent-kpulse/ca.pem".to_owned(), "/nonexistent-kpulse/ca.pem: "),
        (files.write("empty.pem", "nothing"), "there is no certificate in it"),
    ] {
        let tls = trusting(&path);
        let error = Client::open(&tls, true, Version::Any, Connections::default()).err().unwrap().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}
