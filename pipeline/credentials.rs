//! What a client says of itself with each request, from an extension that knows it.

/// Says who a client is.
pub trait Credentials: Send + Sync {
    /// The header that goes with the next request: its name and value.
    ///
    /// # Errors
    /// Why there is none now, for instance a file that cannot be read.
    fn header(&self) -> Result<(String, String), String>;
}
