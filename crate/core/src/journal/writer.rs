//! The journal's writer: takes queued records, writes them in groups, and manages the files.

mod checkpoint;
mod checkpoint_run;
mod failures;
mod heal;
mod state;
mod thread;

pub use state::{Start, Turn, Writer};
pub use thread::run;

use crate::format::codec::SegmentEntry;
use crate::format::queue::{Keep, Queue, SPARE_CHUNKS};
use crate::journal::catalog::salt;
use crate::journal::log::{Log, reduce};
use crate::lock::status::{Health, News};
use crate::model::durability::Durability;
use crate::model::error::Error;
use crate::model::lsn::Lsn;
use crate::planted::{Fault, PanicAt, panic_once_at, planted};
use checkpoint_run::Checkpoint;
use state::Work;
use std::io;
use std::time::{Duration, Instant};

/// Longest time from a write to its sync.
const SYNC_WITHIN: Duration = Duration::from_millis(900);

impl Writer {
    /// Continues after a recovery, in a new segment after `last`, the newest record that was read.
    ///
    /// # Errors
    /// Disk errors.
    pub fn resume(&mut self, last: Lsn) -> io::Result<()> {
        self.catalog.reserve()?;
        let mut log = self.next_segment(last)?;
        // What the opening evicted is synced now. A caller that ends such a session later finds none and returns without waiting for a
        // sync, so its end must be on the disk already.
        let mut evicted = self.shared.lock().store.log_mut().map(|log| log.take(Vec::new()));
        if let Some(batch) = evicted.as_mut().filter(|batch| !batch.is_empty()) {
            log.append(batch, self.shared.clock.now())
                .map_err(|failed| failed.error)?;
            log.sync()?;
            self.shared.status.synced(log.synced_lsn());
        }
        self.log = Some(log);
        Ok(())
    }

    /// Writes into the lock file which process has the directory. The lock holds without that, so a failure is ignored.
    pub fn sign_lock(&mut self, text: &str) {
        if let Some(lock) = &mut self.lock {
            let _ = lock.sign(text);
        }
    }

    /// Creates the segment after the record `last` and adds it to the manifest, where the one before is sealed at its current end.
    fn next_segment(&mut self, last: Lsn) -> io::Result<Log> {
        let manifest = self.catalog.manifest();
        let before = self
            .log
            .as_ref()
            .map(Log::sealed)
            .or(manifest.segments.last().copied());
        let entry = SegmentEntry {
            generation: manifest.generation,
            number: before.map_or(1, |before| before.number + 1),
            salt: salt(&*self.random)?,
            start_lsn: last.next(),
            sealed: None,
        };
        let chain = before
            .and_then(|before| before.sealed)
            .map_or(0, |sealed| sealed.chain);
        let log = Log::create(&*self.disk, entry, chain)?;
        let now = self.shared.clock.now();
        self.catalog.update(|manifest| {
            if let (Some(open), Some(before)) = (manifest.segments.last_mut(), before) {
                *open = before;
            }
            manifest.segments.push(entry);
            manifest.now = manifest.now.max(now);
            manifest.last_lsn = last;
            manifest.clean = false;
        })?;
        Ok(log)
    }

    /// Makes every deadline that the writer waits for due now.
    #[cfg(any(test, feature = "testing"))]
    pub fn pass_time(&mut self) {
        self.sync_by = self.sync_by.map(|_| Instant::now());
        self.failures.pass_time();
        self.checkpoint_failures.pass_time();
    }

    /// Does the work that is due, without waiting for more.
    pub fn turn(&mut self) -> Turn {
        self.let_checkpoint_catch_up();
        // Asked before the batch is taken: whatever a complete snapshot saw is then written before the snapshot counts.
        let is_ready = self.checkpoint.as_ref().is_some_and(Checkpoint::wants_turns);
        let mut work = self.take_work();
        if work.poisoned {
            return self.give_up();
        }
        if self.log.is_none() {
            self.try_to_heal();
        } else {
            self.write(&mut work);
        }
        self.chunks = std::mem::take(&mut work.batch.chunks);
        self.chunks.truncate(SPARE_CHUNKS);
        self.see_to_checkpoint(&work, is_ready);
        if self.ends_only && self.log.is_some() {
            self.try_to_heal();
        }
        self.see_to_reserve();
        if work.closing && self.is_quiet() {
            return self.close();
        }
        self.rest()
    }

    fn take_work(&mut self) -> Work {
        let chunks = std::mem::take(&mut self.chunks);
        let mut guard = self.shared.lock();
        let now = self.shared.clock.now();
        let (poisoned, closing, ticket) = (guard.poisoned, guard.closed, guard.checkpoint_tickets);
        let can_write = self.log.is_some() && !poisoned;
        let batch = guard
            .store
            .log_mut()
            .filter(|_| can_write)
            .map(|log| log.take(chunks))
            .unwrap_or_default();
        drop(guard);
        Work {
            batch,
            now,
            closing,
            ticket,
            poisoned,
        }
    }

