use std::time::{Duration, Instant};

use config::ComponentId;
use pipeline::component::*;
use pipeline::{RejectedKind, Telemetry};

use super::{Config, RateLimit, Strategy, Throttle};
use crate::tests::{counted, logs};

fn limiter(config: Config) -> (RateLimit, Telemetry) {
    let telemetry = Telemetry::new("test");
    let dropped = telemetry.items("kpulse_processor_dropped_items".into(), "", vec![]);
    let buckets = super::Buckets::new(config.rate, config.burst, config.max_buckets as usize).into();
    (RateLimit { config, buckets, dropped }, telemetry)
}

fn passed(verdict: Verdict) -> u32 {
    match verdict {
        Verdict::Pass(batch) => batch.items(),
        Verdict::Empty => 0,
        Verdict::Reject(rejected) => panic!("{rejected}"),
    }
}

fn dropping(rate: u32, burst: u32) -> Config {
    Config { strategy: Strategy::Records, rate, burst, throttle_behavior: Throttle::Drop, ..Config::default() }
}

#[test]
fn a_burst_passes_and_then_the_rate_holds_and_every_drop_is_counted() {
    let (limiter, telemetry) = limiter(dropping(10, 20));
    let start = Instant::now();
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 50)]), start)), 20);
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 50)]), start)), 0);
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 50)]), start + Duration::from_secs(1))), 10);
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 5)]), start + Duration::from_secs(100))), 5);
    assert!(counted(&telemetry).contains(r#""asInt":"120""#), "{}", counted(&telemetry));
}

#[test]
fn each_combination_of_keys_has_a_bucket_of_its_own() {
    let keys = vec!["container.id".into(), "event.name".into()];
    let (limiter, _) = limiter(Config { keys, ..dropping(1, 3) });
    let now = Instant::now();
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 10), ("b", 2), ("c", 3)]), now)), 3 + 2 + 3);
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 1), ("b", 2)]), now)), 1);
}

#[test]
fn streams_beyond_the_bound_share_one_bucket_and_idle_ones_make_room() {
    let keys = vec!["container.id".into()];
    let (limiter, _) = limiter(Config { keys, max_buckets: 2, ..dropping(1, 3) });
    let now = Instant::now();
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 1), ("b", 1), ("c", 3), ("d", 3)]), now)), 1 + 1 + 3);
    let later = now + Duration::from_secs(60);
    assert_eq!(passed(limiter.apply_at(logs(&[("d", 3)]), later)), 3);
}

#[test]
fn error_sends_the_whole_request_back_and_takes_nothing() {
    let config = Config { throttle_behavior: Throttle::Error, ..dropping(10, 20) };
    for keys in [vec![], vec!["container.id".to_owned()]] {
        let (limiter, _) = limiter(Config { keys, ..config.clone() });
        let now = Instant::now();
        let Verdict::Reject(rejected) = limiter.apply_at(logs(&[("a", 21)]), now) else { panic!("passed") };
        assert_eq!((rejected.kind, rejected.retry_after), (RejectedKind::Retryable, Some(Duration::from_secs(1))));
        assert_eq!(passed(limiter.apply_at(logs(&[("a", 20)]), now)), 20);
    }
}

#[test]
fn bytes_count_what_a_record_takes_on_the_wire() {
    let (limiter, _) = limiter(Config { strategy: Strategy::Bytes, ..dropping(1, 12) });
    // A record with the event name "drop" takes six bytes, so two fit.
    assert_eq!(passed(limiter.apply_at(logs(&[("a", 5)]), Instant::now())), 2);
}

#[test]
fn what_cannot_work_is_refused_with_its_path() {
    let mut decoder = config::Decoder::default();
    let node = config::parse("{keys: [a], burst: 1, throttle_behavior: dorp}", &"test".into()).unwrap();
    let config = (super::FACTORY.decode)(&node, &mut decoder);
    Configured::validate(&*config, &mut decoder);
    let text = decoder.finish().to_string();
    for wanted in [
        "throttle_behavior: unknown throttle_behavior \"dorp\"; did you mean \"drop\"?",
        "rate: must be greater",
        "keys: a request has no",
    ] {
        assert!(text.contains(wanted), "{text}");
    }
    let id: ComponentId = "rate_limit".parse().unwrap();
    assert!(dropping(1, 1).build(BuildContext::new(id, Telemetry::new("test"))).is_ok());
}
