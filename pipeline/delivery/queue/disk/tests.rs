use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use config::Section;
use tokio::time::Instant;

use super::Entry;
use super::record::{decode, encode};
use crate::delivery::tests::{Answer, Bench, bench_with};
use crate::delivery::{BatchSettings, Delivery, QueueSettings, RetrySettings, Sizer};
use crate::own_spans::{Context, Span};
use crate::storage::{Change, Namespace, Storage, StorageError, Storages};
use crate::tests::batches::logs;
use crate::{Batch, Origin, Pending, Rejected, RejectedKind, Signal, Stopped};

const SECOND: Duration = Duration::from_secs(1);

/// Outlives the services that use it, as a disk does.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    values: BTreeMap<Vec<u8>, Bytes>,
    fault: Option<StorageError>,
    reads: u32,
    takes: Duration,
}

#[async_trait]
impl Storages for Memory {
    async fn open(&self, owner: Namespace<'_>) -> Result<Arc<dyn Storage>, StorageError> {
        assert_eq!((owner.kind, owner.id.to_string().as_str(), owner.name), ("exporter", "leaf/x", "logs"));
        Ok(Arc::new(self.clone()))
    }
}

impl Storage for Memory {
    fn keys(&self) -> Pending<'static, Result<Vec<Vec<u8>>, StorageError>> {
        let keys = self.0.lock().unwrap().values.keys().cloned().collect();
        Box::pin(async { Ok(keys) })
    }

    fn get(&self, key: &[u8]) -> Pending<'static, Result<Option<Bytes>, StorageError>> {
        let mut state = self.0.lock().unwrap();
        state.reads += 1;
        let value = state.values.get(key).cloned();
        Box::pin(async { Ok(value) })
    }

    fn batch(&self, changes: Vec<Change>) -> Pending<'static, Result<(), StorageError>> {
        let mut state = self.0.lock().unwrap();
        let (fault, takes) = (state.fault.clone(), state.takes);
        for change in changes.into_iter().filter(|_| fault.is_none()) {
            match change {
                Change::Put { key, value } => state.values.insert(key, value),
                Change::Delete { key } => state.values.remove(&key),
            };
        }
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            fault.map_or(Ok(()), Err)
        })
    }
}

impl Memory {
    /// The items on it, in order.
    fn items(&self) -> Vec<u32> {
        self.0.lock().unwrap().values.keys().map(|key| Entry::parse(key).unwrap().items).collect()
    }

    async fn bench(&self, queue: QueueSettings, answers: Vec<Answer>) -> Bench {
        let retry = Some(RetrySettings::default());
        let delivery = Delivery { queue: Some(queue), retry, ..Delivery::default() };
        bench_with(&delivery, answers, Some(Arc::new(self.clone()))).await
    }
}

fn one_consumer() -> QueueSettings {
    QueueSettings { num_consumers: 1, ..QueueSettings::default() }
}

fn busy(count: usize) -> Vec<Answer> {
    (0..count).map(|_| Answer(Duration::ZERO, Err(Rejected::retryable("busy")))).collect()
}

#[test]
fn a_key_says_the_order_and_the_size() {
    let batch = logs(7);
    let entry = Entry::new(300, &batch);
    assert_eq!(Entry::parse(&entry.key()), Some(entry));
    assert!(entry.key() < Entry::new(301, &logs(1)).key());
    let size = batch.encode().len() as u64;
    assert_eq!([Sizer::Requests, Sizer::Items, Sizer::Bytes].map(|sizer| entry.size(sizer)), [1, 7, size]);
    assert_eq!((Entry::parse(b"short"), Entry::parse(&[0; 17])), (None, None));
}

