//! One parsed set of kernel types for all receivers of a start.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use ebpf::{Kernel, Unavailable};

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

    /// Opens probes on it.
    ///
    /// # Errors
    /// When the kernel does not describe its types.
    pub fn open<T>(&self, open: impl FnOnce(&mut Kernel) -> T) -> Result<T, Unavailable> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kernel = match slot.as_mut() {
            Some(kernel) => kernel,
            None => slot.insert(Kernel::open()?),
        };
        Ok(open(kernel))
    }
}
