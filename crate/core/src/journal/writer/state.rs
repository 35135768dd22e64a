//! The state of the journal's writer: `turn` and its parts, in the files beside this one, change it.

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

/// What a turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// There may be more to do.
    Again,
    /// Nothing to do before somebody asks, or this time is over.
    Idle(Option<Duration>),
    /// The store is closed, and everything is done.
    Ended,
}

/// What a turn finds to do, read under one hold of the lock.
pub struct Work {
    pub(super) batch: Batch,
    pub(super) now: u64,
    pub(super) closing: bool,
    /// The newest checkpoint that was asked for.
    pub(super) ticket: u64,
    pub(super) poisoned: bool,
}

/// The journal of one store. Runs turn by turn, on a thread of its own or under a test.
pub struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) random: Arc<dyn Random>,
    pub(super) options: JournalOptions,
    pub(super) catalog: Catalog,
    /// `None` while no file can be written to: see [`heal`].
    pub(super) log: Option<Log>,
    /// Something was written that the log does not have, as there was no room: only the ends of sessions are written until all
    /// that memory has is in a new snapshot.
    pub(super) behind: bool,
    /// Bytes of the log since the snapshot, but for the open segment.
    pub(super) log_bytes: u64,
    pub(super) checkpoint: Option<Checkpoint>,
    /// Numbers of snapshots are not used twice, not even of those that came to nothing.
    pub(super) next_generation: u64,
    /// The checkpoint that was last asked for and done.
    pub(super) tickets_done: u64,
    pub(super) failures: Failures,
    pub(super) checkpoint_failures: Failures,
    /// There is no room set aside for the ends of sessions, since they needed it or the disk has none.
    pub(super) lacks_reserve: bool,
    pub(super) reserve_failures: Failures,
    pub(super) sync_by: Option<Instant>,
    pub(super) chunks: Vec<Vec<u8>>,
    /// Held as long as the files are written to.
    pub(super) lock: Option<DirLock>,
}

/// What a writer starts from.
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
            behind: false,
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
