//! Checkpoints: begin a new segment, write a snapshot while the store and the log go on, then replace the manifest by one that names
//! both and nothing older.

use super::checkpoint_run::{Checkpoint, End, Outcome, Run, finish};
use super::failures::Failures;
use super::state::{Work, Writer};
use crate::format::codec::{Sealed, SnapshotEntry};
use crate::journal::catalog::salt;
use crate::journal::log::Log;
use crate::journal::snapshot::{SnapshotWriter, Step};
use crate::lock::status::{News, SnapshotWritten};
use crate::lock::sync::{JoinHandle, pause, spawn};
use crate::model::error::Error;
use crate::model::lsn::Lsn;
use crate::planted::{PanicAt, panic_once_at};
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// Pause after a slice of the snapshot: as long as the slice holds the lock. The scheduler interrupts a thread that never pauses, sooner or
/// later while it holds the lock.
const COPY_PAUSE: Duration = Duration::from_micros(50);
/// Pause before a batch is written, for each MiB by which the log grew faster than the checkpoint copies: callers then wait longer, and
/// the checkpoint ends.
const CATCH_UP_PER_MIB: Duration = Duration::from_millis(2);
/// The longest such pause.
const LONGEST_CATCH_UP: Duration = Duration::from_millis(100);
/// Number of segments at which a checkpoint is due. A checkpoint does not begin another segment then.
const MAX_SEGMENTS: usize = 16;

impl Writer {
    /// Starts a checkpoint, or advances the running one if it `is_ready`: if it wanted a turn before the batch was taken.
    pub(super) fn see_to_checkpoint(&mut self, work: &Work, is_ready: bool) {
        if self.checkpoint.is_some() {
            if is_ready {
                self.advance_checkpoint();
            }
            return;
        }
        if self.log.is_none() || self.ends_only {
            // The next snapshot is the one that heals.
            return;
        }
        let is_asked = work.ticket > self.tickets_done;
        let is_due = self.log_is_long(1) && !work.closing && self.checkpoint_failures.is_due();
        if (is_asked || is_due)
            && let Err(error) = self.begin_checkpoint(work.ticket)
        {
            self.checkpoint_failed(work.ticket, error);
        }
    }

    /// Whether the log is long enough for a snapshot: longer than the configured size and a third of the last snapshot, both divided by
    /// `part`; or of too many segments.
    pub(super) fn log_is_long(&self, part: u64) -> bool {
        let limit = self.share_of_snapshot(3) / part;
        self.log_bytes + self.log.as_ref().map_or(0, Log::len) > limit
            || self.catalog.manifest().segments.len() >= MAX_SEGMENTS
    }

    /// The last snapshot's length divided by `part`, at least the configured size.
    fn share_of_snapshot(&self, part: u64) -> u64 {
        let snapshot = self.catalog.manifest().snapshot;
        let len = snapshot.map_or(0, |snapshot| snapshot.len);
        self.options.checkpoint_bytes.max(len / part)
    }

    /// Pauses if too much is written during a checkpoint, because the disk holds the old files, the new snapshot and the new records at
    /// once. Callers that wait for the log wait that much longer, for logouts too.
    pub(super) fn let_checkpoint_catch_up(&self) {
        let is_beside = |checkpoint: &Checkpoint| matches!(checkpoint.run, Run::Thread { .. });
        if !self.checkpoint.as_ref().is_some_and(is_beside) {
            return;
        }
        let written = self.log.as_ref().map_or(0, Log::len);
        let due = catch_up(written, self.share_of_snapshot(6));
        if !due.is_zero() {
            pause(due);
        }
    }

    fn begin_checkpoint(&mut self, ticket: u64) -> io::Result<()> {
        let Some(log) = &mut self.log else { return Ok(()) };
        // A segment is sealed where it is synced.
        if log.is_dirty() {
            if let Err(error) = log.sync() {
                let kind = error.kind();
                self.lose_log("the sessions' log could not be synced", error);
                return Err(kind.into());
            }
            self.shared.status.synced(log.synced_lsn());
        }
        let (last, len) = (log.last_lsn(), log.len());
        // With too many segments, after checkpoints that failed, the snapshot starts with the open one.
        if self.catalog.manifest().segments.len() < MAX_SEGMENTS {
            match self.next_segment(last) {
                Ok(next) => {
                    self.log = Some(next);
                    self.log_bytes += len;
                }
                Err(error) => {
                    self.lose_log_in_doubt("a new segment of the sessions' log could not be created", &error);
                    return Err(error);
                }
            }
        }
        let open = self.catalog.manifest().segments.last();
        let base = open.map_or(last, |open| open.start_lsn.previous());
        let snapshot = self.create_snapshot(base)?;
        let run = if self.options.checkpoint_thread {
            self.spawn_checkpoint(snapshot)?
        } else {
            Run::Turns(snapshot)
        };
        self.checkpoint = Some(Checkpoint {
            ticket,
            started: Instant::now(),
            run,
        });
        Ok(())
    }

    /// Creates the snapshot of the next generation. Replay will start after `lsn`.
    pub(super) fn create_snapshot(&mut self, lsn: Lsn) -> io::Result<SnapshotWriter> {
        let generation = self.next_generation;
        self.next_generation += 1;
        let guard = self.shared.lock();
        let head = guard.store.snapshot_head(self.shared.clock.now());
        drop(guard);
        let salt = salt(&*self.random)?;
        SnapshotWriter::create(&*self.disk, generation, salt, lsn, &head)
    }

