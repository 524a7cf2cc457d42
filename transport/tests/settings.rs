use std::io::Write;

use bytes::Bytes;
use config::{Decode, Decoder, Secrets};

use crate::{
    Compression, ContentEncoding, DecompressError, Headers, ListenSettings, TlsServerSettings, TlsSettings, endpoint,
};

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
    let others =
        [Compression::Zlib, Compression::Deflate, Compression::Snappy, Compression::SnappyFramed, Compression::Lz4];
    let others = others.map(|way| (way.encoding().unwrap(), way.compress(body.clone()).unwrap()));
    for (encoding, packed) in [("gzip", gzip), ("zstd", zstd)].into_iter().chain(others) {
        let encoding = ContentEncoding::named(encoding).unwrap();
        assert_eq!(encoding.decompress(&packed, body.len()).unwrap(), body);
        let bomb = encoding.decompress(&packed, body.len() - 1).unwrap_err();
        assert!(matches!(bomb, DecompressError::TooLong(14_999)), "{bomb}");
        let torn = encoding.decompress(&packed.slice(..9), body.len()).unwrap_err();
        assert!(matches!(torn, DecompressError::Damaged(_)), "{torn}");
    }
    assert_eq!(ContentEncoding::named("br"), None);
    assert_eq!(Compression::Empty.compress(body.clone()).unwrap().as_ptr(), body.as_ptr());
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(body).unwrap();
    writer.finish().unwrap()
}

fn framed_snappy(body: &[u8]) -> Vec<u8> {
    let mut writer = snap::write::FrameEncoder::new(Vec::new());
    writer.write_all(body).unwrap();
    writer.into_inner().unwrap()
}

fn lz4(body: &[u8]) -> Vec<u8> {
    let mut writer = lz4_flex::frame::FrameEncoder::new(Vec::new());
    writer.write_all(body).unwrap();
    writer.finish().unwrap()
}

#[test]
fn every_encoding_is_unpacked_up_to_the_limit() {
    let body = b"the same again ".repeat(1000);
    let rows = [
        ("zlib", zlib(&body)),
        ("deflate", zlib(&body)),
        ("snappy", snap::raw::Encoder::new().compress_vec(&body).unwrap()),
        ("snappy", framed_snappy(&body)),
        ("x-snappy-framed", framed_snappy(&body)),
        ("lz4", lz4(&body)),
    ];
    for (name, packed) in rows.map(|(name, packed)| (name, Bytes::from(packed))) {
        let encoding = ContentEncoding::named(name).unwrap();
        assert!(packed.len() < body.len() / 10, "{name}");
        assert_eq!(encoding.decompress(&packed, body.len()).unwrap(), body, "{name}");
        assert!(matches!(encoding.decompress(&packed, 100), Err(DecompressError::TooLong(100))), "{name}");
        let torn = encoding.decompress(&packed.slice(..packed.len() / 2), body.len());
        assert!(matches!(torn, Err(DecompressError::Damaged(_))), "{name}");
    }
}

#[test]
fn endpoints_of_grpc_are_host_and_port_and_tls_is_the_default() {
    let target = |text, tls| endpoint::target(text, tls).map(|uri| uri.to_string());
    assert_eq!(target("localhost:4317", true).unwrap(), "https://localhost:4317/");
    assert_eq!(target("http://h:4317", false).unwrap(), "http://h:4317/");
    assert_eq!(target("HTTPS://h:4317", false).unwrap(), "https://h:4317/");
    assert_eq!(target("passthrough:///h:4317", false).unwrap(), "http://h:4317/");
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
    let text = "{cert_file: a, ca_file: b, ca_pem: c, server_name_override: 'a b', min_version: '1.3', max_version: '1.2', \
                cipher_suites: [TLS_NONE], curve_preferences: [P521], tpm: {enabled: true}}";
    let (_, faults) = decode::<TlsSettings>(text);
    for fault in [
        "ca_pem: must not be set together with ca_file",
        "key_file: must be set together with cert_file",
        "server_name_override: is not a host name",
        "min_version: must not be above max_version",
        "cipher_suites::0: unknown cipher suite \"TLS_NONE\"",
        "cipher_suites: none of these is built in, and TLS 1.3 is ruled out",
        "curve_preferences: none of these is built in",
        "tpm::enabled: is not supported",
    ] {
        assert!(faults.contains(fault), "no {fault:?} in\n{faults}");
    }
    assert_eq!(faults.lines().count(), 8, "{faults}");
    let (settings, faults) = decode::<TlsSettings>("{insecure: true, ca_file: x}");
    assert!(faults.is_empty() && settings.is_on());
}

#[test]
fn suites_and_curves_that_are_not_built_in_are_passed_over() {
    let text = "{cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA], curve_preferences: [X25519MLKEM768, P256], min_version: '1.0'}";
    assert_eq!(decode::<TlsSettings>(text).1, "");
    assert_eq!(
        decode::<TlsServerSettings>("{}").1,
        "cert_file: a server needs a certificate: set cert_file and key_file"
    );
}

#[test]
fn servers_listen_on_an_address_and_nothing_else() {
    for good in ["localhost:4317", ":4317", "0.0.0.0:0", "[::1]:4317"] {
        assert_eq!(decode::<ListenSettings>(&format!("{{endpoint: '{good}'}}")).1, "", "{good}");
    }
    for bad in ["", "localhost", "localhost:http", "::1:4317", "http://localhost:4317", "localhost:99999"] {
        let (_, faults) = decode::<ListenSettings>(&format!("{{endpoint: '{bad}'}}"));
        assert!(faults.starts_with("endpoint: must be host:port"), "{bad}: {faults}");
    }
    let (_, faults) = decode::<ListenSettings>("{endpoint: /run/x, transport: udp}");
    assert!(faults.contains("transport: unknown transport \"udp\"; known here: tcp, tcp4, tcp6, unix"), "{faults}");
}
