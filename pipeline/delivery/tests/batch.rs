use std::sync::Arc;
use std::time::Duration;

use config::Section;

use super::{Answer, Bench, bench};
use crate::delivery::{BatchSettings, Delivery, PartitionSettings, QueueSettings, Sizer};
use crate::tests::batches::logs;
use crate::{Batch, Origin, Rejected, RejectedKind, Stopped};

const SECOND: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_millis(1);

async fn batching(batch: BatchSettings, queue: QueueSettings, answers: Vec<Answer>) -> Bench {
    let queue = QueueSettings { batch: Section::On(batch), ..queue };
    bench(&Delivery { queue: Some(queue), ..Delivery::default() }, answers).await
}

fn sizes(min_size: u64, max_size: u64) -> BatchSettings {
    BatchSettings { flush_timeout: SECOND, min_size, max_size, ..BatchSettings::default() }
}

fn waiting() -> QueueSettings {
    QueueSettings { wait_for_result: true, ..QueueSettings::default() }
}

/// Sends all at once and waits for all answers.
async fn all(bench: &Bench, batches: impl IntoIterator<Item = Batch>) -> Vec<Result<(), Rejected>> {
    let mut sends = Vec::new();
    for batch in batches {
        let next = bench.next.clone();
        sends.push(tokio::spawn(async move { next.send(batch).await }));
        // One after the other, so that the order is known.
        tokio::task::yield_now().await;
    }
    let mut answers = Vec::new();
    for send in sends {
        answers.push(send.await.unwrap());
    }
    answers
}

#[tokio::test(start_paused = true)]
async fn a_batch_goes_on_when_it_is_enough_or_old_enough() {
    let bench = batching(sizes(10, 0), QueueSettings::default(), vec![]).await;
    for items in [4, 5, 6] {
        bench.next.send(logs(items)).await.unwrap();
    }
    tokio::time::sleep(SOON).await;
    assert_eq!(bench.leaf.items(), [15]);
    bench.next.send(logs(3)).await.unwrap();
    tokio::time::sleep(SECOND - SOON).await;
    assert_eq!(bench.leaf.items(), [15]);
    tokio::time::sleep(2 * SOON).await;
    assert_eq!(bench.leaf.items(), [15, 3]);
    assert_eq!(bench.count("otelcol_exporter_sent_log_records"), Some(18));
    assert_eq!(bench.histogram("otelcol_exporter_queue_batch_send_size"), Some((2, 18.0)));
    let bytes: u64 = bench.leaf.sizes().iter().sum();
    assert_eq!(bench.histogram("otelcol_exporter_queue_batch_send_size_bytes"), Some((2, bytes as f64)));
    assert_eq!(bench.count("otelcol_exporter_queue_size"), Some(0));
}

#[tokio::test(start_paused = true)]
async fn no_batch_is_larger_than_the_largest_and_what_is_left_over_waits() {
    let bench = batching(sizes(10, 10), QueueSettings::default(), vec![]).await;
    bench.next.send(logs(4)).await.unwrap();
    bench.next.send(logs(29)).await.unwrap();
    tokio::time::sleep(SOON).await;
    assert_eq!(bench.leaf.items(), [10, 10, 10]);
    // Both were put in whole and leave whole: the first is gone, the second is still held for its last part.
    assert_eq!(bench.count("otelcol_exporter_queue_size"), Some(1));
    tokio::time::sleep(SECOND).await;
    assert_eq!(bench.leaf.items(), [10, 10, 10, 3]);
    assert_eq!(bench.count("otelcol_exporter_queue_size"), Some(0));
}

#[tokio::test(start_paused = true)]
async fn batches_counted_in_bytes_are_never_larger_than_the_largest() {
    let max = logs(10).encode().len() as u64;
    let settings = BatchSettings { sizer: Sizer::Bytes, ..sizes(max / 2, max) };
    let bench = batching(settings, QueueSettings::default(), vec![]).await;
    for items in [3, 25, 1, 40] {
        bench.next.send(logs(items)).await.unwrap();
    }
    tokio::time::sleep(2 * SECOND).await;
    let items = bench.leaf.items();
    assert_eq!(items.iter().sum::<u32>(), 69);
    assert!(bench.leaf.sizes().iter().all(|size| *size <= max), "{:?} of {max}", bench.leaf.sizes());
    assert!(items.len() <= 9, "{items:?}");
}

