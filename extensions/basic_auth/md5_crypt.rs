//! The thousandfold MD5 of BSD's crypt, which Apache took over under a name of its own.

use md5::{Digest, Md5};

/// The letters of a digest, by six bits each, lowest first.
const LETTERS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// In this order the bytes of a digest are written, three at once.
const ORDER: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
const ROUNDS: usize = 1000;

/// The digest of a password as it stands behind `magic`, the salt and a dollar.
pub fn digest(password: &[u8], magic: &str, salt: &[u8]) -> String {
    let salt = &salt[..salt.len().min(8)];
    let inner = Md5::new().chain_update(password).chain_update(salt).chain_update(password).finalize();
    let mut outer = Md5::new().chain_update(password).chain_update(magic).chain_update(salt);
    for start in (0..password.len()).step_by(inner.len()) {
        outer.update(&inner[..(password.len() - start).min(inner.len())]);
    }
    let mut length = password.len();
    while length > 0 {
        outer.update(if length & 1 == 1 { &[0] } else { &password[..1] });
        length >>= 1;
    }
    let mut digest = outer.finalize();
    for round in 0..ROUNDS {
        let is_odd = round % 2 == 1;
        let mut next = Md5::new();
        next.update(if is_odd { password } else { &digest[..] });
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if is_odd { &digest[..] } else { password });
        digest = next.finalize();
    }
    written(&digest)
}

fn written(digest: &[u8]) -> String {
    let mut text = String::with_capacity(22);
    let mut put = |mut bits: u32, letters: usize| {
        for _ in 0..letters {
            text.push(char::from(LETTERS[(bits & 63) as usize]));
            bits >>= 6;
        }
    };
    for [high, middle, low] in ORDER {
        put(u32::from(digest[high]) << 16 | u32::from(digest[middle]) << 8 | u32::from(digest[low]), 4);
    }
    put(u32::from(digest[11]), 2);
    text
}
