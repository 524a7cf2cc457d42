//! The HTTP server of extensions that show something.

use std::sync::Arc;

use pipeline::component::BuildContext;
use pipeline::{Authenticator, BuildError, StartError, Tasks, lets_in};
use transport::{Handler, HttpServerSettings, Said, gated};

/// A server that nobody has opened yet, and who lets people in.
#[derive(Clone)]
pub struct PageServer {
    settings: HttpServerSettings,
    gate: Option<Arc<dyn Authenticator>>,
}

impl PageServer {
    /// A server of an extension.
    ///
    /// # Errors
    /// An authenticator that is not there.
    pub fn of(cx: &BuildContext, settings: &HttpServerSettings) -> Result<Self, BuildError> {
        let auth = settings.auth.get();
        let gate = auth.map(|auth| cx.authenticator(&auth.authenticator)).transpose()?;
        Ok(Self { settings: settings.clone(), gate })
    }

    /// Opens the port and answers by `handler` from now on, in a task with the extension's name.
    ///
    /// # Errors
    /// When the port cannot be had, or a certificate not be read.
    pub async fn start(&self, id: &str, mut handler: Arc<Handler>, tasks: &mut Tasks) -> Result<(), StartError> {
        let server = self.settings.open().await.map_err(|error| StartError(error.to_string()))?;
        if let Some(gate) = self.gate.clone() {
            let asked = move |said: Said| lets_in(gate.clone(), move |name| said.get(name));
            handler = gated(handler, &self.settings, Arc::new(move |said| Box::pin(asked(said))));
        }
        let mut stop = tasks.stop();
        tasks.spawn(format!("{id} on {}", self.settings.listen.endpoint), async move {
            server.serve(handler, stop.requested()).await;
        });
        Ok(())
    }
}