#[tokio::test(start_paused = true)]
async fn everyone_who_waits_gets_the_answer_of_the_batches_their_items_were_in() {
    let answers = vec![Answer(SECOND, Ok(())), Answer(SECOND, Err(Rejected::permanent("bad"))), Answer(SECOND, Ok(()))];
    let bench = batching(sizes(10, 10), waiting(), answers).await;
    // 4 in the first; 6 in the first and 10 in the second; 10 in the third.
    let answers = all(&bench, [logs(4), logs(16), logs(10)]).await;
    assert_eq!(bench.leaf.items(), [10, 10, 10]);
    assert!(answers[0].is_ok() && answers[2].is_ok(), "{answers:?}");
    let rejected = answers[1].as_ref().unwrap_err();
    assert_eq!((rejected.kind, rejected.items(16)), (RejectedKind::Permanent, 10));
    assert_eq!(bench.count("otelcol_exporter_sent_log_records"), Some(20));
    assert_eq!(bench.count("otelcol_exporter_send_failed_log_records"), Some(10));
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_all_parts_is_the_failure_of_the_whole() {
    let busy = || Answer(SOON, Err(Rejected::retryable("busy")));
    let bench = batching(sizes(10, 10), waiting(), vec![busy(), busy()]).await;
    let answers = all(&bench, [logs(20)]).await;
    let rejected = answers[0].as_ref().unwrap_err();
    assert_eq!((rejected.kind, rejected.items(20)), (RejectedKind::Retryable, 20));
    assert!(rejected.rest.is_none());
}

#[tokio::test(start_paused = true)]
async fn other_metadata_is_another_batch_and_what_they_share_stays_with_it() {
    let keys = PartitionSettings { metadata_keys: vec!["Tenant".into()] };
    let bench = batching(BatchSettings { partition: keys, ..sizes(10, 0) }, QueueSettings::default(), vec![]).await;
    let of = |tenant: &str, user: &str| {
        let metadata = vec![("tenant".into(), tenant.into()), ("user".into(), user.into())];
        Batch::concat(vec![logs(6)], Arc::new(Origin { metadata, ..Origin::default() })).unwrap()
    };
    for batch in [of("a", "x"), of("b", "x"), of("a", "y"), logs(6)] {
        bench.next.send(batch).await.unwrap();
    }
    tokio::time::sleep(SOON).await;
    assert_eq!(bench.leaf.items(), [12]);
    assert_eq!(bench.leaf.metadata(), [vec![("tenant".to_owned(), "a".to_owned())]]);
    tokio::time::sleep(SECOND).await;
    assert_eq!(bench.leaf.items(), [12, 6, 6]);
}

#[tokio::test(start_paused = true)]
async fn batches_grow_while_all_consumers_are_busy() {
    let queue = QueueSettings { num_consumers: 1, ..QueueSettings::default() };
    let bench = batching(sizes(1, 0), queue, vec![Answer(SECOND, Ok(())), Answer(SECOND, Ok(()))]).await;
    for _ in 0..20 {
        bench.next.send(logs(1)).await.unwrap();
    }
    tokio::time::sleep(SECOND / 2).await;
    assert_eq!(bench.leaf.items(), [1]);
    assert_eq!(bench.count("otelcol_exporter_queue_size"), Some(20));
}

#[tokio::test(start_paused = true)]
async fn at_stop_what_is_open_is_sent() {
    let bench = batching(sizes(100, 0), QueueSettings::default(), vec![]).await;
    bench.next.send(logs(4)).await.unwrap();
    bench.next.send(logs(5)).await.unwrap();
    let (running, leaf, counts) = bench.running();
    assert_eq!(running.stop(SECOND / 2).await, Stopped::Drained);
    assert_eq!(leaf.items(), [9]);
    assert_eq!(counts.of("kpulse_exporter_lost_items"), Some(0));
}

#[tokio::test(start_paused = true)]
async fn what_is_open_or_waits_for_a_consumer_at_the_deadline_is_lost_and_counted() {
    let queue = QueueSettings { num_consumers: 1, ..QueueSettings::default() };
    let bench = batching(sizes(10, 10), queue, vec![Answer(60 * SECOND, Ok(()))]).await;
    for _ in 0..9 {
        bench.next.send(logs(7)).await.unwrap();
    }
    tokio::time::sleep(SOON).await;
    let (running, leaf, counts) = bench.running();
    assert!(matches!(running.stop(SECOND).await, Stopped::Late(_)));
    assert_eq!(leaf.items(), [10]);
    assert_eq!(counts.of("otelcol_exporter_sent_log_records"), Some(0));
    assert_eq!(counts.of("kpulse_exporter_lost_items"), Some(63));
}
