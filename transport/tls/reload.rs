//! What is read from files again from time to time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::TlsError;

type Open<T> = Box<dyn Fn() -> Result<Arc<T>, TlsError> + Send + Sync>;

/// A TLS configuration that new connections ask for. It is read again when its interval has passed or the watched file
/// has changed; when that fails the old one stays.
pub(crate) struct Reloading<T> {
    open: Open<T>,
    interval: Duration,
    /// Read again as soon as it changes; none when empty.
    watched: String,
    state: Mutex<State<T>>,
}

struct State<T> {
    value: Arc<T>,
    read: Instant,
    modified: Option<SystemTime>,
}

impl<T> Reloading<T> {
    /// Opens it for the first time.
    ///
    /// # Errors
    /// What `open` says.
    pub fn new(
        open: impl Fn() -> Result<Arc<T>, TlsError> + Send + Sync + 'static,
        interval: Duration,
        watched: &str,
    ) -> Result<Self, TlsError> {
        let state = State { modified: modified(watched), value: open()?, read: Instant::now() };
        Ok(Self { open: Box::new(open), interval, watched: watched.to_owned(), state: Mutex::new(state) })
    }

    /// The one for a new connection.
    pub fn current(&self) -> Arc<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = !self.interval.is_zero() && state.read.elapsed() >= self.interval;
        let now = modified(&self.watched);
        if is_old || now != state.modified {
            (state.read, state.modified) = (Instant::now(), now);
            match (self.open)() {
                Ok(value) => state.value = value,
                Err(error) => tracing::warn!(%error, "cannot read TLS files again; the old ones stay in use"),
            }
        }
        state.value.clone()
    }
}

fn modified(path: &str) -> Option<SystemTime> {
    std::fs::metadata(Some(path).filter(|path| !path.is_empty())?).ok()?.modified().ok()
}
