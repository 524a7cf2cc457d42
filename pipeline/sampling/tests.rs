use super::{Malformed, Randomness, Threshold, TraceState, fnv_1a_32, fnv_1a_64, member};

#[test]
fn hashes_are_those_of_the_reference() {
    assert_eq!((fnv_1a_32(&[]), fnv_1a_32(&[b"foo", b"bar"])), (0x811c_9dc5, 0xbf9c_f968));
    assert_eq!((fnv_1a_64(&[]), fnv_1a_64(&[b"foobar"])), (0xcbf2_9ce4_8422_2325, 0x8594_4171_f739_67e8));
}

#[test]
fn a_probability_becomes_the_threshold_that_the_collector_writes() {
    for (percent, precision, text) in [
        (100.0, 4, "0"),
        (50.0, 4, "8"),
        (10.0, 4, "e666"),
        (1.0, 4, "fd70a"),
        (0.1, 4, "ffbe77"),
        (99.0, 4, "028f6"),
        (33.333, 1, "b"),
        (33.333, 14, "aaaae297396d0c"),
    ] {
        let threshold = Threshold::of_probability(percent / 100.0, precision).unwrap();
        assert_eq!(threshold.text(), text, "{percent} {precision}");
        assert!((threshold.probability() - percent / 100.0).abs() < 0.04, "{percent}");
        assert_eq!(Threshold::parse(text), Ok(threshold));
    }
    assert_eq!(Threshold::of_probability(0.0, 4), None);
    assert_eq!(Threshold::of_probability(1.1, 4), None);
}

#[test]
fn an_item_passes_the_thresholds_that_are_not_above_its_randomness() {
    let half = Threshold::parse("8").unwrap();
    let of = |text| Randomness::parse(text).unwrap();
    assert!(half.lets_pass(of("80000000000000")) && !half.lets_pass(of("7fffffffffffff")));
    assert!(!Threshold::NEVER.lets_pass(Randomness::MOST) && Threshold::ALWAYS.lets_pass(of("00000000000000")));
    let id = [0xff, 0, 0, 0, 0, 0, 0, 0, 0xff, 1, 2, 3, 4, 5, 6, 7];
    assert_eq!(Randomness::of_trace(&id).text(), "01020304050607");
}

#[test]
fn what_is_no_number_of_56_bits_is_refused() {
    for (text, error) in [
        ("", Malformed::Syntax),
        ("8000000000000", Malformed::Syntax),
        ("+8000000000000", Malformed::Syntax),
        ("800000000000000", Malformed::TooLong),
    ] {
        assert_eq!(Randomness::parse(text), Err(error), "{text}");
    }
    assert_eq!(Threshold::parse("g"), Err(Malformed::Syntax));
    assert_eq!(Threshold::parse("123456789012345"), Err(Malformed::TooLong));
}

#[test]
fn a_trace_state_keeps_what_others_say_behind_its_own() {
    for (text, written) in [
        ("", ""),
        ("a=1,b=2", "a=1,b=2"),
        ("a=1, ot=th:8;x:y;rv:00000000000001 ,t@s=v w,", "ot=rv:00000000000001;th:8;x:y,a=1,t@s=v w"),
        (",,a=1", "a=1"),
    ] {
        assert_eq!(TraceState::parse(text).map(|state| state.to_string()), Ok(written.to_owned()), "{text}");
    }
    assert_eq!((member("a=1, b=2", "b"), member("a=1,,b=2", "c"), member("a=1,B=2", "a")), (Some("2"), None, None));
}

#[test]
fn a_trace_state_that_is_not_of_the_form_is_refused() {
    let many: String = (0..32).map(|n| format!("k{n}=v,")).collect();
    let long = format!("a={},b={}", "x".repeat(256), "x".repeat(800));
    for text in [
        "a",
        "=1",
        "A=1",
        "a=",
        "a=b=c",
        "a=\u{e9}",
        "@s=1",
        "t@=1",
        "ot=th",
        "ot=th:8;",
        "ot=:8",
        "ot=TH:8",
        "ot=th:x y",
        "ot=th:zz",
        "ot=rv:1",
        &many,
        &long,
    ] {
        assert!(TraceState::parse(text).is_err(), "{text}");
    }
}
