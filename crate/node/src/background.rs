//! Long work on files, on a thread of its own. JavaScript waits for it, and cancels it by going away.

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

/// How long an environment that ends waits for a thread to notice that it was cancelled.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often it looks.
const LOOK: Duration = Duration::from_millis(1);

/// How far the work is, whether it is still wanted, and in the end its result.
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

/// A thread with one piece of work. Dropped with its JavaScript object, which cancels what is not over.
pub struct BackgroundTask<T> {
    progress: Arc<Progress<T>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> BackgroundTask<T> {
    /// `on_done` is called on the JavaScript thread when the work is over, and keeps the process alive until then.
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
            // Refused only by an environment that is shutting down or gone, which waits for nothing.
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
    /// Bytes read, bytes to read, sessions so far.
    pub fn progress(&self) -> [f64; 3] {
        let Progress {
            read,
            total,
            sessions,
            ..
        } = &*self.progress;
        [read, total, sessions].map(|figure| number(figure.load(Ordering::Relaxed)))
    }

    /// The result. Once, after `on_done` was called.
    pub fn finish(&self) -> Result<T> {
        let mut outcome = self
            .progress
            .outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let outcome = outcome.take().ok_or_else(|| {
            napi::Error::new(
                INTERNAL,
                "the work is not over, or was finished before".to_owned(),
            )
        })?;
        outcome.map_err(|error| from_core(&error))
    }
}

/// Cancels the work and waits for its thread, but not for long: on a disk that does not answer, the thread sits in a system call that
/// nothing interrupts, and `worker.terminate()` and `process.exit()` would wait with it.
///
/// A thread that is left behind owns all it uses, drops its result, a store included, and ends by itself as soon as the system call
/// returns. Its code stays: Node unloads an addon when the last worker that loaded it ends, but napi-rs pins the addon for the life of the
/// process before it makes a thread-safe function, as `on_done` is one. A call of that fails once the environment is gone.
impl<T> Drop for BackgroundTask<T> {
    fn drop(&mut self) {
        self.progress.is_cancelled.store(true, Ordering::Relaxed);
        let Some(thread) = self.thread.take() else { return };
        let deadline = Instant::now() + PATIENCE;
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(LOOK);
        }
        if thread.is_finished() {
            // A panic in there was caught.
            let _ = thread.join();
        }
    }
}
