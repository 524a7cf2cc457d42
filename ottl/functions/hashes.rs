//! Hashes that are fast rather than secret.

use twox_hash::{XxHash3_64, XxHash3_128};

use super::Kind::Text;
use super::{Function, converter, need};
use crate::fields::ids::hex;
use crate::value::Val;

pub static FUNCTIONS: &[Function] = &[
    converter("Murmur3Hash", &[need("target", Text)], "The 32 bit Murmur3 hash of a text.", |args| {
        Ok(Val::owned(hex(&murmur32(args.text(0)?.as_bytes()).to_le_bytes())))
    }),
    converter("Murmur3Hash128", &[need("target", Text)], "The 128 bit Murmur3 hash of a text.", |args| {
        let (first, second) = murmur128(args.text(0)?.as_bytes());
        Ok(Val::owned(hex(&[first.to_le_bytes(), second.to_le_bytes()].concat())))
    }),
    converter("XXH3", &[need("target", Text)], "The 64 bit XXH3 hash of a text.", |args| {
        Ok(Val::owned(hex(&XxHash3_64::oneshot(args.text(0)?.as_bytes()).to_be_bytes())))
    }),
    converter("XXH128", &[need("target", Text)], "The 128 bit XXH3 hash of a text.", |args| {
        Ok(Val::owned(hex(&XxHash3_128::oneshot(args.text(0)?.as_bytes()).to_be_bytes())))
    }),
];

/// MurmurHash3_x86_32 with seed 0.
fn murmur32(bytes: &[u8]) -> u32 {
    let mix = |word: u32| word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (words, tail) = bytes.as_chunks::<4>();
    let mut hash = 0_u32;
    for word in words {
        hash ^= mix(u32::from_le_bytes(*word));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let mut last = [0; 4];
    last[..tail.len()].copy_from_slice(tail);
    hash ^= mix(u32::from_le_bytes(last));
    hash ^= bytes.len() as u32;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

const FIRST: u64 = 0x87c3_7b91_1142_53d5;
const SECOND: u64 = 0x4cf5_ad43_2745_937f;

/// MurmurHash3_x64_128 with seed 0.
fn murmur128(bytes: &[u8]) -> (u64, u64) {
    let mix_first = |word: u64| word.wrapping_mul(FIRST).rotate_left(31).wrapping_mul(SECOND);
    let mix_second = |word: u64| word.wrapping_mul(SECOND).rotate_left(33).wrapping_mul(FIRST);
    let halves = |block: &[u8; 16]| {
        let both = u128::from_le_bytes(*block);
        (both as u64, (both >> 64) as u64)
    };
    let (blocks, tail) = bytes.as_chunks::<16>();
    let (mut one, mut two) = (0_u64, 0_u64);
    for block in blocks {
        let (low, high) = halves(block);
        one ^= mix_first(low);
        one = one.rotate_left(27).wrapping_add(two).wrapping_mul(5).wrapping_add(0x52dc_e729);
        two ^= mix_second(high);
        two = two.rotate_left(31).wrapping_add(one).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    let mut last = [0; 16];
    last[..tail.len()].copy_from_slice(tail);
    let (low, high) = halves(&last);
    let length = bytes.len() as u64;
    one ^= mix_first(low) ^ length;
    two ^= mix_second(high) ^ length;
    one = one.wrapping_add(two);
    two = two.wrapping_add(one);
    (one, two) = (finish(one), finish(two));
    one = one.wrapping_add(two);
    (one, two.wrapping_add(one))
}

fn finish(mut hash: u64) -> u64 {
    hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}
