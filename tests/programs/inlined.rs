//! Burns CPU time in a function that is inlined into another.

use std::hint::black_box;
use std::time::{Duration, Instant};

#[inline(always)]
fn innermost(round: u64) -> u64 {
    let mut sum = round;
    for i in 0..1_000_000_u64 {
        sum = black_box(sum.wrapping_mul(31).wrapping_add(i));
    }
    sum
}

#[inline(always)]
fn between(round: u64) -> u64 {
    innermost(round) ^ 1
}

#[inline(never)]
fn outermost(round: u64) -> u64 {
    between(round).rotate_left(3)
}

fn main() {
    let end = Instant::now() + Duration::from_secs_f64(std::env::args().nth(1).map_or(1.0, |s| s.parse().unwrap()));
    let mut round = 0;
    while Instant::now() < end {
        round = black_box(outermost(round));
    }
}
