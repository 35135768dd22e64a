//! The exports of a store on disk: its opening, how far its journal is, its journal events.

use crate::background::BackgroundTask;
use crate::clock::{NativeClock, clock_or_system};
use crate::error::{Result, from_core, guard};
use crate::options::NativeOptions;
use crate::recovery::NativeRecovery;
use crate::results::number;
use crate::store::NativeStore;
use agai_session_core::face::open::open;
use agai_session_core::face::{Parts, Report};
use agai_session_core::journal::options::{JournalOptions, OnCorruption};
use agai_session_core::journal::recover::Watch;
use agai_session_core::lock::status::{News, SnapshotWritten};
use agai_session_core::model::durability::Durability;
use agai_session_core::model::random::OsRandom;
use agai_session_core::{Error, StoreHandle};
use napi::bindgen_prelude::{Float64Array, Function};
use napi_derive::napi;
use std::path::PathBuf;
use std::sync::Arc;

/// The options of a store on disk.
#[napi(object)]
pub struct NativeJournalOptions {
    pub path: String,
    /// What an acknowledged write survives. 0: nothing yet; 1: a crash of the process; 2: a power loss.
    pub durability: u8,
    /// What an opening does with damaged files. 0: it fails; 1: it starts empty; 2: it loads what can be read.
    pub on_corruption: u8,
    pub refuse_when_degraded: bool,
}

impl From<&NativeJournalOptions> for JournalOptions {
    fn from(options: &NativeJournalOptions) -> Self {
        Self {
            durability: match options.durability {
                0 => Durability::None,
                1 => Durability::Os,
                _ => Durability::Disk,
            },
            on_corruption: match options.on_corruption {
                0 => OnCorruption::Error,
                1 => OnCorruption::Fresh,
                _ => OnCorruption::Salvage,
            },
            refuse_when_degraded: options.refuse_when_degraded,
            trim_heap,
            ..Self::default()
        }
    }
}

/// Returns freed memory to the operating system. glibc keeps what other threads than the first have freed, for their later use: each
/// opening of a store, on a thread of its own, would otherwise add the memory of all its sessions.
fn trim_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: takes the allocator's own locks, and may be called from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// An event of the journal: a checkpoint, a disk error, a recovery from one, the close.
#[napi(object)]
#[derive(Default)]
pub struct NativeJournalEvent {
    /// A `checkpoint` or `closed` event with a `code` says that it failed.
    #[napi(ts_type = "'checkpoint' | 'degraded' | 'healed' | 'closed'")]
    pub kind: String,
    pub ticket: Option<f64>,
    pub generation: Option<f64>,
    pub sessions: Option<f64>,
    pub bytes: Option<f64>,
    pub duration_ms: Option<f64>,
    pub code: Option<String>,
    pub message: Option<String>,
}

impl NativeJournalEvent {
    fn new(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            ..Self::default()
        }
    }

    fn with_snapshot(self, written: &SnapshotWritten) -> Self {
        Self {
            generation: Some(number(written.generation)),
            sessions: Some(number(written.sessions)),
            bytes: Some(number(written.bytes)),
            duration_ms: Some(number(written.millis)),
            ..self
        }
    }

    fn with_error(self, error: &Error) -> Self {
        Self {
            code: Some(error.code().to_owned()),
            message: Some(error.to_string()),
            ..self
        }
    }
}

impl From<News> for NativeJournalEvent {
    fn from(news: News) -> Self {
        match news {
            News::Checkpoint { ticket, written } => Self {
                ticket: Some(number(ticket)),
                ..Self::new("checkpoint").with_snapshot(&written)
            },
            News::CheckpointFailed { ticket, error } => Self {
                ticket: Some(number(ticket)),
                ..Self::new("checkpoint").with_error(&error)
            },
            News::Degraded(error) => Self::new("degraded").with_error(&error),
            News::Healed(written) => Self::new("healed").with_snapshot(&written),
            News::Closed(None) => Self::new("closed"),
            News::Closed(Some(error)) => Self::new("closed").with_error(&error),
        }
    }
}

/// A disk error.
#[napi(object)]
pub struct NativeIoError {
    pub code: String,
    pub message: String,
}

/// A running opening, on a thread of its own.
#[napi]
pub struct NativeOpening {
    task: BackgroundTask<(StoreHandle, Report)>,
}

#[napi]
impl NativeOpening {
    /// Starts an opening. `onDone` is called on this thread when it is over, and keeps the process alive until then.
    #[napi(constructor)]
    pub fn new(
        options: NativeOptions,
        journal: NativeJournalOptions,
        on_done: Function<'_, (), ()>,
        clock: Option<&NativeClock>,
    ) -> Result<Self> {
        guard(|| {
            let parts = Parts {
                options: options.into(),
                journal: (&journal).into(),
                clock: clock_or_system(clock),
                random: Arc::new(OsRandom),
            };
            let work = move |watch: &mut dyn Watch| open(&PathBuf::from(journal.path), parts, watch);
            let task = BackgroundTask::start("session-open", on_done, work)?;
            Ok(Self { task })
        })
    }

    /// Returns the number of bytes read so far, of bytes to read, and of sessions so far.
    #[napi]
    pub fn progress(&self) -> Result<Vec<f64>> {
        guard(|| Ok(self.task.progress().to_vec()))
    }

    /// Returns the store, or throws why it could not be opened. To be called once, after `onDone`.
    #[napi]
    pub fn finish(&self, results: Float64Array, on_signal: Function<'_, (), ()>) -> Result<NativeStore> {
        guard(|| {
            let (handle, report) = self.task.finish()?;
            NativeStore::over(handle, results, on_signal, Some((&report).into()))
        })
    }
}

#[napi]
impl NativeStore {
    /// Returns the report of the opening, at the first call; null at later calls and for a store in memory.
    #[napi(ts_return_type = "NativeRecovery | null")]
    pub fn recovery(&self) -> Result<Option<NativeRecovery>> {
        guard(|| Ok(self.take_recovery()))
    }

    /// Writes how far the journal is to the shared array, and returns its state: 0 healthy, 1 recovering from a disk error, 2 degraded
    /// because that failed several times, 3 closed.
    #[napi]
    pub fn acks(&self) -> Result<u32> {
        self.call(|handle, buffers| {
            // In this order: the state of a closed journal goes with its last positions.
            let health = handle.health();
            buffers.results.reached(&handle.reached());
            Ok(u32::from(health as u8))
        })
    }

    /// Returns the newest disk error.
    #[napi]
    pub fn io_error(&self) -> Result<Option<NativeIoError>> {
        self.call(|handle, _| {
            Ok(handle.io_error().map(|error| NativeIoError {
                code: error.code().to_owned(),
                message: error.to_string(),
            }))
        })
    }

    /// Requests a sync of everything written so far. It is done when the record whose number is in the shared array is synced.
    #[napi]
    pub fn flush(&self) -> Result<()> {
        self.write(|handle, _| handle.flush().map_err(|error| from_core(&error)))
    }

    /// Requests a checkpoint, and returns the ticket that its journal event will carry.
    #[napi]
    pub fn checkpoint(&self) -> Result<f64> {
        self.call(|handle, _| handle.checkpoint().map(number).map_err(|error| from_core(&error)))
    }

    /// Removes and returns the waiting journal events.
    #[napi]
    pub fn take_journal_events(&self) -> Result<Vec<NativeJournalEvent>> {
        self.call(|handle, _| {
            Ok(std::iter::from_fn(|| handle.take_news())
                .map(Into::into)
                .collect())
        })
    }
}
