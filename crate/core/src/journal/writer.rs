//! The journal's one writer: takes what the store did, writes it in groups, and sees to the files.

mod checkpoint;
mod checkpoint_run;
mod failures;
mod heal;
mod state;
mod thread;

pub use state::{Start, Turn, Writer};
pub use thread::WriterThread;

use crate::format::codec::SegmentEntry;
use crate::format::queue::{Keep, Queue};
use crate::journal::catalog::salt;
use crate::journal::log::{Log, reduce};
use crate::lock::status::{Health, News};
use crate::model::durability::Durability;
use crate::model::error::Error;
use crate::planted::{Fault, PanicAt, panic_once_at, planted};
use checkpoint_run::Checkpoint;
use state::Work;
use std::io;
use std::time::{Duration, Instant};

/// What was written is on the disk after this at the latest.
const SYNC_WITHIN: Duration = Duration::from_millis(900);
/// Chunks given back to be filled again.
const SPARE_CHUNKS: usize = 4;

impl Writer {
    /// Goes on behind the files that were read, whose newest record is `last`, in a new segment.
    ///
    /// # Errors
    /// Of the disk.
    pub fn resume(&mut self, last: u64) -> io::Result<()> {
        self.catalog.reserve()?;
        let mut log = self.next_segment(last)?;
        // What the opening evicted: whoever ends one of those sessions is told at once that there is none.
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

    /// Says in the lock file who has the directory. The lock holds without it: where there is no room, nobody is named.
    pub fn sign_lock(&mut self, text: &str) {
        if let Some(lock) = &mut self.lock {
            let _ = lock.sign(text);
        }
    }

    /// Makes the segment behind the record `last` and lists it, the one before sealed as it is now.
    fn next_segment(&mut self, last: u64) -> io::Result<Log> {
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
            start_lsn: last + 1,
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

    /// Makes all that is waited for due now.
    #[cfg(any(test, feature = "testing"))]
    pub fn pass_time(&mut self) {
        self.sync_by = self.sync_by.map(|_| Instant::now());
        self.failures.pass_time();
        self.checkpoint_failures.pass_time();
    }

    /// Does what there is to do now, without waiting for more.
    pub fn turn(&mut self) -> Turn {
        self.let_checkpoint_catch_up();
        // Before: whatever the snapshot saw is then written before it counts.
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
        if self.behind && self.log.is_some() {
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

    /// Writes a batch, and syncs if somebody waits for that or it is time.
    fn write(&mut self, work: &mut Work) {
        let Some(log) = &mut self.log else { return };
        let status = &self.shared.status;
        let last = work.batch.last_lsn;
        if planted(Fault::AcknowledgeBeforeWrite) {
            status.synced(last);
            self.shared.signal();
        }
        if !log.is_dirty() {
            // A checkpoint or a new log saw to it.
            self.sync_by = None;
        }
        let mut news = false;
        if !work.batch.is_empty() {
            if self.behind {
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
            if !self.behind {
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
            if self.behind {
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

    /// Whether nothing waits to be written, and nothing is under way.
    fn is_quiet(&self) -> bool {
        let pending = self.shared.lock().store.log().is_some_and(Queue::has_work);
        !pending && self.checkpoint.is_none()
    }

    /// How long there is nothing to do.
    fn rest(&self) -> Turn {
        let mut guard = self.shared.lock();
        if let Some(log) = guard.store.log_mut() {
            log.done();
        }
        let asked = guard.checkpoint_tickets > self.tickets_done && self.checkpoint.is_none();
        let pending = guard.store.log().is_some_and(Queue::has_work) && self.log.is_some();
        drop(guard);
        let steps = self.checkpoint.as_ref().is_some_and(Checkpoint::wants_turns);
        let is_ill = self.log.is_none() || self.behind;
        // The first try to heal is due at once.
        let heals_now = is_ill && self.failures.next_try().is_none();
        if pending || asked && !is_ill || steps || heals_now {
            return Turn::Again;
        }
        let heals = is_ill.then(|| self.failures.next_try()).flatten();
        // Only what the next turn does something about: else it would come at once, again and again.
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

    /// Leaves the files as they are: what memory holds is not to be trusted.
    fn give_up(&mut self) -> Turn {
        // Whoever panicked may not have come to that yet.
        self.shared.panicked();
        self.abandon_checkpoint(&Error::Poisoned);
        self.log = None;
        self.lock = None;
        self.shared.status.set_health(Health::Closed);
        self.shared.tell(&News::Closed(Some(Error::Poisoned)));
        Turn::Ended
    }

    /// Ends the files' life in this process: all written, and a snapshot made if the log is worth it.
    fn close(&mut self) -> Turn {
        panic_once_at(PanicAt::Close, |uid| self.shared.has_user(uid));
        let closed = self.seal();
        let status = &self.shared.status;
        let error = closed.err().map(|error| {
            let error = Error::io("the sessions could not all be written at the close", error);
            status.failed(u64::MAX, true, &error);
            error
        });
        // The other end of the lock: whoever waits for the directory finds it free, and the files as they stay.
        self.log = None;
        self.lock = None;
        status.set_health(Health::Closed);
        self.shared.forget();
        self.shared.tell(&News::Closed(error));
        Turn::Ended
    }

    fn seal(&mut self) -> io::Result<()> {
        let is_whole = self.log.is_some() && !self.behind;
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

    /// The log has been restarted, so nothing of it is kept until a snapshot has everything.
    fn drop_entries(&self) {
        let mut guard = self.shared.lock();
        let dropped = guard.store.log_mut().map(|log| log.restart(Keep::Nothing));
        drop(guard);
        drop(dropped);
    }
}

/// No thread goes on writing once the directory's lock is given back.
impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(checkpoint) = self.checkpoint.take() {
            checkpoint.stop();
        }
    }
}
