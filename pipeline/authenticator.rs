//! Who a client of a server is, by an extension that can tell.

use std::sync::Arc;

use async_trait::async_trait;

/// What a client says of itself: the value of a header, or of a request parameter that counts as one, by its name in any
/// case.
pub type Said<'a> = dyn Fn(&str) -> Option<String> + Send + Sync + 'a;

/// Who a client is: attributes by name, for instance `username`.
pub type Identity = Vec<(String, String)>;

/// Checks clients.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Who the client is.
    ///
    /// # Errors
    /// Why it is not let in, in words for the client.
    async fn authenticate(&self, said: &Said<'_>) -> Result<Identity, String>;
}

/// Whether a client that says this is let in, where nobody wants to know more.
///
/// # Errors
/// Why not.
pub async fn lets_in(
    authenticator: Arc<dyn Authenticator>,
    said: impl Fn(&str) -> Option<String> + Send + Sync,
) -> Result<(), String> {
    authenticator.authenticate(&said).await.map(drop)
}