    fn spawn_checkpoint(&self, snapshot: SnapshotWriter) -> io::Result<Run> {
        let (shared, disk) = (Arc::clone(&self.shared), Arc::clone(&self.disk));
        let (done, stop) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let (is_done, must_stop) = (Arc::clone(&done), Arc::clone(&stop));
        let thread = spawn("session-checkpoint", move || {
            let _end = End(&is_done, &shared);
            panic_once_at(PanicAt::Checkpoint, |uid| shared.has_user(uid));
            finish(snapshot, &shared, &*disk, &must_stop, COPY_PAUSE)
        })?;
        Ok(Run::Thread { thread, done, stop })
    }

    /// Copies a slice or takes the thread's result, and installs the snapshot once it is complete.
    fn advance_checkpoint(&mut self) {
        let Some(Checkpoint { ticket, started, run }) = self.checkpoint.take() else {
            return;
        };
        let outcome = match run {
            Run::Thread { thread, .. } => joined(thread),
            Run::Turns(mut snapshot) => match snapshot.step(&self.shared) {
                Ok(Step::More) => {
                    let run = Run::Turns(snapshot);
                    self.checkpoint = Some(Checkpoint { ticket, started, run });
                    return;
                }
                Ok(Step::Copied) => snapshot.finish(&*self.disk),
                Err(error) => Err(error),
            },
        };
        match outcome.and_then(|snapshot| self.install(snapshot)) {
            Ok(snapshot) => {
                self.checkpoint_failures = Failures::default();
                let written = SnapshotWritten::new(&snapshot, started);
                self.end_checkpoint(ticket, &News::Checkpoint { ticket, written });
            }
            Err(error) => self.checkpoint_failed(ticket, error),
        }
    }

    /// Replaces the manifest by one that names the snapshot and the segments with records after it.
    fn install(&mut self, snapshot: SnapshotEntry) -> io::Result<SnapshotEntry> {
        if self.log.is_none() || self.ends_only {
            // The log was lost meanwhile, or lacks records: the snapshot that heals replaces this one.
            return Err(io::ErrorKind::Interrupted.into());
        }
        let now = self.shared.clock.now();
        let installed = self.catalog.update(|manifest| {
            manifest.generation = snapshot.generation;
            manifest.snapshot = Some(snapshot);
            // Their ends decide: several empty segments may begin where the open one does.
            let is_needed = |sealed: Sealed| sealed.last_lsn > snapshot.lsn;
            manifest
                .segments
                .retain(|segment| segment.sealed.is_none_or(is_needed));
            manifest.now = manifest.now.max(now);
        });
        if let Err(error) = installed {
            self.lose_log_in_doubt("the sessions' manifest could not be replaced", &error);
            return Err(error);
        }
        self.log_bytes = 0;
        Ok(snapshot)
    }

    /// Gives the log up if another manifest may count: then the segment must not be appended to.
    pub(super) fn lose_log_in_doubt(&mut self, what: &str, error: &io::Error) {
        if self.catalog.is_in_doubt() {
            self.lose_log(what, io::Error::new(error.kind(), error.to_string()));
        }
    }

    fn checkpoint_failed(&mut self, ticket: u64, error: io::Error) {
        self.catalog.tidy();
        self.checkpoint_failures.again(self.options.retry_pause);
        let error = Error::io("the checkpoint of the sessions failed", error);
        self.end_checkpoint(ticket, &News::CheckpointFailed { ticket, error });
    }

    /// Marks the requests up to `ticket` as done, and reports the outcome.
    fn end_checkpoint(&mut self, ticket: u64, outcome: &News) {
        self.tickets_done = ticket.max(self.tickets_done);
        self.shared.status.checkpoints(ticket);
        self.shared.publish(outcome);
    }

    /// Stops the running checkpoint, if there is one, and reports `why` it failed.
    pub(super) fn abandon_checkpoint(&mut self, why: &Error) {
        let Some(checkpoint) = self.checkpoint.take() else {
            return;
        };
        let ticket = checkpoint.ticket;
        checkpoint.stop();
        self.catalog.tidy();
        let error = why.clone();
        self.end_checkpoint(ticket, &News::CheckpointFailed { ticket, error });
    }

    /// Stops the running checkpoint because the log is given up or rewritten, which makes its files useless.
    pub(super) fn abandon_useless_checkpoint(&mut self) {
        self.abandon_checkpoint(&Error::io(
            "the checkpoint of the sessions was abandoned",
            io::ErrorKind::Interrupted.into(),
        ));
    }
}

/// The pause before the next batch when `written` bytes were written during a checkpoint: none up to half of what is allowed.
fn catch_up(written: u64, allowed: u64) -> Duration {
    let ahead = written.saturating_sub(allowed / 2) >> 20;
    let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
    CATCH_UP_PER_MIB.saturating_mul(ahead).min(LONGEST_CATCH_UP)
}

fn joined(thread: JoinHandle<Outcome>) -> Outcome {
    thread
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("the checkpoint's thread panicked")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_runs_ahead_of_a_checkpoint_pauses_longer_and_longer() {
        let allowed = 16 << 20;
        assert_eq!(catch_up(0, allowed), Duration::ZERO);
        assert_eq!(catch_up(8 << 20, allowed), Duration::ZERO);
        assert_eq!(catch_up(16 << 20, allowed), CATCH_UP_PER_MIB * 8);
        assert_eq!(catch_up(24 << 20, allowed), CATCH_UP_PER_MIB * 16);
        assert_eq!(catch_up(u64::MAX, allowed), LONGEST_CATCH_UP);
    }
}
