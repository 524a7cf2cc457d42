use std::time::Duration;

use tokio::time::Instant;

use super::{Answer, Bench, bench};
use crate::delivery::backoff::Backoff;
use crate::delivery::{Delivery, RetrySettings};
use crate::tests::batches::logs;
use crate::{Rejected, RejectedKind};

const SECOND: Duration = Duration::from_secs(1);

fn steady() -> RetrySettings {
    RetrySettings { initial_interval: SECOND, randomization_factor: 0.0, ..RetrySettings::default() }
}

async fn retrying(settings: RetrySettings, answers: Vec<Result<(), Rejected>>) -> Bench {
    let delivery = Delivery { retry: Some(settings), ..Delivery::default() };
    bench(&delivery, answers.into_iter().map(|answer| Answer(Duration::ZERO, answer))).await
}

fn busy() -> Result<(), Rejected> {
    Err(Rejected::retryable("busy"))
}

#[test]
fn waits_grow_up_to_the_longest_and_vary_around_their_interval() {
    let settings = RetrySettings::default();
    let mut backoff = Backoff::new(&settings);
    let waits: Vec<_> = (0..7).map(|_| backoff.next(0.5).as_secs_f64()).collect();
    assert_eq!(waits, [5.0, 7.5, 11.25, 16.875, 25.3125, 30.0, 30.0]);
    assert_eq!(backoff.next(0.0), Duration::from_secs(15));
    assert_eq!(backoff.next(1.0), Duration::from_secs(45));
    assert!((0.0..=1.0).contains(&super::super::backoff::chance()));
}

#[tokio::test(start_paused = true)]
async fn what_may_succeed_later_is_sent_again_and_counted_once() {
    let bench = retrying(steady(), vec![busy(), busy(), Ok(())]).await;
    let started = Instant::now();
    bench.next.send(logs(2)).await.unwrap();
    assert_eq!(started.elapsed().as_millis(), 2500);
    assert_eq!(bench.leaf.items(), [2, 2, 2]);
    assert_eq!(bench.count("otelcol_exporter_sent_log_records"), Some(2));
    assert_eq!(bench.count("otelcol_exporter_send_failed_log_records"), Some(0));
}

#[tokio::test(start_paused = true)]
async fn retries_may_be_limited_by_their_number() {
    let delivery = Delivery { retry: Some(steady()), max_retries: Some(1), ..Delivery::default() };
    let bench = bench(&delivery, [busy(), busy(), Ok(())].map(|answer| Answer(Duration::ZERO, answer))).await;
    let rejected = bench.next.send(logs(2)).await.unwrap_err();
    assert_eq!(rejected.reason, "no more retries left: busy");
    assert_eq!(bench.leaf.items(), [2, 2]);
}

#[tokio::test(start_paused = true)]
async fn what_will_never_succeed_is_not_sent_again() {
    let bench = retrying(steady(), vec![Err(Rejected::permanent("bad"))]).await;
    let rejected = bench.next.send(logs(2)).await.unwrap_err();
    assert_eq!((rejected.kind, rejected.reason.as_ref()), (RejectedKind::Permanent, "not retryable error: bad"));
    assert_eq!(bench.leaf.items(), [2]);
}

#[tokio::test(start_paused = true)]
async fn only_the_part_that_failed_is_sent_again_and_counted_as_failed() {
    let part = Rejected { rest: Some(logs(2)), ..Rejected::retryable("some") };
    let bench = retrying(steady(), vec![Err(part), Err(Rejected::permanent("bad"))]).await;
    let rejected = bench.next.send(logs(5)).await.unwrap_err();
    assert_eq!(rejected.items(5), 2);
    assert_eq!(bench.leaf.items(), [5, 2]);
    assert_eq!(bench.count("otelcol_exporter_sent_log_records"), Some(3));
    assert_eq!(bench.count("otelcol_exporter_send_failed_log_records"), Some(2));
}

#[tokio::test(start_paused = true)]
async fn the_other_side_may_ask_for_a_longer_wait() {
    let asked = Rejected { retry_after: Some(Duration::from_secs(20)), ..Rejected::retryable("busy") };
    let bench = retrying(steady(), vec![Err(asked)]).await;
    let started = Instant::now();
    bench.next.send(logs(1)).await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn retries_end_after_the_longest_time() {
    let settings = RetrySettings { max_interval: SECOND, max_elapsed_time: 3 * SECOND, ..steady() };
    let bench = retrying(settings, (0..9).map(|_| busy()).collect()).await;
    let rejected = bench.next.send(logs(1)).await.unwrap_err();
    assert_eq!(rejected.reason, "no more retries left: busy");
    assert_eq!(bench.leaf.items().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_ended_and_retried() {
    let delivery = Delivery { retry: Some(steady()), timeout: Some(5 * SECOND), ..Delivery::default() };
    let bench = bench(&delivery, [Answer(60 * SECOND, Ok(()))]).await;
    let started = Instant::now();
    bench.next.send(logs(1)).await.unwrap();
    assert_eq!((started.elapsed(), bench.leaf.items().len()), (6 * SECOND, 2));
}

#[tokio::test(start_paused = true)]
async fn the_stop_ends_a_wait_and_gives_a_last_attempt() {
    let settings = RetrySettings { initial_interval: 30 * SECOND, ..steady() };
    let bench = retrying(settings, (0..9).map(|_| busy()).collect()).await;
    let next = bench.next.clone();
    let sent = tokio::spawn(async move { next.send(logs(1)).await });
    tokio::time::sleep(SECOND).await;
    let (running, leaf, _) = bench.running();
    let stopped = Instant::now();
    running.stop(SECOND).await;
    let rejected = sent.await.unwrap().unwrap_err();
    assert_eq!((rejected.kind, rejected.reason.as_ref()), (RejectedKind::Closed, "interrupted by the stop: busy"));
    assert_eq!((stopped.elapsed(), leaf.items().len()), (Duration::ZERO, 2));
}
