//! An output behind a short queue: a terminal that is not read (or Ctrl-S) must not stop the pipeline.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use pipeline::Rejected;
use tokio::sync::{Mutex, mpsc, oneshot};

/// Texts that may wait; more are rejected, which the exporter's counts show.
const WAITING_AT_MOST: usize = 256;
/// How long the end waits for what is still queued.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The way to a thread that writes. The thread ends with the last text, or with the process when nobody reads.
#[derive(Debug)]
pub struct Terminal {
    name: Arc<str>,
    writing: Mutex<Option<Writing>>,
}

#[derive(Debug)]
struct Writing {
    texts: mpsc::Sender<String>,
    ended: oneshot::Receiver<()>,
}

impl Terminal {
    /// Starts the thread, which writes to `out`; messages call it `name`.
    pub fn start(name: &str, out: impl Write + Send + 'static) -> std::io::Result<Self> {
        let name: Arc<str> = name.into();
        let (texts, queue) = mpsc::channel(WAITING_AT_MOST);
        let (end, ended) = oneshot::channel();
        let shown = name.clone();
        let write = move || {
            write(queue, out, &shown);
            // Nobody waits for the end of a thread that outlived its exporter.
            let _ = end.send(());
        };
        std::thread::Builder::new().name("kpulse-terminal".into()).spawn(write)?;
        Ok(Self { name, writing: Mutex::new(Some(Writing { texts, ended })) })
    }

    /// Queues one text.
    pub async fn send(&self, text: String) -> Result<(), Rejected> {
        let writing = self.writing.lock().await;
        let Some(writing) = writing.as_ref() else {
            return Err(Rejected::closed(format!("{} is closed", self.name)));
        };
        writing.texts.try_send(text).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Rejected::permanent(format!("{} is not read", self.name)),
            mpsc::error::TrySendError::Closed(_) => Rejected::permanent(format!("{} is closed", self.name)),
        })
    }

    /// Waits, but not for long, until what is queued was written.
    pub async fn finish(&self) {
        if let Some(Writing { texts, ended }) = self.writing.lock().await.take() {
            drop(texts);
            let _ = tokio::time::timeout(LAST_WORDS, ended).await;
        }
    }
}

fn write(mut queue: mpsc::Receiver<String>, mut out: impl Write, name: &str) {
    while let Some(text) = queue.blocking_recv() {
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            tracing::warn!(output = name, %error, "cannot be written; debug shows nothing there from here on");
            return;
        }
    }
}
