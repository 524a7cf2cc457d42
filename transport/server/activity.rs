//! Whether a connection has requests under way.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// The requests under way on one connection.
#[derive(Clone, Debug)]
pub(crate) struct Activity(Arc<watch::Sender<usize>>);

/// One request under way.
pub(crate) struct Busy(Activity);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.send_modify(|requests| *requests -= 1);
    }
}

impl Activity {
    /// None under way.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    /// Counts a request until the answer is dropped.
    pub fn begin(&self) -> Busy {
        self.0.send_modify(|requests| *requests += 1);
        Busy(self.clone())
    }

    /// Waits until nothing has been under way for so long.
    pub async fn idle_for(&self, time: Duration) {
        let mut requests = self.0.subscribe();
        loop {
            if requests.wait_for(|requests| *requests == 0).await.is_err() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(time) => return,
                _ = requests.changed() => {}
            }
        }
    }
}
