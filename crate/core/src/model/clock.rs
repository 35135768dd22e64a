//! The clock as an interface, so that tests can move time: the machine's clock, and a manual one.

use crate::model::time::NEVER;
use parking_lot::Mutex;
use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A receiver of the notification that a clock was moved by hand.
pub trait Wake: Send + Sync {
    fn wake(&self);
}

/// A clock that never runs backwards.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970.
    fn now(&self) -> u64;

    /// How long to sleep from `now` until `deadline`; `None` means until woken.
    fn until(&self, deadline: u64, now: u64) -> Option<Duration>;

    /// Whether this is the machine's clock. All such clocks count as one and the same.
    fn is_system(&self) -> bool {
        false
    }

    /// Registers a watcher to be woken when the clock is moved by hand, which the machine's never is.
    fn watch(&self, _watcher: Weak<dyn Wake>) {}
}

/// The machine's clock: the wall-clock time at its creation, plus the monotonic time since then (on Linux with the time that the machine
/// was suspended). Setting the wall clock while the process runs moves no deadline.
#[derive(Debug)]
pub struct SystemClock {
    started_at: u64,
    started: Elapsed,
}

#[cfg(target_os = "linux")]
type Elapsed = Duration;
#[cfg(not(target_os = "linux"))]
type Elapsed = std::time::Instant;

#[cfg(target_os = "linux")]
fn elapsed() -> Elapsed {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

#[cfg(not(target_os = "linux"))]
fn elapsed() -> Elapsed {
    std::time::Instant::now()
}

impl Default for SystemClock {
    fn default() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            started_at: millis(wall),
            started: elapsed(),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Multiple of milliseconds that wake-ups are rounded up to, so that one serves all deadlines before it. Reads check deadlines exactly.
const SLICE_MS: u64 = 50;

impl Clock for SystemClock {
    fn is_system(&self) -> bool {
        true
    }

    fn now(&self) -> u64 {
        #[cfg(target_os = "linux")]
        let passed = elapsed().saturating_sub(self.started);
        #[cfg(not(target_os = "linux"))]
        let passed = elapsed().saturating_duration_since(self.started);
        self.started_at.saturating_add(millis(passed))
    }

    fn until(&self, deadline: u64, now: u64) -> Option<Duration> {
        let slice_end = deadline.saturating_add(SLICE_MS - 1) / SLICE_MS * SLICE_MS;
        Some(Duration::from_millis(slice_end.saturating_sub(now)))
    }
}

/// A clock for tests: it stands still until [`ManualClock::advance`] moves it, which wakes the watchers.
#[derive(Default)]
pub struct ManualClock {
    now: AtomicU64,
    watchers: Mutex<Vec<Weak<dyn Wake>>>,
}

impl ManualClock {
    #[must_use]
    pub fn new(now: u64) -> Self {
        Self {
            now: AtomicU64::new(now),
            watchers: Mutex::default(),
        }
    }

    /// Moves the clock forward, to [`NEVER`] at most.
    pub fn advance(&self, millis: u64) {
        let advance = |now: u64| Some(now.saturating_add(millis).min(NEVER));
        // Cannot fail: the closure always returns `Some`.
        let _ = self.now.fetch_update(Ordering::SeqCst, Ordering::SeqCst, advance);
        let watchers = {
            let mut watchers = self.watchers.lock();
            watchers.retain(|watcher| watcher.strong_count() > 0);
            watchers.clone()
        };
        for watcher in watchers {
            if let Some(watcher) = watcher.upgrade() {
                watcher.wake();
            }
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    fn until(&self, _deadline: u64, _now: u64) -> Option<Duration> {
        None
    }

    fn watch(&self, watcher: Weak<dyn Wake>) {
        self.watchers.lock().push(watcher);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_starts_at_the_wall_clock_and_never_runs_backwards() {
        let clock = SystemClock::default();
        let wall = millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap());
        let first = clock.now();
        assert!(wall.abs_diff(first) < 5_000);
        assert!((0..1_000).all(|_| clock.now() >= first));
    }

    #[test]
    fn one_wake_up_serves_all_deadlines_of_a_slice() {
        let clock = SystemClock::default();
        assert_eq!(clock.until(1_001, 1_000), clock.until(1_050, 1_000));
        assert_eq!(clock.until(1_051, 1_000), Some(Duration::from_millis(100)));
        assert_eq!(clock.until(1_000, 2_000), Some(Duration::ZERO));
    }
}
