use crate::Recent;

#[test]
fn the_oldest_entry_is_known_whatever_was_touched_or_removed() {
    let mut recent = Recent::default();
    for n in 0..200_u8 {
        recent.insert(n, n);
    }
    for n in 0..100_u8 {
        assert!(recent.touch(&n));
    }
    assert!(!recent.touch(&250));
    assert_eq!(recent.remove(&100), Some(100));
    assert_eq!((recent.oldest(), recent.len()), (Some(101), 199));
    assert_eq!(recent.oldest_where(|n| *n < 100), Some(0));
}
