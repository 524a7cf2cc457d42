//! Names of kernel addresses, found on a thread of their own, because it has to read all of /proc/kallsyms first.

use blazesym::symbolize::source::{Kernel, Source};
use blazesym::symbolize::{Input, Symbolized, Symbolizer};
use blazesym::{Addr, MaybeDefault};
use tokio::sync::{mpsc, oneshot};

/// Questions that may wait; who asks waits for the answer, so a few are enough.
const WAITING_AT_MOST: usize = 16;
/// Below everything that somebody waits for.
const NICE: i32 = 10;

/// Turns kernel addresses into `function+0x1f`. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Symbols(mpsc::Sender<Question>);

#[derive(Debug)]
struct Question {
    addresses: Vec<Addr>,
    answer: oneshot::Sender<Vec<String>>,
}

impl Symbols {
    /// Starts the thread; it ends when the last clone is dropped.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start() -> std::io::Result<Self> {
        let (questions, inbox) = mpsc::channel(WAITING_AT_MOST);
        std::thread::Builder::new().name("kpulse-symbols".into()).spawn(move || answer(inbox))?;
        Ok(Self(questions))
    }

    /// One name per address, in order; an address that has none is shown as a number.
    pub async fn kernel(&self, addresses: Vec<Addr>) -> Vec<String> {
        let numbers = |addresses: &[Addr]| addresses.iter().map(|address| format!("{address:#x}")).collect();
        if addresses.is_empty() {
            return Vec::new();
        }
        let (answer, names) = oneshot::channel();
        match self.0.send(Question { addresses: addresses.clone(), answer }).await {
            Ok(()) => names.await.unwrap_or_else(|_| numbers(&addresses)),
            Err(_) => numbers(&addresses),
        }
    }
}

fn answer(mut inbox: mpsc::Receiver<Question>) {
    // SAFETY: lowers the priority of the calling thread only; a refusal changes nothing.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
    // kallsyms knows modules and BPF programs; a vmlinux with DWARF would cost hundreds of megabytes.
    let kernel = Kernel { kallsyms: MaybeDefault::Default, vmlinux: MaybeDefault::None, ..Kernel::default() };
    let source = Source::Kernel(kernel);
    let symbolizer = Symbolizer::builder().enable_code_info(false).enable_inlined_fns(false).build();
    // Reads kallsyms now, so that the first event need not wait for it; whether there is such an address does not matter.
    let _ = symbolizer.symbolize(&source, Input::AbsAddr(&[Addr::MAX]));
    while let Some(Question { addresses, answer }) = inbox.blocking_recv() {
        let names = match symbolizer.symbolize(&source, Input::AbsAddr(&addresses)) {
            Ok(found) => found.iter().zip(&addresses).map(|(symbol, address)| name(symbol, *address)).collect(),
            Err(_) => addresses.iter().map(|address| format!("{address:#x}")).collect(),
        };
        // Who asked may be gone; then nobody misses the answer.
        let _ = answer.send(names);
    }
}

fn name(symbol: &Symbolized<'_>, address: Addr) -> String {
    match symbol {
        Symbolized::Sym(symbol) => format!("{}+{:#x}", symbol.name, symbol.offset),
        Symbolized::Unknown(_) => format!("{address:#x}"),
    }
}
