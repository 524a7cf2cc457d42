//! Names of what processes execute, found on threads of their own: reading debug information takes its time.
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

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{mpsc, oneshot};

use process::{Processes, Spot};
use resolver::Resolver;

/// Errands that may wait.
const WAITING_AT_MOST: usize = 4096;

/// Turns addresses of processes into frames. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stacks {
    errands: mpsc::Sender<Errand>,
    is_hurried: Arc<AtomicBool>,
}

/// Addresses of one process, leaf first.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// The process.
    pub pid: u32,
    /// Leaf first.
    pub addresses: Vec<u64>,
}

/// The frames of each stack, in order of the stacks.
pub type Answer = oneshot::Receiver<Vec<Vec<Frame>>>;

/// What is asked of processes.
#[derive(Debug)]
enum Errand {
    Learn(u32),
    Locate(Vec<Addresses>, oneshot::Sender<Vec<Vec<Frame>>>),
}

/// Stacks whose places are known.
#[derive(Debug)]
struct Located {
    stacks: Vec<Vec<(u64, Spot)>>,
    answer: oneshot::Sender<Vec<Vec<Frame>>>,
}

impl Stacks {
    /// Starts two threads, which end when the last clone is dropped: one looks at processes as soon as it is told to,
    /// the other reads files when nobody else wants the CPU.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start() -> std::io::Result<Self> {
        let (errands, inbox) = mpsc::channel(WAITING_AT_MOST);
        // Who asks has a bound of its own.
        let (located, to_name) = mpsc::unbounded_channel();
        let is_hurried = Arc::default();
        std::thread::Builder::new().name("kpulse-processes".into()).spawn(move || locate(inbox, &located))?;
        std::thread::Builder::new().name("kpulse-stacks".into()).spawn({
            let is_hurried = Arc::clone(&is_hurried);
            move || name(to_name, is_hurried)
        })?;
        Ok(Self { errands, is_hurried })
    }

    /// Reads the mappings of a process now. Never waits: what finds no place is read when its frames are asked for.
    pub fn learn(&self, pid: u32) {
        let _ = self.errands.try_send(Errand::Learn(pid));
    }

    /// Asks for the frames of each stack. The processes are looked at now; names may take their time.
    pub async fn ask(&self, stacks: Vec<Addresses>) -> Answer {
        let (answer, frames) = oneshot::channel();
        // Without the thread the answer's sender is dropped, which the receiver sees.
        let _ = self.errands.send(Errand::Locate(stacks, answer)).await;
        frames
    }

    /// From now on what has no known name goes without: no more files are read.
    pub fn hurry(&self) {
        self.is_hurried.store(true, Ordering::Relaxed);
    }
}

fn locate(mut inbox: mpsc::Receiver<Errand>, located: &mpsc::UnboundedSender<Located>) {
    let mut processes = Processes::default();
    while let Some(errand) = inbox.blocking_recv() {
        match errand {
            Errand::Learn(pid) => processes.learn(pid),
            Errand::Locate(stacks, answer) => {
                let stacks = stacks.iter().map(|stack| processes.look_up(stack)).collect();
                processes.forget();
                let _ = located.send(Located { stacks, answer });
            }
        }
    }
}

fn name(mut inbox: mpsc::UnboundedReceiver<Located>, is_hurried: Arc<AtomicBool>) {
    crate::symbols::step_back();
    let mut resolver = Resolver::new(is_hurried);
    while let Some(Located { stacks, answer }) = inbox.blocking_recv() {
        let frames = stacks.into_iter().map(|stack| resolver.frames(stack)).collect();
        resolver.tidy();
        // Who asked may be gone; then nobody misses the answer.
        let _ = answer.send(frames);
    }
}
