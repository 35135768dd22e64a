//! Looking into a directory without changing anything in it, on a thread of its own.

use crate::error::{INTERNAL, Result, from_core, from_napi, guard};
use crate::inspected::NativeInspected;
use crate::results::number;
use agai_session_core::Error;
use agai_session_core::inspect::{Ask, Inspection, inspect};
use agai_session_core::journal::recover::Watch;
use agai_session_core::model::clock::{Clock, SystemClock};
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// How far an inspection is, and in the end what came of it.
#[derive(Default)]
struct Progress {
    read: AtomicU64,
    total: AtomicU64,
    outcome: Mutex<Option<std::result::Result<Inspection, Error>>>,
}

impl Watch for &Progress {
    fn total(&mut self, bytes: u64) {
        self.total.store(bytes, Ordering::Relaxed);
    }

    fn read(&mut self, bytes: u64, _sessions: u64) {
        self.read.store(bytes, Ordering::Relaxed);
    }
}

/// An inspection under way, on a thread of its own.
#[napi]
pub struct NativeInspection {
    progress: Arc<Progress>,
    thread: Option<JoinHandle<()>>,
}

#[napi]
impl NativeInspection {
    /// Lists `list` sessions, with their data if `data`. `onDone` is called on this thread when it is over, and keeps the process alive
    /// until then.
    #[napi(constructor)]
    pub fn new(path: String, list: u32, data: bool, on_done: Function<'_, (), ()>) -> Result<Self> {
        guard(|| {
            let on_done = on_done
                .build_threadsafe_function::<()>()
                .callee_handled::<false>()
                .build()
                .map_err(|error| from_napi(&error))?;
            let ask = Ask {
                list: list as usize,
                data,
            };
            let progress = Arc::new(Progress::default());
            let mine = Arc::clone(&progress);
            let run = move || {
                let inspected = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    let now = SystemClock::default().now();
                    inspect(&PathBuf::from(path), ask, now, &mut &*mine)
                }));
                let inspected = inspected.unwrap_or(Err(Error::Poisoned));
                *mine.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(inspected);
                // Refused only by an environment that is shutting down, which waits for nothing.
                let _ = on_done.call((), ThreadsafeFunctionCallMode::NonBlocking);
            };
            let thread = std::thread::Builder::new()
                .name("session-inspect".to_owned())
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
        })
    }

    /// Bytes read, and bytes to read in all passes over the files.
    #[napi]
    #[must_use]
    pub fn progress(&self) -> Vec<f64> {
        let Progress { read, total, .. } = &*self.progress;
        [read, total]
            .map(|figure| number(figure.load(Ordering::Relaxed)))
            .to_vec()
    }

    /// Once, after `onDone`: what was found, or why nothing could be.
    #[napi]
    pub fn finish(&self) -> Result<NativeInspected> {
        guard(|| {
            let mut outcome = self
                .progress
                .outcome
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let inspected = outcome.take().ok_or_else(|| {
                napi::Error::new(
                    INTERNAL,
                    "the inspection is not over, or was finished before".to_owned(),
                )
            })?;
            Ok(inspected.map_err(|error| from_core(&error))?.into())
        })
    }
}

impl Drop for NativeInspection {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic in there was caught.
            let _ = thread.join();
        }
    }
}
