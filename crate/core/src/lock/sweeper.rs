//! The expiry thread: sleeps until the earliest deadline and removes expired sessions, in slices. Between deadlines it evicts what exceeds
//! the bounds, and compacts bodies when many sessions have ended.

use crate::lock::shared::{NotifyOfPanic, PoisonOnPanic, Protected, Shared};
use crate::lock::sync::pause;
use crate::model::change::Swept;
use crate::model::time::NEVER;
use crate::store::Retired;
use std::time::Duration;

/// Heap entries looked at in one hold of the lock: about 100 microseconds.
const SLICE: usize = 64;
/// Slots looked at in one hold of the lock when bodies are compacted: no longer than that.
const COMPACTED: u32 = 256;
/// Pause after a slice of a sweep: as long as the slice holds the lock. A thread that never pauses is preempted sooner or later, on a busy machine while it holds the lock,
/// and all other threads then wait until it runs again.
const SWEEP_PAUSE: Duration = Duration::from_micros(100);

/// What the expiry thread does until the store stops.
pub(crate) fn run(shared: &Shared) {
    // Wherever this thread panics, the store is poisoned: nothing would sweep it any more.
    let _tell = NotifyOfPanic(shared);
    loop {
        let mut guard = shared.lock();
        // Read under the lock: a manual clock takes it to wake this thread, so it cannot jump unseen between here and the sleep.
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
            Swept::More => {}
            // The sessions that the slice removed are dropped and reported outside the lock; then the loop looks again before it sleeps.
            Swept::Until(_) if guard.store.has_removed() => {
                shared.release(guard, true);
                continue;
            }
            Swept::Until(_) if guard.store.has_excess() => {
                PoisonOnPanic(&mut guard).0.store.evict_excess(now);
            }
            Swept::Until(_) if guard.store.wants_compaction() => {
                PoisonOnPanic(&mut guard).0.store.compact(COMPACTED);
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
                continue;
            }
        }
        shared.release(guard, true);
        pause(SWEEP_PAUSE);
    }
}

/// One slice of a sweep. A panic in it poisons the store before the lock is released, so that no thread sees half-done changes.
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
        pause(SWEEP_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::{AtUserLimit, NewSession, Options, UNLIMITED};
    use crate::model::id::SessionId;
    use crate::model::object::ObjectText;
    use crate::model::random::OsRandom;
    use crate::model::standing::Assurance;
    use crate::model::text::Text;
    use crate::planted::PanicAt;
    use crate::store::Store;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// The sweeper once released the lock before it poisoned the store: for a moment other threads could use what a panic had left half
    /// done.
    #[test]
    fn a_panic_in_a_sweep_poisons_the_store_before_another_thread_can_lock_it() {
        let options = Options {
            max_sessions: 10,
            max_bytes: 1 << 20,
            max_session_bytes: 1 << 10,
            idle_timeout: 1,
            guest_idle_timeout: 1,
            absolute_timeout: 1,
            max_sessions_per_user: UNLIMITED,
            at_user_limit: AtUserLimit::EvictOldest,
        };
        let mut state = Protected::new(Store::new(options));
        let new = NewSession {
            uid: Text::Latin1(PanicAt::Expire.uid().as_bytes()),
            form: Text::Latin1(b""),
            data: ObjectText::EMPTY,
            idle_timeout: None,
            absolute_timeout: None,
            assurance: Assurance::PLAIN,
        };
        let id = SessionId::generate(&OsRandom).unwrap();
        state.store.create(&id, 0, &new).unwrap();
        assert!(catch_unwind(AssertUnwindSafe(|| slice(&mut state, 10))).is_err());
        // The caller still holds the lock.
        assert!(state.poisoned);
    }
}
