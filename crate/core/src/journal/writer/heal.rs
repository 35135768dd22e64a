//! Healing after an error of the disk: memory has everything, so it is written to new files as a snapshot. A file whose sync failed is
//! never written to or synced again: the system may have dropped its data, and a second sync would succeed without it.

use super::checkpoint_run::finish;
use super::failures::Failures;
use super::state::{Work, Writer};
use crate::format::codec::{SegmentEntry, SnapshotEntry};
use crate::format::queue::{Batch, Keep};
use crate::journal::catalog::salt;
use crate::journal::log::{AppendError, Log, reduce};
use crate::lock::status::{Health, News, SnapshotWritten};
use crate::model::error::Error;
use crate::model::lsn::Lsn;
use std::io;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Failed tries after which the store counts as degraded.
const TRIES: u32 = 3;

impl Writer {
    /// Handles a batch that could not be appended: on a full disk writes the ends of sessions alone, otherwise gives the log up.
    pub(super) fn append_failed(&mut self, failed: AppendError, work: &mut Work) {
        const WHAT: &str = "the sessions' log could not be written";
        if !failed.full {
            return self.lose_log(WHAT, failed.error);
        }
        // The file is as it was before. The ends of sessions are still written: the reserve has room for them.
        let error = Error::io(WHAT, failed.error);
        self.shared.status.failed(work.batch.last_lsn, false, &error);
        if !self.ends_only {
            self.ends_only = true;
            self.failures = Failures::default();
            self.failures.again(self.options.retry_pause);
            self.set_health(Health::Healing);
            self.shared.publish(&News::Degraded(error));
        }
        self.catalog.release_reserve();
        self.lacks_reserve = true;
        reduce(&mut work.batch);
        let Some(log) = &mut self.log else { return };
        if let Err(failed) = log.append(&mut work.batch, work.now) {
            return self.lose_log(WHAT, failed.error);
        }
        if let Err(error) = log.sync() {
            return self.lose_log("the sessions' log could not be synced", error);
        }
        self.shared.status.ends_synced(log.synced_lsn());
        self.sync_by = None;
        self.shared.signal();
    }

    /// Gives the log up: it is never appended to or synced again, and all waiting calls fail.
    pub(super) fn lose_log(&mut self, what: &str, error: io::Error) {
        let error = Error::io(what, error);
        self.log = None;
        self.sync_by = None;
        self.drop_entries();
        self.abandon_useless_checkpoint();
        let last = self.shared.lock().store.last_lsn();
        self.shared.status.failed(last, true, &error);
        if !self.ends_only {
            self.set_health(Health::Healing);
            self.shared.publish(&News::Degraded(error));
        }
        self.ends_only = false;
        self.failures = Failures::default();
        self.shared.signal();
    }

    fn set_health(&self, health: Health) {
        self.shared.status.set_health(health);
        self.shared.lock().refuses = health == Health::Degraded && self.options.refuse_when_degraded;
    }

    /// Tries to write everything to new files, if a try is due.
    pub(super) fn try_to_heal(&mut self) {
        if !self.failures.is_due() {
            return;
        }
        self.abandon_useless_checkpoint();
        let started = Instant::now();
        let was_full = self.lacks_reserve;
        let healed = self.rebase(false).and_then(|snapshot| {
            if was_full {
                self.reserve_or_stay_ends_only()?;
            }
            Ok(snapshot)
        });
        match healed {
            Ok(snapshot) => {
                self.failures = Failures::default();
                self.set_health(Health::Healthy);
                self.shared
                    .publish(&News::Healed(SnapshotWritten::new(&snapshot, started)));
            }
            Err(error) => {
                self.failures.again(self.options.retry_pause);
                if self.failures.count >= TRIES {
                    let error = Error::io("the sessions could not be written to new files", error);
                    let last = self.shared.lock().store.last_lsn();
                    self.shared.status.failed(last, self.log.is_none(), &error);
                    if self.shared.status.health() != Health::Degraded {
                        self.set_health(Health::Degraded);
                    }
                    self.shared.signal();
                }
            }
        }
    }

