//! The journal's progress and health, read without the store's lock.

use crate::format::codec::SnapshotEntry;
use crate::model::error::Error;
use crate::model::lsn::{AtomicLsn, Lsn};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Instant;

/// Whether writes reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Health {
    Healthy = 0,
    /// The disk failed. Memory has everything, and the journal tries to write a snapshot to new files.
    Healing = 1,
    /// That failed several times. The journal goes on trying.
    Degraded = 2,
    Closed = 3,
}

/// A finished snapshot, as handles are notified of it.
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

/// A rare change in the journal that every handle is notified of.
#[derive(Debug, Clone)]
pub enum News {
    /// A snapshot replaced the log. The ticket is that of the newest request it serves, or 0.
    Checkpoint {
        ticket: u64,
        written: SnapshotWritten,
    },
    CheckpointFailed {
        ticket: u64,
        error: Error,
    },
    /// Writes no longer reach the disk.
    Degraded(Error),
    /// Writes reach the disk again, and it has everything that memory has.
    Healed(SnapshotWritten),
    /// The store was closed; with an error if the disk does not have everything.
    Closed(Option<Error>),
}

/// The newest LSN that has reached each stage. Each value only grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reached {
    /// The operating system has all records up to here.
    pub written: Lsn,
    /// The disk has all records up to here.
    pub synced: Lsn,
    /// Writes up to here that have not reached the stage they wait for have failed.
    pub failed: Lsn,
    /// The same as `synced` and `failed` for the ends of sessions, which a full disk may still take.
    pub ends_synced: Lsn,
    pub ends_failed: Lsn,
    /// The newest ticket of a checkpoint that has ended, successfully or not.
    pub checkpoints: u64,
}

/// The journal's progress and health, set by its thread and read by callers that wait.
#[derive(Debug, Default)]
pub struct JournalStatus {
    written: AtomicLsn,
    synced: AtomicLsn,
    failed: AtomicLsn,
    ends_synced: AtomicLsn,
    ends_failed: AtomicLsn,
    checkpoints: AtomicU64,
    health: AtomicU8,
    error: Mutex<Option<Error>>,
}

impl JournalStatus {
    /// The status when the disk has all records up to `lsn`.
    #[must_use]
    pub fn new(lsn: Lsn) -> Self {
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

    pub(crate) fn written(&self, lsn: Lsn) {
        self.written.fetch_max(lsn, Ordering::AcqRel);
    }

    pub(crate) fn synced(&self, lsn: Lsn) {
        self.written(lsn);
        self.synced.fetch_max(lsn, Ordering::AcqRel);
        self.ends_synced(lsn);
    }

    pub(crate) fn ends_synced(&self, lsn: Lsn) {
        self.ends_synced.fetch_max(lsn, Ordering::AcqRel);
    }

    /// Fails the writes up to `lsn`, and with `ends` also the ends of sessions.
    pub(crate) fn failed(&self, lsn: Lsn, ends: bool, error: &Error) {
        let mut newest = self.error.lock();
        // A poisoned store keeps that error.
        if !matches!(*newest, Some(Error::Poisoned)) {
            *newest = Some(error.clone());
        }
        drop(newest);
        self.failed.fetch_max(lsn, Ordering::AcqRel);
        if ends {
            self.ends_failed.fetch_max(lsn, Ordering::AcqRel);
        }
    }

    /// Fails everything that is not done, now and later, because the store panicked. Returns false if it was poisoned already.
    pub(crate) fn poisoned(&self) -> bool {
        let before = self.error.lock().replace(Error::Poisoned);
        self.failed(Lsn::MAX, true, &Error::Poisoned);
        !matches!(before, Some(Error::Poisoned))
    }

    pub(crate) fn checkpoints(&self, ticket: u64) {
        self.checkpoints.fetch_max(ticket, Ordering::AcqRel);
    }

    pub(crate) fn set_health(&self, health: Health) {
        self.health.store(health as u8, Ordering::Release);
    }
}
