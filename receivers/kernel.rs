//! One parsed set of kernel types for all receivers of a start.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use ebpf::{Kernel, OpenError, Unavailable};
use pipeline::StartError;

/// Receivers that were built and not yet started share this; it goes when the last one has started.
static SHARED: Mutex<Weak<Mutex<Option<Kernel>>>> = Mutex::new(Weak::new());

/// A share of the kernel's types. They are read at the first use and freed when the last share is dropped.
pub struct SharedKernel(Arc<Mutex<Option<Kernel>>>);

impl SharedKernel {
    /// The share of one receiver.
    pub fn share() -> Self {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        let kernel = shared.upgrade().unwrap_or_default();
        *shared = Arc::downgrade(&kernel);
        Self(kernel)
    }

    /// Opens one probe on it. `None` when this kernel cannot give that one feature: it is logged under `receiver` and
    /// `probe`, and the others go on.
    ///
    /// # Errors
    /// What is the same for every probe: no types of the kernel, no right to load programs.
    pub fn open<T>(
        &self,
        receiver: &str,
        probe: &str,
        open: impl FnOnce(&mut Kernel) -> Result<T, OpenError>,
    ) -> Result<Option<T>, StartError> {
        match self.with_kernel(open).map_err(|e| StartError(e.to_string()))? {
            Ok(opened) => Ok(Some(opened)),
            Err(error @ OpenError::NotAllowed) => Err(StartError(error.to_string())),
            Err(error) => {
                tracing::error!(receiver, probe, %error, "not available on this kernel");
                Ok(None)
            }
        }
    }

    fn with_kernel<T>(&self, open: impl FnOnce(&mut Kernel) -> T) -> Result<T, Unavailable> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kernel = match slot.as_mut() {
            Some(kernel) => kernel,
            None => slot.insert(Kernel::open()?),
        };
        Ok(open(kernel))
    }
}
