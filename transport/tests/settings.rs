use bytes::Bytes;
use config::{Decode, Decoder, Secrets};

use crate::{Compression, Headers, TlsSettings, endpoint};

fn decode<T: Decode + Default>(text: &str) -> (T, String) {
    let mut decoder = Decoder::default();
    let read = T::decode(&config::parse(text, &"test".into()).unwrap(), T::default(), &mut decoder);
    read.validate(&mut decoder);
    (read, decoder.finish().to_string())
}

#[test]
fn headers_are_a_map_or_a_list_and_their_values_are_secret() {
    let (map, faults) = decode::<Headers>("{Authorization: Bearer x, x-scope: '7'}");
    assert_eq!(faults, "");
    let (list, _) = decode::<Headers>("[{name: Authorization, value: Bearer x}, {name: x-scope, value: '7'}]");
    assert_eq!(map, list);
    assert_eq!(map.to_map()["authorization"], "Bearer x");
    let shown = config::to_yaml(&map.encode(Secrets::Redacted)).unwrap();
    assert!(shown.contains("[REDACTED]") && !shown.contains("Bearer"), "{shown}");
    let (_, faults) = decode::<Headers>("{'a b': x, c: \"d\\ne\"}");
    assert_eq!(faults, "a b: \"a b\" cannot be the name of a header\nc: holds characters that a header cannot carry");
}

#[test]
fn compressed_bodies_read_back() {
    let body = Bytes::from(b"the same again ".repeat(1000));
    let gzip = Compression::Gzip.compress(body.clone()).unwrap();
    assert!(gzip.len() < body.len() / 20, "{}", gzip.len());
    let zstd = Compression::Zstd.compress(body.clone()).unwrap();
    for (encoding, packed) in [("gzip", gzip), ("zstd", zstd)] {
        assert_eq!(Compression::decompress(encoding, &packed, body.len()).unwrap(), body);
        assert!(Compression::decompress(encoding, &packed, body.len() - 1).is_err(), "a bomb is not unpacked");
        assert!(Compression::decompress(encoding, &packed[..9], body.len()).is_err());
    }
    assert!(Compression::decompress("br", &body, 9).is_err());
    assert_eq!(Compression::Empty.compress(body.clone()).unwrap().as_ptr(), body.as_ptr());
}

#[test]
fn endpoints_of_grpc_are_host_and_port_and_tls_is_the_default() {
    let target = |text, tls| endpoint::target(text, tls).map(|uri| uri.to_string());
    assert_eq!(target("localhost:4317", true).unwrap(), "https://localhost:4317/");
    assert_eq!(target("http://h:4317", false).unwrap(), "http://h:4317/");
    assert_eq!(target("https://h:4317", false).unwrap(), "https://h:4317/");
    assert_eq!(target("dns:///[::1]:4317", false).unwrap(), "http://[::1]:4317/");
    for bad in ["", "localhost", "h:port", ":4317", "unix:///run/x", "h:1/path"] {
        assert!(target(bad, true).is_err(), "{bad}");
    }
}

#[test]
fn endpoints_of_http_are_urls() {
    assert!(endpoint::url("https://h/base?x=1").is_ok());
    for bad in ["", "h:4318", "ftp://h", "http://", "http:// h"] {
        assert!(endpoint::url(bad).is_err(), "{bad}");
    }
}

#[test]
fn tls_settings_that_cannot_work_are_refused() {
    let (_, faults) = decode::<TlsSettings>("{insecure_skip_verify: true, cert_file: a, server_name_override: 'a b'}");
    assert_eq!(
        faults,
        "insecure_skip_verify: is not supported: name the server's certificate, or its CA's, in ca_file\n\
         key_file: must be set together with cert_file\n\
         server_name_override: is not a host name"
    );
    let (settings, faults) = decode::<TlsSettings>("{insecure: true, ca_file: x}");
    assert!(faults.is_empty() && settings.is_on());
}
