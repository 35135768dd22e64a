//! The lock and the condition variable: `parking_lot`'s, or `loom`'s when its model checker runs.

#[cfg(not(feature = "loom"))]
mod imp {
    use crate::planted;
    use std::hint::spin_loop;
    use std::time::{Duration, Instant};

    pub use parking_lot::MutexGuard;
    pub use std::thread::JoinHandle;

    /// How long a thread looks at a lock that is taken before it sleeps for it: what the slices of the background threads take. A thread
    /// that sleeps or yields loses its processor, on a busy machine for milliseconds, and that is the event loop.
    const SPIN: Duration = Duration::from_micros(50);
    /// Pauses of the processor between two looks.
    const PAUSES: u32 = 8;

    #[derive(Debug)]
    pub struct Mutex<T>(parking_lot::Mutex<T>);

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Self {
            Self(parking_lot::Mutex::new(value))
        }

        pub fn lock(&self) -> MutexGuard<'_, T> {
            if let Some(guard) = self.0.try_lock() {
                return guard;
            }
            // By the clock: how long a pause takes depends on the processor.
            let started = Instant::now();
            while started.elapsed() < SPIN {
                for _ in 0..PAUSES {
                    spin_loop();
                }
                if let Some(guard) = self.0.try_lock() {
                    return guard;
                }
            }
            self.0.lock()
        }

        /// Unlocks and lets a waiting thread in before this one can lock again.
        pub fn unlock_fair(guard: MutexGuard<'_, T>) {
            MutexGuard::unlock_fair(guard);
        }
    }

    #[derive(Debug, Default)]
    pub struct Condvar(parking_lot::Condvar);

    impl Condvar {
        pub fn notify(&self) {
            self.0.notify_one();
        }

        /// Waits until notified, or for `timeout` if there is one.
        pub fn wait<'a, T>(
            &self,
            mut guard: MutexGuard<'a, T>,
            timeout: Option<Duration>,
        ) -> MutexGuard<'a, T> {
            match timeout {
                Some(timeout) => {
                    self.0.wait_for(&mut guard, timeout);
                }
                None => self.0.wait(&mut guard),
            }
            guard
        }
    }

    pub fn pause(duration: Duration) {
        std::thread::sleep(duration);
    }

    pub fn spawn<T: Send + 'static>(
        name: &str,
        run: impl FnOnce() -> T + Send + 'static,
    ) -> std::io::Result<JoinHandle<T>> {
        let run = planted::hand_on(run);
        std::thread::Builder::new().name(name.to_owned()).spawn(run)
    }
}

#[cfg(feature = "loom")]
#[expect(clippy::unwrap_used, reason = "runs in the model checker's tests only")]
mod imp {
    use crate::planted;
    use std::time::Duration;

    pub use loom::sync::MutexGuard;
    pub use loom::thread::JoinHandle;

    #[derive(Debug)]
    pub struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }

        pub fn unlock_fair(guard: MutexGuard<'_, T>) {
            drop(guard);
        }
    }

    #[derive(Debug, Default)]
    pub struct Condvar(loom::sync::Condvar);

    impl Condvar {
        pub fn notify(&self) {
            self.0.notify_one();
        }

        /// A model has no time: a wait ends by a notification alone, so a lost one shows as a deadlock.
        pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>, _timeout: Option<Duration>) -> MutexGuard<'a, T> {
            self.0.wait(guard).unwrap()
        }
    }

    pub fn pause(_duration: Duration) {
        loom::thread::yield_now();
    }

    #[expect(clippy::unnecessary_wraps, reason = "the real one can fail")]
    pub fn spawn<T: 'static>(
        _name: &str,
        run: impl FnOnce() -> T + Send + 'static,
    ) -> std::io::Result<JoinHandle<T>> {
        Ok(loom::thread::spawn(planted::hand_on(run)))
    }
}

pub use imp::{Condvar, JoinHandle, Mutex, MutexGuard, pause, spawn};
