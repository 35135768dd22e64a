//! A running checkpoint: the snapshot being written, on a thread of its own or slice by slice.

use crate::disk::Disk;
use crate::format::codec::SnapshotEntry;
use crate::journal::snapshot::{SnapshotWriter, Step};
use crate::lock::shared::Shared;
use crate::lock::sync::{JoinHandle, pause};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub type Outcome = io::Result<SnapshotEntry>;

/// A running checkpoint.
pub struct Checkpoint {
    pub(super) ticket: u64,
    pub(super) started: Instant,
    pub(super) run: Run,
}

/// How a checkpoint runs.
pub enum Run {
    Thread {
        thread: JoinHandle<Outcome>,
        done: Arc<AtomicBool>,
        stop: Arc<AtomicBool>,
    },
    /// Slice by slice, one in each turn of the writer.
    Turns(SnapshotWriter),
}

impl Checkpoint {
    /// Whether the writer has something to do for it: a slice to copy, or a result to take.
    pub fn wants_turns(&self) -> bool {
        match &self.run {
            Run::Thread { done, .. } => done.load(Ordering::Acquire),
            Run::Turns(_) => true,
        }
    }

    /// Stops its thread, if it has one, and joins it.
    pub fn stop(self) {
        if let Run::Thread { thread, stop, .. } = self.run {
            stop.store(true, Ordering::Release);
            // Its result is not needed.
            let _ = thread.join();
        }
    }
}

/// A guard that reports the end of a checkpoint's thread, after a panic too, because a close waits for it. A panic poisons the store:
/// what one snapshot cannot copy would be missing from each later one too.
pub struct End<'a>(pub &'a AtomicBool, pub &'a Shared);

impl Drop for End<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.1.panicked();
        }
        self.0.store(true, Ordering::Release);
        self.1.wake_writer();
    }
}

/// Copies the remaining slices of a snapshot, with a pause after each that may be zero, and finishes it; fails once `stop` is set.
pub fn finish(
    mut snapshot: SnapshotWriter,
    shared: &Shared,
    disk: &dyn Disk,
    stop: &AtomicBool,
    slice_pause: Duration,
) -> Outcome {
    loop {
        if stop.load(Ordering::Acquire) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match snapshot.step(shared)? {
            Step::More => pause(slice_pause),
            Step::Copied => return snapshot.finish(disk),
        }
    }
}
