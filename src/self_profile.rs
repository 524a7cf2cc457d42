//! kpulse's own CPU time and memory as pprof files: what the extension `pprof` shows.

use std::fmt::Debug;
use std::time::Duration;

use ebpf::profile::{Recorder, Settings};
use ebpf::stacks::{Addresses, Stacks};
use ebpf::{Clock, Kernel};
use pipeline::{Pending, SelfProfiler};
use tokio::time::Instant;

use crate::allocator::{live_bytes, samples};
use crate::flame::{Block, Heap, Kind, Recording, Tally};

/// As Go's own profiles.
const FREQUENCY_HZ: u32 = 100;
/// Names that are not found by then are left out.
const NAMES_WITHIN: Duration = Duration::from_secs(5);

/// The profiler of this process.
#[derive(Debug)]
pub struct SelfProfile;

impl SelfProfiler for SelfProfile {
    fn cpu(&self, end: Pending<'static, ()>) -> Pending<'static, Result<Vec<u8>, String>> {
        Box::pin(record(end))
    }

    fn heap(&self) -> Pending<'static, Result<Vec<u8>, String>> {
        Box::pin(heap())
    }

    fn watch_heap(&self) -> Box<dyn Debug + Send + Sync> {
        Box::new(samples::watch())
    }
}

async fn heap() -> Result<Vec<u8>, String> {
    let (live_bytes, now, samples) = (live_bytes(), Clock::default().now_unix_ns(), samples::all());
    let stacks = Stacks::start().map_err(|error| format!("cannot look for names: {error}"))?;
    let pid = std::process::id();
    let asked = samples.iter().map(|sample| Addresses { pid, addresses: sample.stack.clone() }).collect();
    let mut answer = stacks.ask(asked).await;
    let frames = tokio::select! {
        frames = &mut answer => frames,
        () = tokio::time::sleep(NAMES_WITHIN) => {
            stacks.hurry();
            answer.await
        }
    };
    let frames = frames.map_err(|_| "who finds names has stopped".to_owned())?;
    let blocks = samples.iter().zip(&frames).map(|(sample, frames)| Block::of(sample, frames)).collect();
    let executable = executable();
    let heap = Heap { blocks, live_bytes, now_unix_ns: now, executable: executable.as_deref() };
    heap.render().map_err(|error| format!("cannot compress: {error}"))
}

fn executable() -> Option<String> {
    std::env::current_exe().ok().and_then(|path| path.to_str().map(str::to_owned))
}

async fn record(mut end: Pending<'static, ()>) -> Result<Vec<u8>, String> {
    let settings = Settings { frequency_hz: FREQUENCY_HZ, process: Some(std::process::id()) };
    let cannot = |error: &dyn std::fmt::Display| format!("cannot sample: {error}");
    let mut kernel = Kernel::open().map_err(|error| cannot(&error))?;
    let mut recorder = Recorder::open(&mut kernel, settings).map_err(|error| cannot(&error))?;
    let (start, start_unix_ns) = (Instant::now(), Clock::default().now_unix_ns());
    let mut tally = Tally::default();
    loop {
        tokio::select! {
            samples = recorder.next() => {
                samples.map_err(|error| cannot(&error))?.into_iter().for_each(|sample| tally.add(sample));
            }
            () = &mut end => break,
        }
    }
    let duration = start.elapsed();
    recorder.stop();
    let rest = recorder.rest(tokio::time::sleep(NAMES_WITHIN)).await.map_err(|error| cannot(&error))?;
    rest.into_iter().for_each(|sample| tally.add(sample));
    let executable = executable();
    let recording =
        Recording { start_unix_ns, duration, period: settings.period(), frequency_hz: FREQUENCY_HZ, executable };
    Kind::Pprof.render(&tally, &recording).map_err(|error| error.to_string())
}
