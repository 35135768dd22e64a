//! A checkpoint under way: the snapshot being written, on a thread of its own or slice by slice.

use crate::disk::Disk;
use crate::format::codec::SnapshotEntry;
use crate::journal::snapshot::{SnapshotWriter, Step};
use crate::lock::shared::Shared;
use crate::lock::sync::{JoinHandle, pause};
use crate::model::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub type Outcome = io::Result<SnapshotEntry>;

/// A checkpoint under way.
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
    Turns(Option<SnapshotWriter>),
}

impl Checkpoint {
    pub fn wants_turns(&self) -> bool {
        match &self.run {
            Run::Thread { done, .. } => done.load(Ordering::Acquire),
            Run::Turns(_) => true,
        }
    }

    /// Ends its thread, if it has one, and waits for that.
    pub fn stop(self) {
        if let Run::Thread { thread, stop, .. } = self.run {
            stop.store(true, Ordering::Release);
            // Its result is not wanted.
            let _ = thread.join();
        }
    }
}

/// Says that the thread is done, a panic included: a close waits for that. After one the store is not to be trusted: what a snapshot
/// cannot copy would be missing from each later one too.
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

/// Writes the rest of a snapshot.
pub fn finish(
    mut snapshot: SnapshotWriter,
    shared: &Shared,
    disk: &dyn Disk,
    stop: &AtomicBool,
    breath: Option<Duration>,
) -> Outcome {
    loop {
        if stop.load(Ordering::Acquire) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match snapshot.step(shared)? {
            Step::More => {
                if let Some(breath) = breath {
                    pause(breath);
                }
            }
            Step::Copied => return snapshot.finish(disk),
            Step::Abandoned => return Err(io::Error::other(Error::Poisoned)),
        }
    }
}
