//! What the journal can be told.

use crate::model::durability::Durability;
use std::time::Duration;

/// What to do about damaged files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCorruption {
    Error,
    /// Start empty; the files are kept.
    Fresh,
    /// Take what can be read; the files are kept. May bring back what was ended.
    Salvage,
}

#[derive(Debug, Clone, Copy)]
pub struct JournalOptions {
    pub durability: Durability,
    pub on_corruption: OnCorruption,
    /// Whether writes are refused while the disk keeps failing.
    pub refuse_when_degraded: bool,
    /// A checkpoint is made when the log is longer than this and than a third of the snapshot.
    pub checkpoint_bytes: u64,
    /// Checkpoints run on a thread of their own; else slice by slice between two batches, which is for tests that run no thread.
    pub checkpoint_thread: bool,
    /// What is waited for after a failure of the disk; twice as long after each further one, five seconds at most.
    pub retry_pause: Duration,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Os,
            on_corruption: OnCorruption::Error,
            refuse_when_degraded: true,
            checkpoint_bytes: 16 << 20,
            checkpoint_thread: true,
            retry_pause: Duration::from_millis(200),
        }
    }
}
