//! Shows where kpulse itself spends its CPU time, for `go tool pprof`.
//!
//! ```yaml
//! pprof:
//!   endpoint: localhost:1777
//! ```
//!
//! `go tool pprof http://localhost:1777/debug/pprof/profile?seconds=10` samples this process for so long (30 s if nothing
//! is said) by kpulse's own eBPF profiler, which needs the same rights as the receivers. Callers are followed by frame
//! pointers; a program built without them (`RUSTFLAGS="-C force-frame-pointers=yes"`) shows the functions that ran and few
//! of their callers. `/debug/pprof/heap` has what is allocated now and who asked for it: while this extension runs, the
//! allocator keeps the stack of one block in half a mebibyte, as Go's does; what was there before it, or is too little to be
//! met, is one sample of its own. That costs 7 ns for a block that is allocated and released, and nothing that can be
//! measured where there is no such extension. `cmdline` is there as well; goroutines, locks and execution traces are Go's. With
//! `save_to_file` the CPU is sampled from the start to the stop, and written then.
//!
//! Everybody who reaches the endpoint can ask, so let it listen on this machine alone.

mod answers;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use config::{Decode, Decoder, Rules};
use pipeline::component::{BuildContext, Factory, Stability, decode};
use pipeline::extension::{Extension, ExtensionConfig, ExtensionFactory};
use pipeline::{BuildError, Health, SelfProfiler, StartError, Stop, Tasks};
use tokio::sync::watch;
use transport::{DialerSettings, pages};

use answers::Answers;

config::settings! {
    /// Shows where kpulse itself spends its CPU time.
    pub struct Config {
        /// The address it listens on, `host:port`.
        pub endpoint: String = "localhost:1777".into(),
        /// Taken from the Collector's files without effect: a server does not dial.
        pub dialer: DialerSettings = DialerSettings::default(),
        /// Taken from the Collector's files without effect: it is about Go's runtime.
        pub block_profile_fraction: i64 = 0,
        /// Taken from the Collector's files without effect: it is about Go's runtime.
        pub mutex_profile_fraction: i64 = 0,
        /// A file for a CPU profile of the whole run, written at the stop; none when empty.
        pub save_to_file: String = String::new(),
    }
}

impl Rules for Config {
    fn rules(&self, decoder: &mut Decoder) {
        if self.endpoint.is_empty() {
            decoder.at("endpoint", |d| d.error("must be host:port, e.g. localhost:1777"));
        }
    }
}

/// Its row in the extensions' table.
pub static FACTORY: ExtensionFactory = Factory {
    name: "pprof",
    alias: None,
    signals: &[],
    stability: Stability::Alpha,
    sample: "endpoint: localhost:1777\n",
    fields: <Config as Decode>::FIELDS,
    decode: |node, decoder| Box::new(decode::<Config>(node, decoder)),
};

impl ExtensionConfig for Config {
    fn build(&self, cx: BuildContext) -> Result<Arc<dyn Extension>, BuildError> {
        let Some(profiler) = cx.telemetry.profiler().cloned() else {
            return Err(BuildError::of(&cx, "this program makes no profiles of itself"));
        };
        Ok(Arc::new(Pprof { id: cx.id.to_string(), config: self.clone(), profiler }))
    }
}

struct Pprof {
    id: String,
    config: Config,
    profiler: Arc<dyn SelfProfiler>,
}

#[async_trait]
impl Extension for Pprof {
    async fn start(&self, _: watch::Receiver<Health>, tasks: &mut Tasks) -> Result<(), StartError> {
        let endpoint = &self.config.endpoint;
        let listener = pages::listen(endpoint).await.map_err(|error| StartError(error.to_string()))?;
        let answers = Answers::new(self.profiler.clone(), tasks.stop());
        let (mut stop, watch) = (tasks.stop(), self.profiler.watch_heap());
        tasks.spawn(format!("{} on {endpoint}", self.id), async move {
            let _until_the_stop = watch;
            let page = move |request| answers.clone().to(request);
            if let Err(error) = pages::serve(listener, page, stop.requested()).await {
                tracing::error!(%error, "nobody can ask for profiles any more");
            }
        });
        if !self.config.save_to_file.is_empty() {
            self.save(tasks)?;
        }
        Ok(())
    }
}

impl Pprof {
    fn save(&self, tasks: &mut Tasks) -> Result<(), StartError> {
        let (path, profiler, stop) = (self.config.save_to_file.clone(), self.profiler.clone(), tasks.stop());
        // Found out now that it cannot be written, and not at the end.
        std::fs::File::create(&path).map_err(|error| StartError(format!("cannot write {path}: {error}")))?;
        tasks.spawn(format!("{} into {path}", self.id), async move {
            let mut end = stop.clone();
            match profiler.cpu(until(stop)).await {
                Ok(profile) => {
                    if let Err(error) = std::fs::write(&path, profile) {
                        tracing::error!(path, %error, "cannot write the CPU profile");
                    }
                }
                Err(error) => {
                    tracing::warn!(path, error, "there will be no CPU profile of this run");
                    end.requested().await;
                }
            }
        });
        Ok(())
    }
}

fn until(mut stop: Stop) -> pipeline::Pending<'static, ()> {
    Box::pin(async move { stop.requested().await })
}
