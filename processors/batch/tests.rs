use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipeline::component::*;
use pipeline::{Batch, Next, Origin, Rejected, RejectedKind, Signal, Tasks, Telemetry};
use tokio::time::{Instant, sleep};

use super::router::keep;
use super::shard::Shard;
use super::{Config, Counts};
use crate::tests::{counted, logs};

/// How many items, with which origin.
type Sent = (u32, Arc<Origin>);
type Sizes = Arc<Mutex<Vec<u32>>>;

/// The edge into a batch processor, its tasks, and the sizes of what comes out.
fn around(config: Config, next: Next) -> (Next, Tasks, Telemetry) {
    let (telemetry, mut tasks) = (Telemetry::new("test"), Tasks::default());
    let cx = BuildContext::new("batch/x".parse().unwrap(), telemetry.clone());
    let Processor::Wrap(wrap) = config.build(cx).unwrap() else { panic!("no wrap") };
    (wrap(next, &mut tasks), tasks, telemetry)
}

fn sink() -> (Next, Sizes) {
    let sizes = Sizes::default();
    let seen = sizes.clone();
    let next = Next::from_fn(move |batch: Batch| {
        // Whatever comes out is sound.
        assert_eq!(pipeline::otlp::walk(Signal::Logs.schema(), &batch.encode()), Ok(batch.items()));
        seen.lock().unwrap().push(batch.items());
        async { Ok(()) }
    });
    (next, sizes)
}

fn sized(send_batch_size: u32, send_batch_max_size: u32) -> Config {
    Config { send_batch_size, send_batch_max_size, ..Config::default() }
}

/// The count of items dropped for this reason.
fn dropped(telemetry: &Telemetry, reason: &str) -> String {
    let own = counted(telemetry);
    let before = own.split(&format!("\"{reason}\"")).next().unwrap();
    before.rsplit("\"asInt\":\"").next().unwrap().split('"').next().unwrap().to_owned()
}

