//! What components keep over a restart, and the contract of extensions that keep it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use config::ComponentId;

use crate::Pending;

/// Gives each component a place of its own.
#[async_trait]
pub trait Storages: Send + Sync {
    /// Opens the place of `owner`, with what it kept before. Nobody else may have it open.
    ///
    /// # Errors
    /// What could not be opened or read, and where.
    async fn open(&self, owner: Namespace<'_>) -> Result<Arc<dyn Storage>, StorageError>;
}

/// Whose place it is. Two that differ in any part share nothing.
#[derive(Clone, Copy, Debug)]
pub struct Namespace<'a> {
    /// The kind of the component: `exporter`, `receiver` ...
    pub kind: &'static str,
    /// Its id as written.
    pub id: &'a ComponentId,
    /// Which of its places, if it has several; queues have one per signal.
    pub name: &'a str,
}

/// Keys and values of one component. The last handle that is dropped closes it.
pub trait Storage: Send + Sync {
    /// Every key, in the order of their bytes.
    fn keys(&self) -> Pending<'static, Result<Vec<Vec<u8>>, StorageError>>;

    /// The value of a key, read from where it is kept.
    fn get(&self, key: &[u8]) -> Pending<'static, Result<Option<Bytes>, StorageError>>;

    /// Makes all changes or none, whatever crashes. `Ok` means that they survive the death of this process, and of the
    /// machine too where the extension is set so. They are begun in the order of the calls; to drop the answer is not to
    /// undo them, and an empty batch is answered when all before it were.
    fn batch(&self, changes: Vec<Change>) -> Pending<'static, Result<(), StorageError>>;

    /// Keeps one value.
    fn put(&self, key: Vec<u8>, value: Bytes) -> Pending<'static, Result<(), StorageError>> {
        self.batch(vec![Change::Put { key, value }])
    }

    /// Forgets one key.
    fn delete(&self, key: Vec<u8>) -> Pending<'static, Result<(), StorageError>> {
        self.batch(vec![Change::Delete { key }])
    }
}

/// One change of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Keeps a value, instead of the former one.
    Put {
        /// Under which key.
        key: Vec<u8>,
        /// What.
        value: Bytes,
    },
    /// Forgets a value, if there is one.
    Delete {
        /// Of which key.
        key: Vec<u8>,
    },
}

/// Why something could not be kept or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// Goes on when there is room again.
    #[error("no space left in {place}")]
    Full {
        /// Which folder.
        place: String,
    },
    /// The bytes are not those that were written.
    #[error("what is stored in {place} is damaged")]
    Damaged {
        /// Which file.
        place: String,
    },
    /// Another program, or another part of this one, has it open.
    #[error("{place} is in use: each process needs a directory of its own")]
    InUse {
        /// Which folder.
        place: String,
    },
    /// The system said no.
    #[error("{place}: {message}")]
    Failed {
        /// Which file or folder.
        place: String,
        /// In the system's words.
        message: String,
    },
    /// It is closed.
    #[error("the storage is closed")]
    Closed,
}

impl StorageError {
    /// One word for a metric's label.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Full { .. } => "full",
            Self::Damaged { .. } => "damaged",
            Self::InUse { .. } => "in_use",
            Self::Failed { .. } => "failed",
            Self::Closed => "closed",
        }
    }
}
