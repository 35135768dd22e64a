//! The expiry thread: sleeps until the earliest deadline and removes what is due, in slices. Between two deadlines it moves together what
//! is left, when many sessions went and their memory cannot.

use crate::lock::shared::{PoisonOnPanic, Protected, Shared, TellOfPanic};
use crate::lock::sync::{JoinHandle, pause, spawn};
use crate::model::change::Swept;
use crate::model::error::Error;
use crate::model::time::NEVER;
use crate::store::Retired;
use std::sync::Arc;
use std::time::Duration;

/// Heap entries looked at under one hold of the lock: some 100 microseconds.
const SLICE: usize = 64;
/// Slots looked at under one hold of the lock when bodies are moved together: no longer.
const COMPACTED: u32 = 256;
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

fn run(shared: &Shared) {
    // Wherever it panics: a store that is never swept again must not look as if it were.
    let _tell = TellOfPanic(shared);
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
        match slice(&mut guard, now) {
            Swept::More => {
                shared.release(guard, true);
                pause(BREATH);
            }
            // What the slice took out is dropped and told outside the lock; then there is one more look before the sleep.
            Swept::Until(_) if guard.store.has_removed() => shared.release(guard, true),
            Swept::Until(_) if guard.store.has_excess() => {
                PoisonOnPanic(&mut guard).0.store.evict_excess(now);
                shared.release(guard, true);
                pause(BREATH);
            }
            Swept::Until(_) if guard.store.wants_compaction() => {
                PoisonOnPanic(&mut guard).0.store.compact(COMPACTED);
                shared.release(guard, true);
                pause(BREATH);
            }
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

/// One slice of a sweep. A panic in it marks the store before the lock is free again: nobody is to see what it left half done.
fn slice(state: &mut Protected, now: u64) -> Swept {
    PoisonOnPanic(state).0.store.sweep(now, SLICE)
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
        PoisonOnPanic(&mut guard).0.store.report_cleared(batch);
        shared.release(guard, true);
        pause(BREATH);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::{NewSession, Options};
    use crate::model::id::SessionId;
    use crate::model::random::OsRandom;
    use crate::model::text::Text;
    use crate::planted::PanicAt;
    use crate::store::Store;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// The sweeper gave the lock back first and said afterwards that the store was broken: for a moment others could work with what a panic
    /// had left half done.
    #[test]
    fn a_panic_in_a_sweep_marks_the_store_before_anybody_else_can_lock_it() {
        let options = Options {
            max_sessions: 10,
            max_bytes: 1 << 20,
            max_session_bytes: 1 << 10,
            idle_timeout: 1,
            guest_idle_timeout: 1,
            absolute_timeout: 1,
        };
        let mut state = Protected::new(Store::new(options));
        let new = NewSession {
            uid: Text::Latin1(PanicAt::Expire.uid().as_bytes()),
            form: Text::Latin1(b""),
            data: Text::Latin1(b"{}"),
            idle_timeout: None,
            absolute_timeout: None,
        };
        let id = SessionId::generate(&OsRandom).unwrap();
        state.store.create(&id, 0, &new).unwrap();
        assert!(catch_unwind(AssertUnwindSafe(|| slice(&mut state, 10))).is_err());
        // The caller has the lock still.
        assert!(state.poisoned);
    }
}