#[test]
fn a_record_keeps_all_that_exporters_ask_for() {
    let metadata = vec![("tenant".to_owned(), "a".to_owned()), ("tenant".to_owned(), "b".to_owned())];
    let context = Context { trace: 5 << 70, span: 7, is_sampled: true, is_remote: false };
    let span = Span::known(context);
    let peer = Some("[::1]:4317".parse().unwrap());
    let origin = Origin { peer, metadata, deadline: Some(std::time::Instant::now()), span, ..Origin::default() };
    let batch = Batch::concat(vec![logs(3)], origin.clone().into()).unwrap();
    let read = decode(Signal::Logs, encode(&batch)).unwrap();
    assert_eq!((read.items(), read.encode()), (3, batch.encode()));
    assert_eq!(**read.origin(), Origin { deadline: None, ..origin });
    assert!(decode(Signal::Logs, Bytes::from_static(b"\x0a\x02\x0a\x09")).is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_delivered_is_forgotten_and_what_is_given_up_too() {
    let disk = Memory::default();
    let answers = vec![Answer(SECOND, Ok(())), Answer(SECOND, Err(Rejected::permanent("bad")))];
    let bench = disk.bench(one_consumer(), answers).await;
    bench.next.send(logs(1)).await.unwrap();
    bench.next.send(logs(2)).await.unwrap();
    assert_eq!(disk.items(), [1, 2]);
    tokio::time::sleep(SECOND * 3 / 2).await;
    assert_eq!(disk.items(), [2]);
    tokio::time::sleep(SECOND).await;
    assert_eq!(disk.items(), [0; 0]);
    assert_eq!(bench.count("otelcol_exporter_queue_size"), Some(0));
    assert_eq!(bench.count("otelcol_exporter_send_failed_log_records"), Some(2));
}

#[tokio::test(start_paused = true)]
async fn what_a_crash_leaves_is_sent_after_the_next_start_oldest_first_and_takes_room_as_before() {
    let disk = Memory::default();
    let bench = disk.bench(one_consumer(), vec![Answer(SECOND, Ok(())), Answer(60 * SECOND, Ok(()))]).await;
    for items in 1..=4 {
        bench.next.send(logs(items)).await.unwrap();
    }
    tokio::time::sleep(SECOND * 3 / 2).await;
    drop(bench);
    assert_eq!(disk.items(), [2, 3, 4], "the second was under way");
    let settings = QueueSettings { queue_size: 10, sizer: Sizer::Items, ..one_consumer() };
    let bench = disk.bench(settings, vec![Answer(SECOND, Ok(()))]).await;
    assert_eq!(bench.count("otelcol_exporter_queue_size"), Some(9));
    assert_eq!(bench.next.send(logs(2)).await.unwrap_err().reason, "sending queue is full");
    bench.next.send(logs(1)).await.unwrap();
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(bench.leaf.items(), [2, 3, 4, 1]);
    assert_eq!((disk.items(), bench.count("otelcol_exporter_queue_size")), (vec![], Some(0)));
}

#[tokio::test(start_paused = true)]
async fn at_the_stop_what_can_be_sent_is_and_the_rest_stays_and_is_not_lost() {
    let disk = Memory::default();
    let answers = vec![Answer(SECOND, Ok(())), Answer(Duration::ZERO, Ok(()))];
    let bench = disk.bench(one_consumer(), answers.into_iter().chain(busy(9)).collect()).await;
    for items in 1..=5 {
        bench.next.send(logs(items)).await.unwrap();
    }
    let (running, leaf, counts) = bench.running();
    let asked = Instant::now();
    assert_eq!(running.stop(30 * SECOND).await, Stopped::Drained);
    assert!(asked.elapsed() < 2 * SECOND, "{:?}", asked.elapsed());
    assert_eq!((leaf.items(), disk.items()), (vec![1, 2, 3], vec![3, 4, 5]));
    assert_eq!(counts.of("kpulse_exporter_lost_items"), None);
}

#[tokio::test(start_paused = true)]
async fn a_slow_backend_does_not_hold_up_the_stop_beyond_some_seconds() {
    let disk = Memory::default();
    let bench = disk.bench(one_consumer(), (0..90).map(|_| Answer(SECOND, Ok(()))).collect()).await;
    for items in 1..=90 {
        bench.next.send(logs(items)).await.unwrap();
    }
    let (running, leaf, _) = bench.running();
    let asked = Instant::now();
    assert_eq!(running.stop(30 * SECOND).await, Stopped::Drained);
    assert!(asked.elapsed() < 8 * SECOND, "{:?}", asked.elapsed());
    assert!((4..9).contains(&leaf.items().len()), "{:?}", leaf.items());
    assert_eq!(disk.items().len() + leaf.items().len(), 90);
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_at_the_deadline_stays() {
    let disk = Memory::default();
    let bench = disk.bench(one_consumer(), vec![Answer(60 * SECOND, Ok(()))]).await;
    bench.next.send(logs(1)).await.unwrap();
    bench.next.send(logs(2)).await.unwrap();
    tokio::time::sleep(SECOND).await;
    let (running, ..) = bench.running();
    assert_ne!(running.stop(SECOND).await, Stopped::Drained);
    assert_eq!(disk.items(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn with_batch_a_request_is_forgotten_when_all_its_parts_were_delivered() {
    let disk = Memory::default();
    let batch = BatchSettings { min_size: 10, max_size: 10, ..BatchSettings::default() };
    let settings = QueueSettings { batch: Section::On(batch), ..one_consumer() };
    let bench = disk.bench(settings, vec![Answer(SECOND, Ok(())), Answer(SECOND, Ok(()))]).await;
    bench.next.send(logs(15)).await.unwrap();
    bench.next.send(logs(3)).await.unwrap();
    tokio::time::sleep(SECOND / 2).await;
    assert_eq!(disk.items(), [15, 3]);
    tokio::time::sleep(SECOND).await;
    assert_eq!((bench.leaf.items(), disk.items()), (vec![10, 8], vec![15, 3]), "half of the first is under way");
    tokio::time::sleep(SECOND).await;
    assert_eq!(disk.items(), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_kept_is_refused_with_the_reason_counted_and_takes_no_room() {
    let disk = Memory::default();
    let bench = disk.bench(one_consumer(), Vec::new()).await;
    disk.0.lock().unwrap().fault = Some(StorageError::Full { place: "/here".into() });
    let rejected = bench.next.send(logs(5)).await.unwrap_err();
    assert_eq!(rejected.kind, RejectedKind::Retryable);
    assert_eq!(rejected.reason, "cannot be kept on disk: no space left in /here");
    assert_eq!(bench.count("otelcol_exporter_queue_size"), Some(0));
    assert_eq!(bench.count("otelcol_exporter_enqueue_failed_log_records"), Some(5));
    assert_eq!(bench.count_with("kpulse_exporter_not_stored_items", "reason", "full"), Some(5));
    disk.0.lock().unwrap().fault = None;
    bench.next.send(logs(5)).await.unwrap();
    tokio::time::sleep(SECOND).await;
    assert_eq!(bench.leaf.items(), [5]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_back_is_counted_and_the_rest_goes_on() {
    let disk = Memory::default();
    let bench = disk.bench(one_consumer(), vec![Answer(60 * SECOND, Ok(()))]).await;
    for items in 1..=4 {
        bench.next.send(logs(items)).await.unwrap();
    }
    drop(bench);
    let key = disk.0.lock().unwrap().values.keys().nth(1).cloned().unwrap();
    disk.0.lock().unwrap().values.insert(key, Bytes::from_static(b"\xff\xff"));
    disk.0.lock().unwrap().values.insert(b"somebody else's".to_vec(), Bytes::new());
    let bench = disk.bench(one_consumer(), Vec::new()).await;
    tokio::time::sleep(SECOND).await;
    assert_eq!(bench.leaf.items(), [1, 3, 4]);
    assert_eq!(bench.count_with("kpulse_exporter_unreadable_items", "reason", "undecodable"), Some(2));
    assert_eq!(disk.0.lock().unwrap().values.len(), 1, "what is not ours is left alone");
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_goes_away_before_its_batch_is_on_disk_gets_that_undone() {
    let disk = Memory::default();
    let bench = disk.bench(one_consumer(), Vec::new()).await;
    disk.0.lock().unwrap().takes = SECOND;
    let gone = tokio::time::timeout(SECOND / 2, bench.next.send(logs(1))).await;
    assert!(gone.is_err());
    tokio::time::sleep(SECOND).await;
    assert_eq!((disk.items(), bench.count("otelcol_exporter_queue_size")), (vec![], Some(0)));
}

#[tokio::test(start_paused = true)]
async fn as_long_as_the_backend_keeps_up_nothing_is_read_back_and_memory_has_few_when_it_does_not() {
    let disk = Memory::default();
    let bench = disk.bench(one_consumer(), vec![Answer(SECOND, Ok(()))]).await;
    for _ in 0..9 {
        bench.next.send(logs(1)).await.unwrap();
    }
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(bench.leaf.items().len(), 9);
    let reads = disk.0.lock().unwrap().reads;
    assert!((7..9).contains(&reads), "{reads} of 9 were read");
    for _ in 0..9 {
        bench.next.send(logs(1)).await.unwrap();
        tokio::time::sleep(SECOND).await;
    }
    assert_eq!(disk.0.lock().unwrap().reads, reads);
}

#[tokio::test(start_paused = true)]
async fn a_sender_may_wait_for_room_here_too() {
    let disk = Memory::default();
    let settings = QueueSettings { queue_size: 1, block_on_overflow: true, ..one_consumer() };
    let bench = disk.bench(settings, vec![Answer(SECOND, Ok(()))]).await;
    let started = Instant::now();
    bench.next.send(logs(1)).await.unwrap();
    bench.next.send(logs(1)).await.unwrap();
    assert_eq!(started.elapsed(), SECOND);
}
