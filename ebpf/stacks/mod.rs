//! Names of what processes execute, found on a thread of their own: reading debug information takes its time.
//!
//! A process is read when it is first sampled (`learn`), so that one that ends before its names are looked up still has
//! them: its mappings are known and its files are open.

mod binary;
mod frame;
mod maps;
mod names;
mod perf_map;
mod process;
mod resolver;

pub use frame::{Frame, Function, Kind, Mapping};

use tokio::sync::{mpsc, oneshot};

use resolver::Resolver;

/// Questions that may wait.
const WAITING_AT_MOST: usize = 256;

/// Turns addresses of processes into frames. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stacks(mpsc::Sender<Question>);

/// Addresses of one process, leaf first.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// The process.
    pub pid: u32,
    /// Leaf first.
    pub addresses: Vec<u64>,
}

#[derive(Debug)]
enum Question {
    Learn(u32),
    Resolve(Vec<Addresses>, oneshot::Sender<Vec<Vec<Frame>>>),
}

impl Stacks {
    /// Starts the thread; it ends when the last clone is dropped.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start() -> std::io::Result<Self> {
        let (questions, inbox) = mpsc::channel(WAITING_AT_MOST);
        std::thread::Builder::new().name("kpulse-stacks".into()).spawn(move || answer(inbox))?;
        Ok(Self(questions))
    }

    /// Reads the mappings of a process soon. Never waits: what finds no place is read when its frames are asked for.
    pub fn learn(&self, pid: u32) {
        let _ = self.0.try_send(Question::Learn(pid));
    }

    /// The frames of each stack, in order.
    pub async fn resolve(&self, stacks: Vec<Addresses>) -> Vec<Vec<Frame>> {
        let count = stacks.len();
        let (answer, frames) = oneshot::channel();
        if self.0.send(Question::Resolve(stacks, answer)).await.is_err() {
            return vec![Vec::new(); count];
        }
        frames.await.unwrap_or_else(|_| vec![Vec::new(); count])
    }
}

fn answer(mut inbox: mpsc::Receiver<Question>) {
    crate::symbols::step_back();
    let mut resolver = Resolver::default();
    while let Some(question) = inbox.blocking_recv() {
        match question {
            Question::Learn(pid) => resolver.learn(pid),
            Question::Resolve(stacks, answer) => {
                let frames = stacks.iter().map(|stack| resolver.frames(stack)).collect();
                resolver.tidy();
                // Who asked may be gone; then nobody misses the answer.
                let _ = answer.send(frames);
            }
        }
    }
}
