//! The expiry thread: sleeps until the earliest deadline and removes what is due, in slices.

use crate::change::Swept;
use crate::error::Error;
use crate::record::NEVER;
use crate::shared::Shared;
use crate::store::Retired;
use crate::sync::{JoinHandle, pause, spawn};
use std::sync::Arc;
use std::time::Duration;

/// Heap entries looked at under one hold of the lock: some 100 microseconds.
const SLICE: usize = 64;
/// Between two slices of a long sweep. A thread that works without pause is preempted sooner or later, and on a busy machine it
/// is while it holds the lock, which keeps the others out until it runs again.
const BREATH: Duration = Duration::from_micros(100);

/// Ends and joins its thread when dropped.
pub(crate) struct Sweeper {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Sweeper {
    pub fn start(shared: Arc<Shared>) -> Result<Self, Error> {
        let mine = Arc::clone(&shared);
        let thread = spawn("session-expiry", move || run(&mine)).map_err(|error| Error::Thread {
            reason: error.to_string(),
        })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.thread.take() {
            // A panic in there has poisoned the store and was printed; there is nothing to add.
            let _ = thread.join();
        }
    }
}

/// Marks the store when its sweeper panics, wherever: one that is never swept again must not look as if it were.
struct PoisonStoreOnPanic<'a>(&'a Shared);

impl Drop for PoisonStoreOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().poisoned = true;
            self.0.wake_writer();
        }
    }
}

fn run(shared: &Shared) {
    let _poison = PoisonStoreOnPanic(shared);
    loop {
        let mut guard = shared.lock();
        // Under the lock: a clock moved by hand wakes through it, so it cannot jump unseen between this look and the sleep.
        let now = shared.clock.now();
        let retired = std::mem::take(&mut guard.retired);
        if guard.stop || guard.poisoned {
            drop(guard);
            return;
        }
        if !retired.is_empty() {
            let report = guard.store.reports_cleared();
            shared.release(guard, true);
            if report {
                for records in retired {
                    take_apart(shared, records);
                }
            }
            continue;
        }
        match guard.store.sweep(now, SLICE) {
            Swept::More => {
                shared.release(guard, true);
                pause(BREATH);
            }
            // What the slice took out is dropped and told outside the lock; then there is one more look before the sleep.
            Swept::Until(_) if guard.store.has_left_behind() => shared.release(guard, true),
            Swept::Until(deadline) => {
                guard.sleeps_until = deadline.max(1);
                let timeout = if deadline >= NEVER {
                    None
                } else {
                    shared.clock.until(deadline, now)
                };
                let mut guard = shared.wait(guard, timeout);
                guard.sleeps_until = 0;
            }
        }
    }
}

/// Reports and drops the sessions of a cleared store, batch by batch.
fn take_apart(shared: &Shared, retired: Retired) {
    let mut records = retired.records.drain();
    loop {
        let batch: Vec<_> = records.by_ref().take(SLICE).collect();
        if batch.is_empty() {
            return;
        }
        let mut guard = shared.lock();
        if guard.stop {
            return;
        }
        guard.store.report_cleared(batch);
        shared.release(guard, true);
        pause(BREATH);
    }
}
