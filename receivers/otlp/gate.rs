//! Who is let in.

use std::sync::Arc;

use pipeline::component::BuildContext;
use pipeline::{Authenticator, BuildError, Code, Identity};
use transport::{Auth, Incoming, Request, Said};

use super::refusal::Refusal;

/// Lets in everybody, or whom an extension believes.
#[derive(Clone, Default)]
pub struct Gate(Option<(Auth, Arc<dyn Authenticator>)>);

impl Gate {
    /// As the settings want it.
    ///
    /// # Errors
    /// When there is no such extension, or it checks nobody.
    pub fn of(auth: Option<&Auth>, cx: &BuildContext) -> Result<Self, BuildError> {
        let gate = auth.map(|auth| Ok((auth.clone(), cx.authenticator(&auth.authenticator)?)));
        gate.transpose().map(Self)
    }

    /// Who sends the request.
    ///
    /// # Errors
    /// Whoever is not let in, with the reason.
    pub async fn pass(&self, request: &Request<Incoming>) -> Result<Identity, Refusal> {
        let Some((auth, authenticator)) = &self.0 else { return Ok(Identity::new()) };
        let said = Said::by(request, auth);
        let asked = authenticator.authenticate(&|name| said.get(name)).await;
        asked.map_err(|why| Refusal::new(Code::Unauthenticated, why))
    }
}
