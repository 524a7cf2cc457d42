//! `kpulse profile`: samples for a while and writes a file.

use std::path::Path;
use std::time::Duration;

use ebpf::profile::{Recorder, Settings};
use ebpf::{Clock, Counters, Kernel, OpenError};
use indicatif::{ProgressBar, ProgressStyle};
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
    std::fs::write(&how.output.path, content).map_err(|error| cannot_write(&how.output, error))?;
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
    if let Some(pid) = how.pid
        && !lives(pid)
    {
        return Err(ProfileError::NoProcess(pid));
    }
    let is_new = !how.output.path.exists();
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&how.output.path)
        .map_err(|error| cannot_write(&how.output, error))?;
    if is_new {
        // Nobody should take an empty file for an empty profile.
        let _ = std::fs::remove_file(&how.output.path);
    }
    Ok(())
}

fn cannot_write(output: &Output, error: std::io::Error) -> ProfileError {
    ProfileError::Write { path: output.to_string(), error }
}

fn lives(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

fn nothing(how: &Profile) -> ProfileError {
    let why = match how.pid {
        Some(pid) if !lives(pid) => format!("process {pid} has ended"),
        Some(pid) => format!("process {pid} was on no CPU when a sample was taken; a longer --duration may meet it"),
        None => "all CPUs were idle".into(),
    };
    ProfileError::Nothing(why)
}

async fn record(how: &Profile) -> Result<(Tally, Recording), Error> {
    let settings = Settings { frequency_hz: how.frequency, process: how.pid };
    let mut recorder = Recorder::open(&mut Kernel::open()?, settings).map_err(ProfileError::from)?;
    let (start, start_unix_ns) = (Instant::now(), Clock::default().now_unix_ns());
    let bar = progress_bar(how.duration);
    let mut tally = Tally::default();
    let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
    let mut looks = tokio::time::interval(LOOK_EVERY);
    while start.elapsed() < how.duration && how.pid.is_none_or(lives) {
        tokio::select! {
            samples = recorder.next() => samples.map_err(ProfileError::from)?.into_iter().for_each(|s| tally.add(s)),
            _ = looks.tick() => {
                bar.set_position(start.elapsed().as_millis() as u64);
                bar.set_message(format!("{} samples", tally.samples));
            }
            _ = interrupt.recv() => break,
        }
    }
    recorder.stop();
    let duration = start.elapsed();
    bar.set_message("looking up names");
    recorder.rest().await.map_err(ProfileError::from)?.into_iter().for_each(|sample| tally.add(sample));
    bar.finish_and_clear();
    warn_of_losses(recorder.counters());
    let recording = Recording { start_unix_ns, duration, period: settings.period(), frequency_hz: how.frequency };
    Ok((tally, recording))
}

fn warn_of_losses(counters: Counters) {
    let lost = counters.lost + counters.misses;
    if lost > 0 {
        super::tell(&format!("{lost} samples of {} found no room and are missing", counters.fired + counters.misses));
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
