//! A component's handle to its log, and the thread that does the reading and writing: the runtime never waits for a disk.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use bytes::Bytes;
use pipeline::Pending;
use pipeline::storage::{Change, Storage, StorageError};
use tokio::sync::oneshot;

use super::log::Log;

/// What waits is written together, up to so many bytes.
const TOGETHER_BYTES: usize = 4 << 20;

type Answer<T> = oneshot::Sender<Result<T, StorageError>>;

enum Ask {
    Batch(Vec<Change>, Answer<()>),
    Get(Vec<u8>, Answer<Option<Bytes>>),
    Keys(Answer<Vec<Vec<u8>>>),
}

/// When a log is compacted although nobody asked.
#[derive(Clone, Copy, Debug)]
pub struct Rebound {
    pub check_interval: Duration,
    /// Its files have to take at least so many bytes,
    pub needed_bytes: u64,
    /// and no more than so many of them may be in use.
    pub trigger_bytes: u64,
}

/// What a component holds. The thread ends, and closes the log, when no handle is left.
pub struct Client(Sender<Ask>);

impl Client {
    /// Puts a thread in charge of `log`.
    pub fn new(log: Log, rebound: Option<Rebound>) -> std::io::Result<Self> {
        let (asks, asked) = mpsc::channel();
        let worker = Worker { log, asked, refuses: false };
        std::thread::Builder::new().name("file_storage".into()).spawn(move || worker.run(rebound))?;
        Ok(Self(asks))
    }

    fn ask<T: Send + 'static>(&self, ask: impl FnOnce(Answer<T>) -> Ask) -> Pending<'static, Result<T, StorageError>> {
        let (answer, answered) = oneshot::channel();
        // When the thread is gone, so is the other end of the answer.
        let _ = self.0.send(ask(answer));
        Box::pin(async move { answered.await.unwrap_or(Err(StorageError::Closed)) })
    }
}

impl Storage for Client {
    fn keys(&self) -> Pending<'static, Result<Vec<Vec<u8>>, StorageError>> {
        self.ask(Ask::Keys)
    }

    fn get(&self, key: &[u8]) -> Pending<'static, Result<Option<Bytes>, StorageError>> {
        self.ask(|answer| Ask::Get(key.to_vec(), answer))
    }

    fn batch(&self, changes: Vec<Change>) -> Pending<'static, Result<(), StorageError>> {
        self.ask(|answer| Ask::Batch(changes, answer))
    }
}

struct Worker {
    log: Log,
    asked: Receiver<Ask>,
    /// The last write failed.
    refuses: bool,
}

impl Worker {
    fn run(mut self, rebound: Option<Rebound>) {
        loop {
            let next = match rebound {
                None => self.asked.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(rebound) => self.asked.recv_timeout(rebound.check_interval),
            };
            match next {
                Ok(ask) => self.serve(ask),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if rebound.is_some_and(|rebound| rebound.is_due(&self.log)) {
                self.log.compact();
            }
        }
    }

    /// Answers this and what came meanwhile, in order.
    fn serve(&mut self, first: Ask) {
        let mut writes = Writes::default();
        let mut next = Some(first);
        while let Some(ask) = next {
            match ask {
                Ask::Batch(changes, answer) => writes.add(changes, answer),
                Ask::Get(key, answer) => {
                    self.flush(&mut writes);
                    // Who asked may not want to know any longer.
                    let _ = answer.send(self.log.get(&key));
                }
                Ask::Keys(answer) => {
                    self.flush(&mut writes);
                    let _ = answer.send(Ok(self.log.keys()));
                }
            }
            if writes.bytes >= TOGETHER_BYTES {
                self.flush(&mut writes);
            }
            next = self.asked.try_recv().ok();
        }
        self.flush(&mut writes);
    }

    fn flush(&mut self, writes: &mut Writes) {
        let Writes { batches, answers, .. } = std::mem::take(writes);
        if batches.is_empty() {
            return;
        }
        let results = self.log.commit(&batches);
        self.tell(&results);
        for (answer, result) in answers.into_iter().zip(results) {
            let _ = answer.send(result);
        }
    }

    /// Says once that nothing can be written, and once that it can again.
    fn tell(&mut self, results: &[Result<(), StorageError>]) {
        let error = results.iter().find_map(|result| result.as_ref().err());
        match error {
            Some(error) if !self.refuses => tracing::error!(%error, "cannot write: senders are refused until it can"),
            None if self.refuses => tracing::info!("can write again"),
            _ => {}
        }
        self.refuses = error.is_some();
    }
}

/// Batches that go into one write.
#[derive(Default)]
struct Writes {
    batches: Vec<Vec<Change>>,
    answers: Vec<Answer<()>>,
    bytes: usize,
}

impl Writes {
    fn add(&mut self, changes: Vec<Change>, answer: Answer<()>) {
        let size = |change: &Change| match change {
            Change::Put { key, value } => key.len() + value.len(),
            Change::Delete { key } => key.len(),
        };
        self.bytes += changes.iter().map(size).sum::<usize>();
        self.batches.push(changes);
        self.answers.push(answer);
    }
}

impl Rebound {
    fn is_due(&self, log: &Log) -> bool {
        log.total_bytes() >= self.needed_bytes && log.live_bytes() <= self.trigger_bytes
    }
}
