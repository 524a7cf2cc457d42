//! Converters to plain values, hashes and ids.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256, Sha512};

use super::Kind::{Any, Int, Text, Texts};
use super::{Failure, Function, converter, may, need};
use crate::call::Args;
use crate::fields::ids::{hex, unhex};
use crate::value::Val;

pub static FUNCTIONS: &[Function] = &[
    converter("Int", &[need("target", Any)], "As an int; nil for a text that is none.", int),
    converter("Double", &[need("target", Any)], "As a double.", |args| Ok(double(args)?.map_or(Val::Nil, Val::Double))),
    converter("Bool", &[need("target", Any)], "As a bool.", bool_),
    converter("ParseInt", &[need("target", Text), need("base", Int)], "The int a text is in a base.", parse_int),
    converter("Log", &[need("target", Any)], "The natural logarithm.", log),
    converter("Hex", &[need("target", Any)], "The bytes in hexadecimal.", |args| Ok(Val::owned(hex(&bytes(args)?)))),
    converter("SHA256", &[need("target", Text)], "The SHA-256 of a text.", |args| {
        Ok(Val::owned(hex(&Sha256::digest(args.text(0)?.as_bytes()))))
    }),
    converter("SHA512", &[need("target", Text)], "The SHA-512 of a text.", |args| {
        Ok(Val::owned(hex(&Sha512::digest(args.text(0)?.as_bytes()))))
    }),
    converter("SHA1", &[need("target", Text)], "The SHA-1 of a text.", |args| {
        Ok(Val::owned(hex(&sha1::Sha1::digest(args.text(0)?.as_bytes()))))
    }),
    converter("MD5", &[need("target", Text)], "The MD5 of a text.", |args| {
        Ok(Val::owned(hex(&md5::Md5::digest(args.text(0)?.as_bytes()))))
    }),
    converter("FNV", &[need("target", Text)], "The 64 bit FNV-1a hash of a text.", fnv),
    converter("TraceID", &[need("target", Any)], "A trace id from bytes or hexadecimal text.", |args| {
        id(args).map(Val::TraceId)
    }),
    converter("ProfileID", &[need("target", Any)], "A profile id from bytes or hexadecimal text.", |args| {
        id(args).map(Val::TraceId)
    }),
    converter("SpanID", &[need("target", Any)], "A span id from bytes or hexadecimal text.", |args| {
        id(args).map(Val::SpanId)
    }),
    converter("IsValidLuhn", &[need("target", Any)], "Whether digits end with their check digit.", is_valid_luhn),
    converter(
        "IsInCIDR",
        &[need("target", Text), need("networks", Texts)],
        "Whether an IP address is in one of the networks.",
        is_in_cidr,
    ),
    converter("Base64Decode", &[need("target", Text)], "The text that base64 stands for.", |args| {
        decoded(&args.text(0)?, "base64")
    }),
    converter(
        "Base64Encode",
        &[need("target", Text), may("variant", Text)],
        "A text in base64, base64-raw, base64-url or base64-raw-url.",
        encode,
    ),
    converter(
        "Decode",
        &[need("target", Any), need("encoding", Text)],
        "The text that base64, base64-raw, base64-url, base64-raw-url or utf-8 stands for.",
        decode,
    ),
    converter("UUID", &[], "A random UUID.", |_| Ok(Val::owned(uuid::Uuid::new_v4().to_string()))),
    converter("UUIDv7", &[], "A UUID that begins with the time.", |_| Ok(Val::owned(uuid::Uuid::now_v7().to_string()))),
];

fn int<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    Ok(match args.value(0)? {
        Val::Nil => Val::Nil,
        Val::Int(int) => Val::Int(int),
        Val::Double(double) => Val::Int(double as i64),
        Val::Bool(truth) => Val::Int(truth.into()),
        Val::Text(text) => text.parse().map_or(Val::Nil, Val::Int),
        other => return Err(other.unexpected("a number, bool or text")),
    })
}

/// Argument 0 as a double.
pub(super) fn double(args: Args<'_, '_>) -> Result<Option<f64>, Failure> {
    Ok(Some(match args.value(0)? {
        Val::Nil => return Ok(None),
        Val::Int(int) => int as f64,
        Val::Double(double) => double,
        Val::Bool(truth) => f64::from(u8::from(truth)),
        Val::Text(text) => text.parse().map_err(|_| Failure::from(format!("{text:?} is no number")))?,
        other => return Err(other.unexpected("a number, bool or text")),
    }))
}

fn bool_<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    Ok(match args.value(0)? {
        Val::Nil => Val::Nil,
        Val::Bool(truth) => Val::Bool(truth),
        Val::Int(int) => Val::Bool(int != 0),
        Val::Double(double) => Val::Bool(double != 0.0),
        Val::Text(text) => match &*text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Val::Bool(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Val::Bool(false),
            _ => return Err(Failure::from(format!("{text:?} is neither true nor false"))),
        },
        other => return Err(other.unexpected("a bool, number or text")),
    })
}

fn parse_int<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let (text, base) = (args.text(0)?, args.int(1)?);
    let (radix, digits) = match u32::try_from(base) {
        Ok(0) => based(&text),
        Ok(base @ 2..=36) => (base, text.clone().into_owned()),
        _ => return Err(Failure::from(format!("{base} is no base; use 0 or 2 to 36"))),
    };
    let parsed = i64::from_str_radix(&digits, radix);
    parsed.map(Val::Int).map_err(|_| Failure::from(format!("{text:?} is no int in base {base}")))
}

