//! How far the journal is, for those who wait: read without the store's lock.

use crate::format::codec::SnapshotEntry;
use crate::model::error::Error;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Instant;

/// Whether writes reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Health {
    Healthy = 0,
    /// An error happened. Memory has everything, and a snapshot to new files is being tried.
    Healing = 1,
    /// That failed several times. The tries go on.
    Degraded = 2,
    Closed = 3,
}

/// A snapshot that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotWritten {
    pub generation: u64,
    pub sessions: u64,
    pub bytes: u64,
    pub millis: u64,
}

impl SnapshotWritten {
    pub(crate) fn new(snapshot: &SnapshotEntry, started: Instant) -> Self {
        Self {
            generation: snapshot.generation,
            sessions: snapshot.foot.sessions,
            bytes: snapshot.len,
            millis: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// Something rare that happened to the files.
#[derive(Debug, Clone)]
pub enum News {
    /// A snapshot took the place of the log. The ticket is the newest of those who asked for one, or 0.
    Checkpoint {
        ticket: u64,
        written: SnapshotWritten,
    },
    CheckpointFailed {
        ticket: u64,
        error: Error,
    },
    /// Writes do not reach the disk any more.
    Degraded(Error),
    /// They do again, and so does all that memory has.
    Healed(SnapshotWritten),
    /// The store was closed; with an error if not all is on the disk.
    Closed(Option<Error>),
}

/// Up to which record things are done. Each only grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reached {
    /// The operating system has it.
    pub written: u64,
    /// The disk has it.
    pub synced: u64,
    /// Writes up to here that are not done fail.
    pub failed: u64,
    /// The same for the ends of sessions, which a full disk may still take.
    pub ends_synced: u64,
    pub ends_failed: u64,
    /// Checkpoints that were asked for and have ended.
    pub checkpoints: u64,
}

/// Shared by the journal's thread and those who wait.
#[derive(Debug, Default)]
pub struct JournalStatus {
    written: AtomicU64,
    synced: AtomicU64,
    failed: AtomicU64,
    ends_synced: AtomicU64,
    ends_failed: AtomicU64,
    checkpoints: AtomicU64,
    health: AtomicU8,
    error: Mutex<Option<Error>>,
}

impl JournalStatus {
    /// A status in which all up to `lsn` is on the disk.
    #[must_use]
    pub fn new(lsn: u64) -> Self {
        let status = Self::default();
        status.synced(lsn);
        status
    }

    #[must_use]
    pub fn reached(&self) -> Reached {
        Reached {
            written: self.written.load(Ordering::Acquire),
            synced: self.synced.load(Ordering::Acquire),
            failed: self.failed.load(Ordering::Acquire),
            ends_synced: self.ends_synced.load(Ordering::Acquire),
            ends_failed: self.ends_failed.load(Ordering::Acquire),
            checkpoints: self.checkpoints.load(Ordering::Acquire),
        }
    }

    #[must_use]
    pub fn health(&self) -> Health {
        match self.health.load(Ordering::Acquire) {
            0 => Health::Healthy,
            1 => Health::Healing,
            2 => Health::Degraded,
            _ => Health::Closed,
        }
    }

    /// The newest error of the disk.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        self.error.lock().clone()
    }

    pub(crate) fn written(&self, lsn: u64) {
        self.written.fetch_max(lsn, Ordering::AcqRel);
    }

    pub(crate) fn synced(&self, lsn: u64) {
        self.written(lsn);
        self.synced.fetch_max(lsn, Ordering::AcqRel);
        self.ends_synced(lsn);
    }

    pub(crate) fn ends_synced(&self, lsn: u64) {
        self.ends_synced.fetch_max(lsn, Ordering::AcqRel);
    }

    /// Fails the writes up to `lsn`, and with `ends` also the ends of sessions.
    pub(crate) fn failed(&self, lsn: u64, ends: bool, error: &Error) {
        let mut newest = self.error.lock();
        // What ended the store stays its last error.
        if !matches!(*newest, Some(Error::Poisoned)) {
            *newest = Some(error.clone());
        }
        drop(newest);
        self.failed.fetch_max(lsn, Ordering::AcqRel);
        if ends {
            self.ends_failed.fetch_max(lsn, Ordering::AcqRel);
        }
    }

    /// Fails all that is not done, for ever: the store panicked. False if that is known already.
    pub(crate) fn poisoned(&self) -> bool {
        let before = self.error.lock().replace(Error::Poisoned);
        self.failed(u64::MAX, true, &Error::Poisoned);
        !matches!(before, Some(Error::Poisoned))
    }

    pub(crate) fn checkpoints(&self, ticket: u64) {
        self.checkpoints.fetch_max(ticket, Ordering::AcqRel);
    }

    pub(crate) fn set_health(&self, health: Health) {
        self.health.store(health as u8, Ordering::Release);
    }
}
