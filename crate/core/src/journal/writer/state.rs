//! The state of the journal's writer, which `turn` and its parts in the sibling files change.

use super::checkpoint_run::Checkpoint;
use super::failures::Failures;
use crate::disk::{DirLock, Disk};
use crate::format::queue::Batch;
use crate::journal::catalog::Catalog;
use crate::journal::log::Log;
use crate::journal::options::JournalOptions;
use crate::lock::shared::Shared;
use crate::model::random::Random;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Outcome of [`Writer::turn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// There may be more to do.
    Again,
    /// There is nothing to do until the writer is woken or this time has passed.
    Idle(Option<Duration>),
    /// The store is closed, and everything is done.
    Ended,
}

/// The work of one turn, read under one hold of the lock.
pub struct Work {
    pub(super) batch: Batch,
    pub(super) now: u64,
    pub(super) closing: bool,
    /// The newest checkpoint that was requested.
    pub(super) ticket: u64,
    pub(super) poisoned: bool,
}

/// The writer of one store's journal. Runs turn by turn, on a thread of its own or in a test.
pub struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) random: Arc<dyn Random>,
    pub(super) options: JournalOptions,
    pub(super) catalog: Catalog,
    /// `None` while no file can be written to; see `heal.rs`.
    pub(super) log: Option<Log>,
    /// True if the log lacks records because the disk was full: only the ends of sessions are written until a new snapshot has
    /// everything.
    pub(super) ends_only: bool,
    /// Bytes of the log since the snapshot, without the open segment.
    pub(super) log_bytes: u64,
    pub(super) checkpoint: Option<Checkpoint>,
    /// Generation of the next snapshot. None is used twice, not even that of a failed attempt.
    pub(super) next_generation: u64,
    /// The newest requested checkpoint that has ended.
    pub(super) tickets_done: u64,
    pub(super) failures: Failures,
    pub(super) checkpoint_failures: Failures,
    /// True if the reserve file is missing: it was used, or the disk had no room for it.
    pub(super) lacks_reserve: bool,
    pub(super) reserve_failures: Failures,
    /// When the next sync is due.
    pub(super) sync_by: Option<Instant>,
    /// Chunks of the last batch, for reuse.
    pub(super) chunks: Vec<Vec<u8>>,
    /// The directory's lock, held as long as the files may be written to.
    pub(super) lock: Option<DirLock>,
}

/// The parts that a writer is made from.
pub struct Start {
    pub disk: Arc<dyn Disk>,
    pub random: Arc<dyn Random>,
    pub options: JournalOptions,
    pub catalog: Catalog,
    pub lock: Option<DirLock>,
}

impl Writer {
    /// A writer without a log: [`Writer::resume`] or [`Writer::rebase`] must give it one before its first turn.
    pub fn new(shared: Arc<Shared>, start: Start) -> Self {
        let manifest = start.catalog.manifest();
        let sealed = manifest.segments.iter().filter_map(|segment| segment.sealed);
        Self {
            shared,
            disk: start.disk,
            random: start.random,
            options: start.options,
            log: None,
            ends_only: false,
            log_bytes: sealed.map(|sealed| sealed.len).sum(),
            checkpoint: None,
            next_generation: manifest.generation + 1,
            tickets_done: 0,
            failures: Failures::default(),
            checkpoint_failures: Failures::default(),
            lacks_reserve: false,
            reserve_failures: Failures::default(),
            sync_by: None,
            chunks: Vec::new(),
            lock: start.lock,
            catalog: start.catalog,
        }
    }
}