/// Base 0: a prefix tells it, and underscores may stand between digits.
fn based(text: &str) -> (u32, String) {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let lower = rest.to_ascii_lowercase();
    let bases = [("0x", 16), ("0o", 8), ("0b", 2), ("0", 8)];
    let found = bases.into_iter().find_map(|(prefix, base)| {
        let digits = lower.strip_prefix(prefix).filter(|digits| !digits.is_empty())?;
        Some((base, digits))
    });
    let (base, digits) = found.unwrap_or((10, &lower));
    (base, format!("{sign}{}", digits.replace('_', "")))
}

fn log<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    match double(args)? {
        Some(number) if number > 0.0 => Ok(Val::Double(number.ln())),
        _ => Err(Failure::from("only numbers above zero have a logarithm")),
    }
}

/// Any plain value as bytes, numbers with the highest byte first.
fn bytes<'a>(args: Args<'a, '_>) -> Result<Cow<'a, [u8]>, Failure> {
    Ok(match args.value(0)? {
        Val::Nil => Cow::Borrowed(&[]),
        Val::Bytes(bytes) => bytes,
        Val::Text(Cow::Borrowed(text)) => Cow::Borrowed(text.as_bytes()),
        Val::Text(Cow::Owned(text)) => Cow::Owned(text.into_bytes()),
        Val::Int(int) => int.to_be_bytes().to_vec().into(),
        Val::Double(double) => double.to_bits().to_be_bytes().to_vec().into(),
        Val::Bool(truth) => vec![truth.into()].into(),
        other => return Err(other.unexpected("bytes or a plain value")),
    })
}

fn fnv<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let text = args.text(0)?;
    let hash = text.bytes().fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    Ok(Val::Int(hash as i64))
}

fn id<const N: usize>(args: Args<'_, '_>) -> Result<[u8; N], Failure> {
    let bytes = bytes(args)?;
    let whole = if bytes.len() == N { Some(bytes.to_vec()) } else { std::str::from_utf8(&bytes).ok().and_then(unhex) };
    let whole = whole.and_then(|id| <[u8; N]>::try_from(id).ok());
    whole.ok_or_else(|| Failure::from(format!("an id has {N} bytes or {} hexadecimal digits", N * 2)))
}

fn is_valid_luhn<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let text = args.text_like(0)?.ok_or_else(|| Failure::from("nil has no check digit"))?;
    let digits: Option<Vec<u32>> = text.chars().filter(|c| *c != ' ').map(|c| c.to_digit(10)).collect();
    let digits = digits.ok_or_else(|| Failure::from(format!("{text:?} has other characters than digits")))?;
    let weighed = |(index, digit): (usize, &u32)| match index % 2 {
        0 => *digit,
        _ => digit * 2 - if *digit > 4 { 9 } else { 0 },
    };
    let sum: u32 = digits.iter().rev().enumerate().map(weighed).sum();
    Ok(Val::Bool(!digits.is_empty() && sum.is_multiple_of(10)))
}

fn is_in_cidr<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let Ok(address) = args.text(0)?.parse::<std::net::IpAddr>() else { return Ok(Val::Bool(false)) };
    for network in super::editors::texts(args.call, 1, args.target)? {
        if within(address, &network).ok_or_else(|| Failure::from(format!("{network:?} is no network")))? {
            return Ok(Val::Bool(true));
        }
    }
    Ok(Val::Bool(false))
}

/// Whether an address is in a network; `None` if that is none.
fn within(address: std::net::IpAddr, network: &str) -> Option<bool> {
    use std::net::IpAddr::{V4, V6};
    let (base, length) = network.split_once('/')?;
    let (base, length) = (base.parse::<std::net::IpAddr>().ok()?, length.parse::<u32>().ok()?);
    let shifted = |bits: u32| (length <= bits).then(|| bits - length);
    match (address.to_canonical(), base) {
        (V4(a), V4(b)) => {
            let shift = shifted(32)?;
            Some(u64::from(a.to_bits()) >> shift == u64::from(b.to_bits()) >> shift)
        }
        (V6(a), V6(b)) => {
            let shift = shifted(128)?;
            Some(a.to_bits().checked_shr(shift).unwrap_or(0) == b.to_bits().checked_shr(shift).unwrap_or(0))
        }
        _ => Some(false),
    }
}

fn engine(variant: &str) -> Option<&'static base64::engine::GeneralPurpose> {
    Some(match variant {
        "base64" => &STANDARD,
        "base64-raw" => &STANDARD_NO_PAD,
        "base64-url" => &URL_SAFE,
        "base64-raw-url" => &URL_SAFE_NO_PAD,
        _ => return None,
    })
}

fn encode<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let variant = if args.has(1) { args.text(1)? } else { Cow::Borrowed("base64") };
    let engine = engine(&variant).ok_or_else(|| Failure::from(format!("unknown variant {variant:?}")))?;
    Ok(Val::owned(engine.encode(args.text(0)?.as_bytes())))
}

fn decode<'a>(args: Args<'a, '_>) -> Result<Val<'a>, Failure> {
    let encoding = args.text(1)?;
    let bytes = bytes(args)?;
    let text = String::from_utf8(bytes.into_owned()).map_err(|_| Failure::from("the bytes are no UTF-8"))?;
    if matches!(encoding.to_ascii_lowercase().as_str(), "utf-8" | "utf8" | "ascii" | "us-ascii" | "nop") {
        return Ok(Val::owned(text));
    }
    decoded(&text, &encoding)
}

fn decoded(text: &str, encoding: &str) -> Result<Val<'static>, Failure> {
    let engine = engine(encoding).ok_or_else(|| Failure::from(format!("unknown encoding {encoding:?}")))?;
    let bytes = engine.decode(text).map_err(|error| Failure::from(format!("not {encoding}: {error}")))?;
    String::from_utf8(bytes).map(Val::owned).map_err(|_| Failure::from("the bytes are no UTF-8"))
}
