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
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use process::{Processes, Spot};
use resolver::Resolver;

/// Errands that may wait.
const WAITING_AT_MOST: usize = 4096;

/// How long files are read for the names of one question. The thread that reads them stands behind everybody who wants
/// the CPU, and what was sampled then must be told all the same: from then on it goes without the names that are not
/// known yet, and the next question finds more of them.
const NAMES_WITHIN: Duration = Duration::from_secs(30);

/// Turns addresses of processes into frames. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stacks {
    errands: mpsc::Sender<Errand>,
    haste: Arc<Haste>,
}

/// Whether names are still looked for.
#[derive(Debug, Default)]
struct Haste {
    /// Only what is known already is wanted.
    is_hurried: AtomicBool,
    /// Stacks that went without names for want of time.
    unnamed: AtomicU64,
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
    asked: Instant,
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
        let haste = Arc::<Haste>::default();
        std::thread::Builder::new().name("kpulse-processes".into()).spawn(move || locate(inbox, &located))?;
        std::thread::Builder::new().name("kpulse-stacks".into()).spawn({
            let haste = Arc::clone(&haste);
            move || name(to_name, &haste)
        })?;
        Ok(Self { errands, haste })
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
        self.haste.is_hurried.store(true, Ordering::Relaxed);
    }

    /// Stacks that went without some name because there was no time to look for it.
    pub fn unnamed(&self) -> u64 {
        self.haste.unnamed.load(Ordering::Relaxed)
    }
}

fn locate(mut inbox: mpsc::Receiver<Errand>, located: &mpsc::UnboundedSender<Located>) {
    let mut processes = Processes::default();
    while let Some(errand) = inbox.blocking_recv() {
        match errand {
            Errand::Learn(pid) => processes.learn(pid),
            Errand::Locate(stacks, answer) => {
                let asked = Instant::now();
                let stacks = stacks.iter().map(|stack| processes.look_up(stack)).collect();
                processes.forget();
                let _ = located.send(Located { asked, stacks, answer });
            }
        }
    }
}

fn name(mut inbox: mpsc::UnboundedReceiver<Located>, haste: &Haste) {
    crate::symbols::step_back();
    let mut resolver = Resolver::default();
    while let Some(Located { asked, stacks, answer }) = inbox.blocking_recv() {
        let has_time = || !haste.is_hurried.load(Ordering::Relaxed) && asked.elapsed() < NAMES_WITHIN;
        let mut frames = Vec::with_capacity(stacks.len());
        for stack in stacks {
            let (found, is_named) = resolver.frames(stack, &has_time);
            haste.unnamed.fetch_add(u64::from(!is_named), Ordering::Relaxed);
            frames.push(found);
        }
        resolver.tidy();
        // Who asked may be gone; then nobody misses the answer.
        let _ = answer.send(frames);
    }
}