    /// Writes a batch, and syncs if a caller waits for that, a sync is due or the store closes.
    fn write(&mut self, work: &mut Work) {
        let Some(log) = &mut self.log else { return };
        let status = &self.shared.status;
        let last = work.batch.last_lsn;
        if planted(Fault::AcknowledgeBeforeWrite) {
            status.synced(last);
            self.shared.signal();
        }
        if !log.is_dirty() {
            // A checkpoint or a new log has synced it.
            self.sync_by = None;
        }
        let mut news = false;
        if !work.batch.is_empty() {
            if self.ends_only {
                reduce(&mut work.batch);
            }
            panic_once_at(PanicAt::Write, |uid| self.shared.has_user(uid));
            if let Err(failed) = log.append(&mut work.batch, work.now) {
                return self.append_failed(failed, work);
            }
            panic_once_at(PanicAt::Written, |uid| self.shared.has_user(uid));
            if planted(Fault::DestroyNotSynced) {
                status.ends_synced(last);
            }
            if !self.ends_only {
                status.written(last);
                news = self.options.durability == Durability::Os;
            }
            self.sync_by.get_or_insert_with(|| Instant::now() + SYNC_WITHIN);
        }
        let is_due = self.sync_by.is_some_and(|by| by <= Instant::now());
        if log.is_dirty() && (work.batch.sync || work.closing || is_due) {
            if let Err(error) = log.sync() {
                return self.lose_log("the sessions' log could not be synced", error);
            }
            panic_once_at(PanicAt::Synced, |uid| self.shared.has_user(uid));
            self.sync_by = None;
            if self.ends_only {
                status.ends_synced(log.synced_lsn());
            } else {
                status.synced(log.synced_lsn());
            }
            news = true;
        }
        if news || work.batch.sync {
            self.shared.signal();
        }
    }

    /// Whether nothing is queued and no checkpoint is running.
    fn is_quiet(&self) -> bool {
        let pending = self.shared.lock().store.log().is_some_and(Queue::has_work);
        !pending && self.checkpoint.is_none()
    }

    /// Whether there is something to do now, and if not, how long to sleep.
    fn rest(&self) -> Turn {
        let mut guard = self.shared.lock();
        if let Some(log) = guard.store.log_mut() {
            log.done();
        }
        let asked = guard.checkpoint_tickets > self.tickets_done && self.checkpoint.is_none();
        let pending = guard.store.log().is_some_and(Queue::has_work) && self.log.is_some();
        drop(guard);
        let steps = self.checkpoint.as_ref().is_some_and(Checkpoint::wants_turns);
        let is_ill = self.log.is_none() || self.ends_only;
        let heals_now = is_ill && self.failures.next_try().is_none();
        if pending || asked && !is_ill || steps || heals_now {
            return Turn::Again;
        }
        let heals = is_ill.then(|| self.failures.next_try()).flatten();
        // Only deadlines that the next turn acts on: any other would make it run again and again.
        let retries = (!is_ill && self.checkpoint.is_none() && self.log_is_long(1))
            .then(|| self.checkpoint_failures.next_try())
            .flatten();
        let reserve = (self.lacks_reserve && !is_ill)
            .then(|| self.reserve_failures.next_try())
            .flatten();
        let next = [self.sync_by, heals, retries, reserve]
            .into_iter()
            .flatten()
            .min();
        Turn::Idle(next.map(|at| at.saturating_duration_since(Instant::now())))
    }

    /// Ends after a panic and leaves the files as they are, because the store's memory cannot be trusted.
    fn give_up(&mut self) -> Turn {
        // The thread that panicked may not have done this yet.
        self.shared.panicked();
        self.abandon_checkpoint(&Error::Poisoned);
        self.log = None;
        self.lock = None;
        self.shared.status.set_health(Health::Closed);
        self.shared.publish(&News::Closed(Some(Error::Poisoned)));
        Turn::Ended
    }

    /// Closes the files: writes everything, with a snapshot if the log is long enough for one.
    fn close(&mut self) -> Turn {
        panic_once_at(PanicAt::Close, |uid| self.shared.has_user(uid));
        let closed = self.seal();
        let status = &self.shared.status;
        let error = closed.err().map(|error| {
            let error = Error::io("not all sessions could be written at the close", error);
            status.failed(Lsn::MAX, true, &error);
            error
        });
        // The directory's lock is released after the last write, and before the close is reported.
        self.log = None;
        self.lock = None;
        self.shared.forget();
        (self.options.trim_heap)();
        // From here on a caller's `close` returns: memory was given back, too.
        status.set_health(Health::Closed);
        self.shared.publish(&News::Closed(error));
        Turn::Ended
    }

    /// Writes the manifest of a clean close. It names the log, after a last sync, or a new snapshot if there is no whole log.
    fn seal(&mut self) -> io::Result<()> {
        let is_whole = self.log.is_some() && !self.ends_only;
        if !is_whole || self.log_is_long(8) {
            return self.rebase(true).map(|_| ());
        }
        let Some(log) = &mut self.log else { return Ok(()) };
        if log.is_dirty() {
            log.sync()?;
            self.shared.status.synced(log.synced_lsn());
        }
        let (sealed, last_lsn, now) = (log.sealed(), log.last_lsn(), self.shared.clock.now());
        self.catalog.update(|manifest| {
            if let Some(open) = manifest.segments.last_mut() {
                *open = sealed;
            }
            manifest.now = manifest.now.max(now);
            manifest.last_lsn = last_lsn;
            manifest.clean = true;
        })
    }

    /// Drops the queued records, and keeps no further ones until a snapshot has everything.
    fn drop_entries(&self) {
        let mut guard = self.shared.lock();
        let dropped = guard.store.log_mut().map(|log| log.restart(Keep::Nothing));
        drop(guard);
        drop(dropped);
    }
}

/// Stops the checkpoint's thread: it must not write after the directory's lock is released.
impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(checkpoint) = self.checkpoint.take() {
            checkpoint.stop();
        }
    }
}
