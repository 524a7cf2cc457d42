//! `kpulse profile`: samples for a while and writes a file.

mod process;

use std::time::Duration;

use ebpf::profile::{Recorder, Settings};
use ebpf::{Clock, Counters, Kernel, OpenError};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

use super::Error;
use crate::cli::Profile;
use crate::flame::{Output, Recording, RenderError, Tally};

/// How often the bar moves, and the end is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What ends the command without a file.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("there is no process {0}")]
    NoProcess(u32),
    #[error("{thread} is a thread of process {process}: give --pid {process}, its samples tell threads apart by name")]
    NotAProcess { thread: u32, process: u32 },
    #[error("cannot sample: {0}")]
    Open(#[from] OpenError),
    #[error("nothing was sampled: {0}")]
    Nothing(String),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("cannot write {path}: {error}")]
    Write { path: String, error: std::io::Error },
}

/// Samples until the time is over, the process has ended, or somebody presses Ctrl-C; then writes what there is.
pub fn profile(how: Profile) -> Result<(), Error> {
    check(&how)?;
    let (tally, recording) = super::runtime()?.block_on(record(&how))?;
    if tally.samples == 0 {
        return Err(nothing(&how).into());
    }
    let content = how.output.kind.render(&tally, &recording).map_err(ProfileError::from)?;
    how.output.write(&content).map_err(|error| cannot_write(&how.output, error))?;
    let missing = match tally.truncated {
        0 => String::new(),
        truncated => format!(", {truncated} of them deeper than the kernel follows"),
    };
    let seconds = recording.duration.as_secs_f64();
    super::tell(&format!("{}: {} samples in {seconds:.1} s{missing}", how.output, tally.samples));
    Ok(())
}

/// What would be a pity to find out at the end.
fn check(how: &Profile) -> Result<(), ProfileError> {
    if let Some(thread) = how.pid
        && let Some(process) = process::owner_of_thread(thread)
    {
        return Err(ProfileError::NotAProcess { thread, process });
    }
    if let Some(pid) = how.pid.filter(|pid| !process::lives(*pid)) {
        return Err(ProfileError::NoProcess(pid));
    }
    how.output.check().map_err(|error| cannot_write(&how.output, error))
}

fn cannot_write(output: &Output, error: std::io::Error) -> ProfileError {
    ProfileError::Write { path: output.to_string(), error }
}

fn nothing(how: &Profile) -> ProfileError {
    let why = match how.pid {
        Some(pid) if !process::lives(pid) => format!("process {pid} has ended"),
        Some(pid) => format!("process {pid} was on no CPU when a sample was taken; a longer --duration may meet it"),
        None => "all CPUs were idle".into(),
    };
    ProfileError::Nothing(why)
}

async fn record(how: &Profile) -> Result<(Tally, Recording), Error> {
    let settings = Settings { frequency_hz: how.frequency, process: how.pid };
    let mut ends = Ends::listen()?;
    let mut recorder = Recorder::open(&mut Kernel::open()?, settings).map_err(ProfileError::from)?;
    let recording = Recording {
        start_unix_ns: Clock::default().now_unix_ns(),
        duration: Duration::ZERO,
        period: settings.period(),
        frequency_hz: how.frequency,
        executable: how.pid.and_then(process::executable),
    };
    super::tell(&announcement(how));
    let bar = progress_bar(how.duration);
    let mut tally = Tally::default();
    let duration = sample(how, &mut recorder, &mut ends, &bar, &mut tally).await?;
    recorder.stop();
    bar.set_message("looking up names; Ctrl-C writes those that are found");
    let rest = recorder.rest(ends.asked()).await.map_err(ProfileError::from)?;
    rest.into_iter().for_each(|sample| tally.add(sample));
    bar.finish_and_clear();
    warn_of_losses(recorder.counters());
    Ok((tally, Recording { duration, ..recording }))
}

fn announcement(how: &Profile) -> String {
    let what = how.pid.map_or_else(|| "everything".to_owned(), |pid| format!("process {pid}"));
    format!("sampling {what} at {} Hz for {:?}; Ctrl-C ends it earlier", how.frequency, how.duration)
}

/// Until there is a reason to end; how long that took.
async fn sample(
    how: &Profile,
    recorder: &mut Recorder,
    ends: &mut Ends,
    bar: &ProgressBar,
    tally: &mut Tally,
) -> Result<Duration, ProfileError> {
    let start = Instant::now();
    let mut looks = tokio::time::interval(LOOK_EVERY);
    while start.elapsed() < how.duration && how.pid.is_none_or(process::lives) {
        tokio::select! {
            samples = recorder.next() => samples?.into_iter().for_each(|sample| tally.add(sample)),
            _ = looks.tick() => {
                bar.set_position(start.elapsed().as_millis() as u64);
                bar.set_message(format!("{} samples", tally.samples));
            }
            () = ends.asked() => break,
        }
    }
    Ok(start.elapsed())
}

/// The signals by which people and programs ask for an end.
struct Ends(Signal, Signal);

impl Ends {
    fn listen() -> std::io::Result<Self> {
        Ok(Self(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}

fn warn_of_losses(counters: Counters) {
    let lost = counters.lost + counters.misses;
    if lost > 0 {
        let all = counters.sent + lost;
        super::tell(&format!("{lost} samples of {all} found no room and are missing; a lower --frequency takes fewer"));
    }
}

/// On a terminal only.
fn progress_bar(duration: Duration) -> ProgressBar {
    let bar = ProgressBar::new(duration.as_millis() as u64);
    if let Ok(style) = ProgressStyle::with_template("{elapsed:>4} [{bar:40}] {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
