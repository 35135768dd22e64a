//! The mutex, the condition variable and threads: `parking_lot`'s and the system's, or `loom`'s when its model checker runs.

#[cfg(not(feature = "loom"))]
mod imp {
    use crate::planted;
    use std::hint::spin_loop;
    use std::time::{Duration, Instant};

    pub use parking_lot::MutexGuard;
    pub use std::thread::JoinHandle;

    /// How long a thread spins at a taken lock before it sleeps: about as long as a background thread holds it for one slice of its
    /// work. A thread that sleeps or
    /// yields loses its processor, on a busy machine for milliseconds, and the thread that waits here is the event loop's.
    const SPIN: Duration = Duration::from_micros(50);
    /// Spin hints between two attempts to lock.
    const PAUSES: u32 = 8;

    #[derive(Debug)]
    pub struct Mutex<T>(parking_lot::Mutex<T>);

    impl<T> Mutex<T> {
        pub fn new(value: T) -> Self {
            Self(parking_lot::Mutex::new(value))
        }

        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.try_lock().unwrap_or_else(|| self.lock_taken())
        }

        /// Kept out of `lock`, so that the usual case is inlined.
        #[cold]
        fn lock_taken(&self) -> MutexGuard<'_, T> {
            // Measured by the clock: how long a spin hint takes depends on the processor.
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

        /// Unlocks, and hands the lock to a waiting thread before this one can take it again.
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

        /// A model has no time: only a notification ends a wait, so a lost one shows up as a deadlock.
        pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>, _timeout: Option<Duration>) -> MutexGuard<'a, T> {
            self.0.wait(guard).unwrap()
        }
    }

    pub fn pause(_duration: Duration) {
        loom::thread::yield_now();
    }

    #[expect(clippy::unnecessary_wraps, reason = "spawning a real thread can fail")]
    pub fn spawn<T: 'static>(
        _name: &str,
        run: impl FnOnce() -> T + Send + 'static,
    ) -> std::io::Result<JoinHandle<T>> {
        Ok(loom::thread::spawn(planted::hand_on(run)))
    }
}

pub use imp::{Condvar, JoinHandle, Mutex, MutexGuard, pause, spawn};
