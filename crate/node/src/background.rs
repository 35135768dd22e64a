//! Background tasks: long work on files, on a thread of its own. A task is cancelled when its environment ends.

use crate::error::{INTERNAL, Result, from_core, from_napi};
use crate::results::number;
use agai_session_core::Error;
use agai_session_core::journal::recover::Watch;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long an environment that ends waits for the thread of a cancelled task.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often it checks whether the thread has ended.
const CHECK_INTERVAL: Duration = Duration::from_millis(1);

/// The state of a task, shared with its thread: how far it is, whether it was cancelled, and finally its result.
struct Progress<T> {
    read: AtomicU64,
    total: AtomicU64,
    sessions: AtomicU64,
    is_cancelled: AtomicBool,
    outcome: Mutex<Option<std::result::Result<T, Error>>>,
}

impl<T> Watch for &Progress<T> {
    fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }

    fn total(&mut self, bytes: u64) {
        self.total.store(bytes, Ordering::Relaxed);
    }

    fn read(&mut self, bytes: u64, sessions: u64) {
        self.read.store(bytes, Ordering::Relaxed);
        self.sessions.store(sessions, Ordering::Relaxed);
    }
}

/// A task and its thread. Its JavaScript object owns it; dropping it cancels the work.
pub struct BackgroundTask<T> {
    progress: Arc<Progress<T>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> BackgroundTask<T> {
    /// Starts a task. `on_done` is called on the JavaScript thread when the work is over, and keeps the process alive until then.
    pub fn start(
        name: &str,
        on_done: Function<'_, (), ()>,
        work: impl FnOnce(&mut dyn Watch) -> std::result::Result<T, Error> + Send + 'static,
    ) -> Result<Self> {
        let on_done = on_done
            .build_threadsafe_function::<()>()
            .callee_handled::<false>()
            .build()
            .map_err(|error| from_napi(&error))?;
        let progress = Arc::new(Progress {
            read: AtomicU64::new(0),
            total: AtomicU64::new(0),
            sessions: AtomicU64::new(0),
            is_cancelled: AtomicBool::new(false),
            outcome: Mutex::new(None),
        });
        let mine = Arc::clone(&progress);
        let run = move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut &*mine)));
            let outcome = outcome.unwrap_or(Err(Error::Poisoned));
            *mine.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            // Fails only if the environment is shutting down or gone, and then nobody waits.
            let _ = on_done.call((), ThreadsafeFunctionCallMode::NonBlocking);
        };
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(run)
            .map_err(|error| {
                from_core(&Error::Thread {
                    reason: error.to_string(),
                })
            })?;
        Ok(Self {
            progress,
            thread: Some(thread),
        })
    }
}

impl<T> BackgroundTask<T> {
    /// Returns the number of bytes read so far, of bytes to read, and of sessions so far.
    pub fn progress(&self) -> [f64; 3] {
        let Progress {
            read,
            total,
            sessions,
            ..
        } = &*self.progress;
        [read, total, sessions].map(|figure| number(figure.load(Ordering::Relaxed)))
    }

    /// Returns the result. To be called once, after `on_done`.
    pub fn finish(&self) -> Result<T> {
        let mut outcome = self
            .progress
            .outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let outcome = outcome.take().ok_or_else(|| {
            napi::Error::new(
                INTERNAL,
                "the work is not over, or its result was taken before".to_owned(),
            )
        })?;
        outcome.map_err(|error| from_core(&error))
    }
}

/// Cancels the work and waits for its thread, but not for long: on a disk that does not respond, the thread is in a system call that cannot
/// be interrupted, and `worker.terminate()` and `process.exit()` would wait with it.
///
/// A thread that is left behind owns everything it uses. It drops its result, even an open store, and ends as soon as the system call
/// returns. Its code stays loaded: Node unloads an addon when the last worker that loaded it ends, but napi-rs keeps the addon for the life
/// of the process from the first thread-safe function on, and `on_done` is one. Calling it fails once the environment is gone.
impl<T> Drop for BackgroundTask<T> {
    fn drop(&mut self) {
        self.progress.is_cancelled.store(true, Ordering::Relaxed);
        let Some(thread) = self.thread.take() else { return };
        let deadline = Instant::now() + PATIENCE;
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(CHECK_INTERVAL);
        }
        if thread.is_finished() {
            // A panic in the thread was caught there.
            let _ = thread.join();
        }
    }
}
