use crate::otlp::schema::*;
use crate::otlp::wire::Fault;
use crate::otlp::{json, walk};

/// A logs request with one record, as wire bytes.
fn sample() -> Vec<u8> {
    let text = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"k","value":{"stringValue":"v"}},
      {"key":"i","value":{"intValue":"-7"}},{"key":"b","value":{"boolValue":true}},{"key":"d","value":{"doubleValue":1.5}},
      {"key":"ä","value":{"stringValue":"ö"}},{"key":"n"},{"key":"l","value":{"arrayValue":{"values":[{"intValue":"1"}]}}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","severityText":"INFO","traceId":"0102030405060708090a0b0c0d0e0f10","flags":1}]}]}]}"#;
    json::read(&LOGS_REQUEST, text.as_bytes()).unwrap()
}

#[test]
fn items_are_counted_without_decoding() {
    let one = sample();
    assert_eq!(walk(&LOGS_REQUEST, &one), Ok(1));
    let two = [one.clone(), one].concat();
    assert_eq!(walk(&LOGS_REQUEST, &two), Ok(2), "concatenated requests are one request");
    assert_eq!(walk(&LOGS_REQUEST, &[]), Ok(0));
}

#[test]
fn every_truncation_is_found_or_leaves_a_whole_request() {
    let whole = sample();
    for cut in 1..whole.len() {
        assert!(walk(&LOGS_REQUEST, &whole[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn no_single_changed_byte_makes_walk_and_decoder_disagree_on_soundness() {
    use prost::Message as _;
    type Request = opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    let whole = sample();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            if walk(&LOGS_REQUEST, &bytes).is_ok() {
                assert!(Request::decode(&bytes[..]).is_ok(), "walk took what prost refuses: byte {at} bit {bit}");
                let mut out = Vec::new();
                json::write(&LOGS_REQUEST, &bytes, &mut out).unwrap();
                serde_json::from_slice::<serde_json::Value>(&out).unwrap();
            }
        }
    }
}

#[test]
fn damage_is_named_with_its_place() {
    let rows: [(&[u8], Fault); 8] = [
        (&[0x0a, 5, 0], Fault::Truncated),
        (&[0x08, 1], Fault::Mismatch("resourceLogs")),
        (&[0x0a, 3, 0x1a, 1, 0xff], Fault::Utf8("schemaUrl")),
        (&[0x0b], Fault::WireType(3)),
        (&[0x00, 0], Fault::Number(0)),
        (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02], Fault::Varint),
        (&[0x0a, 6, 0x12, 4, 0x12, 2, 0x4a, 0x01], Fault::Truncated),
        (&[0x0a, 7, 0x12, 5, 0x12, 3, 0x4a, 0x01, 7], Fault::IdLength("traceId", 1)),
    ];
    for (bytes, fault) in rows {
        assert_eq!(walk(&LOGS_REQUEST, bytes).unwrap_err().what, fault, "{bytes:?}");
    }
}

#[test]
fn endless_nesting_is_refused_and_not_a_crash() {
    // AnyValue -> ArrayValue -> AnyValue ... within a body.
    let mut bytes = Vec::new();
    for _ in 0..5000 {
        for tag in [0x0a, 0x2a] {
            let mut outer = vec![tag];
            crate::otlp::wire::put_varint(&mut outer, bytes.len() as u64);
            outer.extend(&bytes);
            bytes = outer;
        }
    }
    for tag in [0x2a, 0x12, 0x12, 0x0a] {
        let mut outer = vec![tag];
        crate::otlp::wire::put_varint(&mut outer, bytes.len() as u64);
        outer.extend(&bytes);
        bytes = outer;
    }
    assert_eq!(walk(&LOGS_REQUEST, &bytes).unwrap_err().what, Fault::Depth);
    assert!(json::write(&LOGS_REQUEST, &bytes, &mut Vec::new()).is_err());
}
