//! What a client says of itself with each request, from an extension that knows it.

use async_trait::async_trait;

use crate::Origin;

/// Something done to the headers of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderStep {
    /// The header has this value, whatever it had.
    Set(String, String),
    /// The header has this value if it has none.
    Add(String, String),
    /// The header has this value if it has another.
    Change(String, String),
    /// There is no such header.
    Remove(String),
}

/// Says who a client is.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// What is done to the headers of the next request, which carries what came from `origin`.
    ///
    /// # Errors
    /// Why there is nothing to say now, for instance a file that cannot be read.
    async fn headers(&self, origin: &Origin) -> Result<Vec<HeaderStep>, String>;
}
