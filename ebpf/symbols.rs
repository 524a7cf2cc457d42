//! Names of kernel addresses, found on a thread of their own, because it has to read all of /proc/kallsyms first.

use std::sync::{Mutex, PoisonError};

use blazesym::symbolize::source::{Kernel, Source};
use blazesym::symbolize::{Input, Symbolized, Symbolizer};
use blazesym::{Addr, MaybeDefault};
use tokio::sync::{mpsc, oneshot};

/// Questions that may wait; who asks waits for the answer, so a few are enough.
const WAITING_AT_MOST: usize = 16;
/// Below everything that somebody waits for.
const NICE: i32 = 10;

/// The one thread of this process: the table that it reads takes megabytes.
static SHARED: Mutex<Option<mpsc::WeakSender<Question>>> = Mutex::new(None);

/// Turns kernel addresses into names. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Symbols(mpsc::Sender<Question>);

#[derive(Debug)]
struct Question {
    addresses: Vec<Addr>,
    answer: oneshot::Sender<Vec<Option<KernelFunction>>>,
}

/// What the kernel has at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelFunction {
    /// Its name.
    pub name: String,
    /// Bytes from its start to the address.
    pub offset: usize,
}

impl Symbols {
    /// Starts the thread, or shares the one that runs; it ends when the last clone is dropped.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start() -> std::io::Result<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(questions) = shared.as_ref().and_then(mpsc::WeakSender::upgrade) {
            return Ok(Self(questions));
        }
        let (questions, inbox) = mpsc::channel(WAITING_AT_MOST);
        std::thread::Builder::new().name("kpulse-symbols".into()).spawn(move || answer(inbox))?;
        *shared = Some(questions.downgrade());
        Ok(Self(questions))
    }

    /// One `function+0x1f` per address, in order; an address that has none is shown as a number.
    pub async fn kernel(&self, addresses: Vec<Addr>) -> Vec<String> {
        let asked = addresses.clone();
        let functions = self.functions(addresses).await;
        let text = |(address, function): (Addr, Option<KernelFunction>)| match function {
            Some(KernelFunction { name, offset }) => format!("{name}+{offset:#x}"),
            None => format!("{address:#x}"),
        };
        asked.into_iter().zip(functions).map(text).collect()
    }

    /// One function per address, in order, where there is one.
    pub async fn functions(&self, addresses: Vec<Addr>) -> Vec<Option<KernelFunction>> {
        let nothing = vec![None; addresses.len()];
        if addresses.is_empty() {
            return nothing;
        }
        let (answer, functions) = oneshot::channel();
        if self.0.send(Question { addresses, answer }).await.is_err() {
            return nothing;
        }
        functions.await.unwrap_or(nothing)
    }
}

/// Lets the calling thread wait for everybody else.
pub(crate) fn step_back() {
    // SAFETY: a system call without pointers; it lowers this thread's priority, and it does not matter if it may not.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
}

fn answer(mut inbox: mpsc::Receiver<Question>) {
    step_back();
    // kallsyms knows modules and BPF programs; a vmlinux with DWARF would cost hundreds of megabytes.
    let kernel = Kernel { kallsyms: MaybeDefault::Default, vmlinux: MaybeDefault::None, ..Kernel::default() };
    let source = Source::Kernel(kernel);
    let symbolizer = Symbolizer::builder().enable_code_info(false).enable_inlined_fns(false).build();
    // Reads kallsyms now, so that the first event need not wait for it; whether there is such an address does not matter.
    let _ = symbolizer.symbolize(&source, Input::AbsAddr(&[Addr::MAX]));
    while let Some(Question { addresses, answer }) = inbox.blocking_recv() {
        let functions = match symbolizer.symbolize(&source, Input::AbsAddr(&addresses)) {
            Ok(found) => found.iter().map(function).collect(),
            Err(_) => vec![None; addresses.len()],
        };
        // Who asked may be gone; then nobody misses the answer.
        let _ = answer.send(functions);
    }
}

fn function(symbol: &Symbolized<'_>) -> Option<KernelFunction> {
    match symbol {
        Symbolized::Sym(symbol) => Some(KernelFunction { name: symbol.name.to_string(), offset: symbol.offset }),
        Symbolized::Unknown(_) => None,
    }
}
