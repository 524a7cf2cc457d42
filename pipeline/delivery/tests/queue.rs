use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Answer, bench};
use crate::delivery::{Delivery, QueueSettings, RetrySettings, Sizer};
use crate::tests::batches::logs;
use crate::{Batch, Origin, Rejected, RejectedKind, Stopped};

const SECOND: Duration = Duration::from_secs(1);

fn queued(queue: QueueSettings) -> Delivery {
    Delivery { queue: Some(queue), ..Delivery::default() }
}

fn slow(count: usize) -> Vec<Answer> {
    (0..count).map(|_| Answer(SECOND, Ok(()))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_and_counts_what_is_under_way_as_held() {
    let settings = QueueSettings { queue_size: 2, num_consumers: 1, ..QueueSettings::default() };
    let bench = bench(&queued(settings), slow(9)).await;
    bench.next.send(logs(1)).await.unwrap();
    bench.next.send(logs(1)).await.unwrap();
    tokio::time::sleep(SECOND / 2).await;
    let rejected = bench.next.send(logs(7)).await.unwrap_err();
    assert_eq!((rejected.kind, rejected.reason.as_ref()), (RejectedKind::Retryable, "sending queue is full"));
    assert_eq!(bench.count("otelcol_exporter_enqueue_failed_log_records"), Some(7));
    assert_eq!(bench.count("otelcol_exporter_queue_size"), Some(2));
    assert_eq!(bench.count("otelcol_exporter_queue_capacity"), Some(2));
    tokio::time::sleep(SECOND).await;
    assert_eq!(bench.count("otelcol_exporter_queue_size"), Some(1));
    assert_eq!(bench.count("otelcol_exporter_sent_log_records"), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_sender_may_wait_for_a_place() {
    let settings =
        QueueSettings { queue_size: 1, num_consumers: 1, block_on_overflow: true, ..QueueSettings::default() };
    let bench = bench(&queued(settings), slow(1)).await;
    let started = Instant::now();
    bench.next.send(logs(1)).await.unwrap();
    bench.next.send(logs(1)).await.unwrap();
    assert_eq!(started.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn so_many_batches_are_sent_at_once_as_there_are_consumers() {
    let bench = bench(&queued(QueueSettings { num_consumers: 3, ..QueueSettings::default() }), slow(6)).await;
    for _ in 0..6 {
        bench.next.send(logs(1)).await.unwrap();
    }
    tokio::time::sleep(SECOND / 2).await;
    assert_eq!(bench.leaf.items().len(), 3);
    tokio::time::sleep(SECOND).await;
    assert_eq!(bench.leaf.items().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn at_stop_the_queue_is_emptied_with_one_attempt_each() {
    let delivery = Delivery {
        queue: Some(QueueSettings { num_consumers: 2, ..QueueSettings::default() }),
        retry: Some(RetrySettings::default()),
        timeout: None,
        ..Delivery::default()
    };
    let busy = || Answer(SECOND, Err(Rejected::retryable("busy")));
    let bench = bench(&delivery, (0..4).map(|_| busy())).await;
    for items in 1..=8 {
        bench.next.send(logs(items)).await.unwrap();
    }
    let (running, leaf, counts) = bench.running();
    assert_eq!(running.stop(30 * SECOND).await, Stopped::Drained);
    assert_eq!(leaf.items(), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(counts.of("otelcol_exporter_send_failed_log_records"), Some(10));
    assert_eq!(counts.of("otelcol_exporter_sent_log_records"), Some(26));
    assert_eq!(counts.of("kpulse_exporter_lost_items"), Some(0));
}

#[tokio::test(start_paused = true)]
async fn what_is_left_at_the_deadline_is_counted_as_lost_under_way_or_not() {
    let bench = bench(&queued(QueueSettings { num_consumers: 1, ..QueueSettings::default() }), slow(9)).await;
    for items in [1, 10, 100, 1000] {
        bench.next.send(logs(items)).await.unwrap();
    }
    let (running, leaf, counts) = bench.running();
    assert_eq!(running.stop(SECOND * 3 / 2).await, Stopped::Late(1));
    assert_eq!(leaf.items(), [1, 10]);
    assert_eq!(counts.of("otelcol_exporter_sent_log_records"), Some(1));
    assert_eq!(counts.of("kpulse_exporter_lost_items"), Some(1110));
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_for_good_leaves_its_place() {
    let bench = bench(&queued(QueueSettings::default()), [Answer(SECOND, Err(Rejected::permanent("bad")))]).await;
    bench.next.send(logs(2)).await.unwrap();
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(bench.count("otelcol_exporter_send_failed_log_records"), Some(2));
    assert_eq!(bench.count("otelcol_exporter_queue_size"), Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_queue_may_be_counted_in_items_and_what_it_could_never_hold_is_refused_for_good() {
    let settings = QueueSettings { queue_size: 10, sizer: Sizer::Items, num_consumers: 1, ..QueueSettings::default() };
    let bench = bench(&queued(settings), slow(9)).await;
    let rejected = bench.next.send(logs(11)).await.unwrap_err();
    assert_eq!(rejected.kind, RejectedKind::Permanent);
    assert_eq!(rejected.reason, "element size too large: 11 items for a queue of 10");
    bench.next.send(logs(6)).await.unwrap();
    bench.next.send(logs(4)).await.unwrap();
    assert_eq!(bench.count("otelcol_exporter_queue_size"), Some(10));
    assert_eq!(bench.next.send(logs(1)).await.unwrap_err().reason, "sending queue is full");
    tokio::time::sleep(SECOND * 3 / 2).await;
    assert_eq!(bench.count("otelcol_exporter_queue_size"), Some(4));
    assert_eq!(bench.count("otelcol_exporter_enqueue_failed_log_records"), Some(12));
}

#[tokio::test(start_paused = true)]
async fn a_queue_may_be_counted_in_bytes_of_the_wire_form() {
    let size = logs(3).encode().len() as u64;
    let settings = QueueSettings { queue_size: 2 * size, sizer: Sizer::Bytes, ..QueueSettings::default() };
    let bench = bench(&queued(settings), slow(9)).await;
    bench.next.send(logs(3)).await.unwrap();
    assert_eq!(bench.count("otelcol_exporter_queue_size"), Some(size));
    bench.next.send(logs(3)).await.unwrap();
    assert!(bench.next.send(logs(1)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_sender_waits_for_room_no_longer_than_it_said() {
    let settings = QueueSettings { queue_size: 1, block_on_overflow: true, ..QueueSettings::default() };
    let bench = bench(&queued(settings), slow(9)).await;
    bench.next.send(logs(1)).await.unwrap();
    let deadline = Some((Instant::now() + SECOND / 2).into_std());
    let origin = Arc::new(Origin { deadline, ..Origin::default() });
    let impatient = Batch::concat(vec![logs(2)], origin).unwrap();
    assert_eq!(bench.next.send(impatient).await.unwrap_err().reason, "sending queue is full");
    assert_eq!(bench.count("otelcol_exporter_enqueue_failed_log_records"), Some(2));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_is_let_go_when_the_queue_stops() {
    let settings = QueueSettings { queue_size: 1, block_on_overflow: true, ..QueueSettings::default() };
    let bench = bench(&queued(settings), [Answer(60 * SECOND, Ok(()))]).await;
    bench.next.send(logs(1)).await.unwrap();
    let next = bench.next.clone();
    let waiting = tokio::spawn(async move { next.send(logs(2)).await });
    tokio::time::sleep(SECOND).await;
    let (running, ..) = bench.running();
    let (answer, _) = tokio::join!(waiting, running.stop(30 * SECOND));
    assert_eq!(answer.unwrap().unwrap_err().kind, RejectedKind::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_sender_may_wait_for_the_result() {
    let settings = QueueSettings { wait_for_result: true, ..QueueSettings::default() };
    let answers = [Answer(SECOND, Ok(())), Answer(SECOND, Err(Rejected::permanent("bad")))];
    let bench = bench(&queued(settings), answers).await;
    let started = Instant::now();
    bench.next.send(logs(1)).await.unwrap();
    assert_eq!(started.elapsed(), SECOND);
    let rejected = bench.next.send(logs(5)).await.unwrap_err();
    assert_eq!((rejected.kind, rejected.reason.as_ref()), (RejectedKind::Permanent, "bad"));
    // It was taken, so it counts as failed to be sent and not as failed to be queued.
    assert_eq!(bench.count("otelcol_exporter_enqueue_failed_log_records"), Some(0));
    assert_eq!(bench.count("otelcol_exporter_send_failed_log_records"), Some(5));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_result_is_told_when_the_time_to_stop_was_over() {
    let settings = QueueSettings { wait_for_result: true, ..QueueSettings::default() };
    let bench = bench(&queued(settings), [Answer(60 * SECOND, Ok(()))]).await;
    let next = bench.next.clone();
    let sent = tokio::spawn(async move { next.send(logs(3)).await });
    tokio::time::sleep(SECOND).await;
    let (running, _, counts) = bench.running();
    running.stop(SECOND).await;
    assert_eq!(sent.await.unwrap().unwrap_err().kind, RejectedKind::Closed);
    assert_eq!(counts.of("kpulse_exporter_lost_items"), Some(3));
}

#[tokio::test(start_paused = true)]
async fn what_is_being_exported_is_shown() {
    let bench = bench(&queued(QueueSettings { num_consumers: 2, ..QueueSettings::default() }), slow(3)).await;
    for _ in 0..3 {
        bench.next.send(logs(1)).await.unwrap();
    }
    tokio::time::sleep(SECOND / 2).await;
    assert_eq!(bench.count("otelcol_exporter_in_flight_requests"), Some(2));
    tokio::time::sleep(3 * SECOND).await;
    assert_eq!(bench.count("otelcol_exporter_in_flight_requests"), Some(0));
}
