//! URLs, and ids of connections.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipeline::proto::common::v1::{ArrayValue, KeyValueList};
use pipeline::proto::common::v1::{KeyValue, any_value::Value};
use sha1::{Digest, Sha1};

use super::Kind::{Int, Text};
use super::parsers::{entry, of_text};
use super::url::{Url, decoded};
use super::{Failure, Function, converter, may, need};
use crate::call::Args;
use crate::growing::Growing;
use crate::value::{Val, find_or_insert};

pub static FUNCTIONS: &[Function] = &[
    converter("URL", &[need("uri", Text)], "The parts of a URL, or of a query that begins with ?.", url),
    converter(
        "CommunityID",
        &[
            need("source_ip", Text),
            need("source_port", Int),
            need("destination_ip", Text),
            need("destination_port", Int),
            may("protocol", Text),
            may("seed", Int),
        ],
        "The id of a connection that other tools reach too, whichever side they see.",
        community_id,
    ),
];

fn url<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let text = args.text(0)?;
    match text.strip_prefix('?') {
        Some(query) => query_of(query),
        None if text.is_empty() => Err(Failure::from("an empty URL")),
        None => parts(&text),
    }
}

fn parts(text: &str) -> Result<Val<'static>, Failure> {
    let url = Url::parse(text)?;
    let mut map: Vec<KeyValue> = Vec::new();
    let mut put = |key: &str, value: &str| map.push(entry(key, of_text(value)));
    put("url.original", &url.original);
    put("url.domain", &url.host);
    put("url.scheme", &url.scheme);
    put("url.path", &url.path);
    let (name, password) = (url.name.as_deref().unwrap_or_default(), url.password.as_deref());
    let optional = [
        ("url.fragment", &*url.fragment),
        ("url.user_info", &*url.user_info),
        ("url.username", name),
        ("url.query", &*url.query),
        ("url.extension", url.path.rsplit_once('.').map_or("", |(_, extension)| extension)),
    ];
    optional.into_iter().filter(|(_, value)| !value.is_empty()).for_each(|(key, value)| put(key, value));
    if let Some(password) = password {
        put("url.password", password);
    }
    if let Some(port) = url.port {
        map.push(KeyValue { key: "url.port".into(), value: Val::Int(port).into_any().ok(), ..KeyValue::default() });
    }
    Ok(Val::Map(map.into()))
}

/// Each parameter with the list of its values.
fn query_of(query: &str) -> Result<Val<'static>, Failure> {
    let mut parameters = Growing::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if pair.contains(';') {
            return Err(Failure::from("a semicolon in a query"));
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decoded(&key.replace('+', " "))?, decoded(&value.replace('+', " "))?);
        match &mut parameters.value(&key).value {
            Some(Value::ArrayValue(list)) => list.values.push(of_text(&value)),
            empty => *empty = Some(Value::ArrayValue(ArrayValue { values: vec![of_text(&value)] })),
        }
    }
    let (mut map, parameters) = (Vec::new(), parameters.into_entries());
    if !parameters.is_empty() {
        find_or_insert(&mut map, "query").value = Some(Value::KvlistValue(KeyValueList { values: parameters }));
    }
    Ok(Val::Map(map.into()))
}

/// What the standard of Community IDs hashes.
fn community_id<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let (mut from, mut to) = (side(args, 0)?, side(args, 2)?);
    let protocol: u8 = match args.has(4).then(|| args.text(4)).transpose()?.as_deref() {
        Some("ICMP") => 1,
        None | Some("TCP") => 6,
        Some("UDP") => 17,
        Some("RSVP") => 46,
        Some("ICMP6") => 58,
        Some("SCTP") => 132,
        Some(other) => return Err(Failure::from(format!("unknown protocol {other:?}"))),
    };
    let seed = if args.has(5) { small(args.int(5)?, "seed")? } else { 0 };
    if (from.0.len(), &from) > (to.0.len(), &to) {
        std::mem::swap(&mut from, &mut to);
    }
    let hashed = Sha1::new()
        .chain_update(seed.to_be_bytes())
        .chain_update(&from.0)
        .chain_update(&to.0)
        .chain_update([protocol, 0])
        .chain_update(from.1.to_be_bytes())
        .chain_update(to.1.to_be_bytes());
    Ok(Val::owned(format!("1:{}", STANDARD.encode(hashed.finalize()))))
}

/// The address in bytes and the port.
fn side(args: Args<'_, '_>, index: usize) -> Result<(Vec<u8>, u16), Failure> {
    let (ip, port) = (args.text(index)?, small(args.int(index + 1)?, "port")?);
    let ip: IpAddr = ip.parse().map_err(|_| Failure::from(format!("{ip:?} is no IP address")))?;
    let bytes = match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    Ok((bytes, port))
}

fn small(int: i64, what: &str) -> Result<u16, Failure> {
    u16::try_from(int).map_err(|_| Failure::from(format!("a {what} is 0 to 65535, not {int}")))
}
