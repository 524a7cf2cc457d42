//! The layout, value by value.

use crate::histogram::{SLOTS, bounds_ns};

#[test]
fn bounds_ascend_by_halves_of_powers_of_two() {
    let bounds = bounds_ns();
    assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(&bounds[..5], &[1024, 1536, 2048, 3072, 4096]);
    assert_eq!((bounds.len(), bounds[SLOTS - 2]), (SLOTS - 1, 1 << 34));
}