async fn send(edge: &Next, items: usize) {
    edge.send(logs(&[("a", items)])).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn items_wait_for_the_size_or_for_the_timeout() {
    let (next, sizes) = sink();
    let (edge, _tasks, telemetry) = around(sized(10, 0), next);
    for items in [4, 4, 4, 3] {
        send(&edge, items).await;
    }
    sleep(Duration::from_millis(199)).await;
    assert_eq!(*sizes.lock().unwrap(), [12]);
    sleep(Duration::from_millis(2)).await;
    assert_eq!(*sizes.lock().unwrap(), [12, 3]);
    let own = counted(&telemetry);
    for name in ["batch_size_trigger_send", "timeout_trigger_send", "batch_send_size", "metadata_cardinality"] {
        assert!(own.contains(name), "{name}: {own}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_batch_is_larger_than_the_maximum_and_the_rest_waits() {
    let (next, sizes) = sink();
    let (edge, _tasks, _) = around(sized(10, 10), next);
    send(&edge, 7).await;
    send(&edge, 37).await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(*sizes.lock().unwrap(), [10, 10, 10, 10]);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(*sizes.lock().unwrap(), [10, 10, 10, 10, 4]);
}

#[tokio::test(start_paused = true)]
async fn without_timeout_or_size_nothing_waits_but_the_maximum_holds() {
    for config in [Config { timeout: Duration::ZERO, ..sized(10, 10) }, sized(0, 10)] {
        let (next, sizes) = sink();
        let (edge, _tasks, _) = around(config, next);
        send(&edge, 3).await;
        send(&edge, 12).await;
        sleep(Duration::from_millis(1)).await;
        assert_eq!(*sizes.lock().unwrap(), [3, 10, 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_waits_while_the_next_component_does() {
    let blocked = Next::from_fn(|_| std::future::pending());
    let (edge, _tasks, _) = around(sized(1, 0), blocked);
    let start = Instant::now();
    let all = async {
        for _ in 0..10_000 {
            send(&edge, 1).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(5), all).await.is_err());
    assert!(start.elapsed() >= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn what_fails_later_is_counted_by_reason() {
    let failing = Next::from_fn(|_| async { Err(Rejected::permanent("no")) });
    let (edge, _tasks, telemetry) = around(sized(5, 0), failing);
    send(&edge, 7).await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(dropped(&telemetry, "permanent"), "7");
}

#[tokio::test(start_paused = true)]
async fn combinations_of_metadata_are_not_mixed_and_bounded() {
    let origins: Arc<Mutex<Vec<Sent>>> = Arc::default();
    let seen = origins.clone();
    let next = Next::from_fn(move |batch: Batch| {
        seen.lock().unwrap().push((batch.items(), batch.origin().clone()));
        async { Ok(()) }
    });
    let config = Config { metadata_keys: vec!["Tenant".into()], metadata_cardinality_limit: 2, ..Config::default() };
    let (edge, tasks, telemetry) = around(config, next);
    let from = |tenant: &str| {
        let metadata = vec![("tenant".to_owned(), tenant.to_owned()), ("other".into(), "x".into())];
        let origin = Arc::new(Origin { metadata, ..Origin::default() });
        Batch::received(Signal::Logs, logs(&[("a", 2)]).encode(), origin).unwrap()
    };
    for tenant in ["a", "b", "a"] {
        edge.send(from(tenant)).await.unwrap();
    }
    assert_eq!(edge.send(from("c")).await.unwrap_err().kind, RejectedKind::Permanent);
    let combinations = || {
        let own = counted(&telemetry);
        let (_, after) = own.split_once("metadata_cardinality").unwrap();
        after.split_once(r#""asInt":""#).unwrap().1.split('"').next().unwrap().to_owned()
    };
    assert_eq!(combinations(), "2");
    sleep(Duration::from_secs(1)).await;
    let mut origins = origins.lock().unwrap().clone();
    origins.sort_by_key(|(items, _)| *items);
    assert_eq!(origins.iter().map(|(items, _)| *items).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(origins[1].1.metadata, [("tenant".to_owned(), "a".to_owned())]);
    drop((edge, tasks));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(combinations(), "0", "those of a pipeline that is gone do not count");
}

#[tokio::test(start_paused = true)]
async fn what_is_held_when_the_edge_is_gone_is_sent_also_through_a_second_batch() {
    let (next, sizes) = sink();
    let (inner, _inner_tasks, _) = around(sized(1000, 0), next);
    let (outer, _outer_tasks, _) = around(sized(1000, 0), inner);
    for _ in 0..20 {
        send(&outer, 1).await;
    }
    let start = Instant::now();
    drop(outer);
    while sizes.lock().unwrap().is_empty() {
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(*sizes.lock().unwrap(), [20]);
    assert!(start.elapsed() < Duration::from_millis(50), "nothing waits for the timeout");
}

#[tokio::test(start_paused = true)]
async fn what_an_ended_task_held_is_counted_as_lost_to_shutdown() {
    let (next, _) = sink();
    let (edge, tasks, telemetry) = around(sized(1000, 0), next);
    send(&edge, 9).await;
    sleep(Duration::from_millis(1)).await;
    drop(tasks);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(dropped(&telemetry, "shutdown"), "9");
}

#[tokio::test(start_paused = true)]
async fn the_keeper_ends_after_its_shards_and_not_before() {
    let cx = BuildContext::new("batch".parse().unwrap(), Telemetry::new("test"));
    let ((next, sizes), tasks) = (sink(), Tasks::default());
    let (input, received) = tokio::sync::mpsc::channel(1);
    let shard = Shard::new(sized(1000, 0), Counts::new(&cx), next, Arc::default(), received, tasks.stop());
    let (started, shards) = tokio::sync::mpsc::unbounded_channel();
    let keeper = tokio::spawn(keep(shards));
    assert!(started.send(shard).is_ok());
    input.send(logs(&[("a", 3)])).await.unwrap();
    drop(started);
    sleep(Duration::from_millis(1)).await;
    assert!(!keeper.is_finished());
    drop(input);
    keeper.await.unwrap();
    assert_eq!(*sizes.lock().unwrap(), [3]);
}
