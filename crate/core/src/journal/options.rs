//! Options of the journal.

use crate::model::durability::Durability;
use std::time::Duration;

/// What an opening does about damaged files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCorruption {
    /// Fail, with the place of the damage.
    Error,
    /// Start empty; the damaged files are kept.
    Fresh,
    /// Load what can be read; the damaged files are kept. May bring back sessions that were ended.
    Salvage,
}

/// Options of one store's journal.
#[derive(Debug, Clone, Copy)]
pub struct JournalOptions {
    pub durability: Durability,
    pub on_corruption: OnCorruption,
    /// Whether writes are refused while the disk keeps failing.
    pub refuse_when_degraded: bool,
    /// A checkpoint is made when the log is longer than this and than a third of the snapshot.
    pub checkpoint_bytes: u64,
    /// Whether checkpoints run on a thread of their own. Otherwise the writer does a slice each turn, for tests without threads.
    pub checkpoint_thread: bool,
    /// Pause after a failure of the disk, doubled after each further one, at most five seconds.
    pub retry_pause: Duration,
    /// Called on the journal's thread once the sessions of a closed store were dropped: returns freed memory to the operating system, where
    /// the allocator does not do so by itself. Default: does nothing.
    pub trim_heap: fn(),
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
            trim_heap: || (),
        }
    }
}