    /// Creates the reserve file, or stays in the mode that writes only the ends of sessions. A disk without room for it is still full,
    /// although it took a snapshot: the next writes would use the last of it, and then no logout could be written.
    fn reserve_or_stay_ends_only(&mut self) -> io::Result<()> {
        let reserved = self.catalog.reserve();
        self.lacks_reserve = reserved.is_err();
        self.ends_only = self.lacks_reserve;
        reserved
    }

    /// Writes everything to new files: a snapshot of all that memory has and an empty segment after it; with `last`, for a close,
    /// without the segment. All changes up to here are then synced.
    ///
    /// # Errors
    /// Disk errors. The old files still count, and a log that was usable stays in use; but if another manifest may count, the log is
    /// given up.
    pub(crate) fn rebase(&mut self, last: bool) -> io::Result<SnapshotEntry> {
        let old = self.log.take();
        let mut guard = self.shared.lock();
        let (lsn, mut held) = match guard.store.log_mut() {
            // The snapshot will have the queued records; if it fails, they go to the old log.
            Some(log) if old.is_some() => (log.last_lsn(), log.take(Vec::new())),
            Some(log) => {
                let (lsn, chunks) = log.restart(Keep::All);
                (
                    lsn,
                    Batch {
                        chunks,
                        ..Batch::default()
                    },
                )
            }
            None => (Lsn::default(), Batch::default()),
        };
        drop(guard);
        let rebased = self
            .write_all_anew(lsn, last)
            .inspect_err(|_| self.catalog.tidy());
        match &rebased {
            Ok(_) => self.ends_only = false,
            Err(error) if old.is_some() && self.catalog.is_in_doubt() => {
                self.lose_log_in_doubt("the sessions' manifest could not be replaced", error);
            }
            Err(_) if old.is_some() => {
                self.log = old;
                self.put_back(&mut held);
            }
            Err(_) => self.drop_entries(),
        }
        rebased
    }

    /// Writes the records that were taken for a snapshot that failed to the old log.
    fn put_back(&mut self, held: &mut Batch) {
        if held.is_empty() {
            return;
        }
        if self.ends_only {
            reduce(held);
        }
        let now = self.shared.clock.now();
        let Some(log) = &mut self.log else { return };
        if let Err(failed) = log.append(held, now) {
            return self.lose_log("the sessions' log could not be written", failed.error);
        }
        if let Some(log) = self.shared.lock().store.log_mut() {
            // A call may still wait for these records to be synced.
            log.want_sync();
        }
    }

    /// Writes a snapshot and a segment of a new generation, and replaces the manifest.
    fn write_all_anew(&mut self, lsn: Lsn, last: bool) -> io::Result<SnapshotEntry> {
        let snapshot = self.create_snapshot(lsn)?;
        let never = AtomicBool::new(false);
        let snapshot = finish(snapshot, &self.shared, &*self.disk, &never, Duration::ZERO)?;
        let entry = SegmentEntry {
            generation: snapshot.generation,
            number: 1,
            salt: salt(&*self.random)?,
            start_lsn: lsn.next(),
            sealed: None,
        };
        let log = if last {
            None
        } else {
            Some(Log::create(&*self.disk, entry, 0)?)
        };
        let now = self.shared.clock.now();
        self.catalog.update(|manifest| {
            manifest.generation = snapshot.generation;
            manifest.snapshot = Some(snapshot);
            manifest.segments = if last { Vec::new() } else { vec![entry] };
            manifest.now = now;
            manifest.last_lsn = lsn;
            manifest.clean = last;
        })?;
        self.log = log;
        self.log_bytes = 0;
        self.shared.status.synced(lsn);
        self.lacks_reserve = true;
        self.reserve_failures = Failures::default();
        self.see_to_reserve();
        Ok(snapshot)
    }

    /// Creates the reserve file again if a try is due. A failure is not an error: it is tried again later.
    pub(super) fn see_to_reserve(&mut self) {
        if !self.lacks_reserve || self.ends_only || self.log.is_none() || !self.reserve_failures.is_due() {
            return;
        }
        match self.catalog.reserve() {
            Ok(()) => self.lacks_reserve = false,
            Err(_) => self.reserve_failures.again(self.options.retry_pause),
        }
    }
}
