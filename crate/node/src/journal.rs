//! What a store with a journal has besides: its opening, its acknowledgements, its news.

use crate::background::BackgroundTask;
use crate::clock::{NativeClock, clock_or_system};
use crate::error::{Result, from_core, guard};
use crate::options::NativeOptions;
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

/// Where a store is kept, and how.
#[napi(object)]
pub struct NativeJournalOptions {
    pub path: String,
    /// 0: an acknowledgement promises nothing; 1: the system has it; 2: the disk has it.
    pub durability: u8,
    /// 0: damage is an error; 1: start empty; 2: take what can be read.
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
            ..Self::default()
        }
    }
}

/// What an opening found and did.
#[napi(object)]
pub struct NativeRecovery {
    /// The directory held nothing.
    pub created: bool,
    pub generation: f64,
    pub sessions: f64,
    pub expired: f64,
    pub evicted: f64,
    pub records: f64,
    pub torn_bytes: f64,
    pub torn_file: Option<String>,
    pub damaged: Vec<String>,
    /// Places in the files that were passed over, in words.
    pub damages: Vec<String>,
    pub clock_set_back: f64,
    pub duration_ms: f64,
}

impl From<&Report> for NativeRecovery {
    fn from(report: &Report) -> Self {
        Self {
            created: report.created,
            generation: number(report.generation),
            sessions: number(report.sessions),
            expired: number(report.expired),
            evicted: number(report.evicted),
            records: number(report.records),
            torn_bytes: number(report.torn_bytes),
            torn_file: report.torn_file.clone(),
            damaged: report.kept.clone(),
            damages: report.damages.iter().map(ToString::to_string).collect(),
            clock_set_back: number(report.clock_set_back),
            duration_ms: number(report.millis),
        }
    }
}

/// Something rare that happened to the files.
#[napi(object)]
#[derive(Default)]
pub struct NativeJournalEvent {
    /// With a code, a checkpoint or the close failed.
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

    fn about(self, written: &SnapshotWritten) -> Self {
        Self {
            generation: Some(number(written.generation)),
            sessions: Some(number(written.sessions)),
            bytes: Some(number(written.bytes)),
            duration_ms: Some(number(written.millis)),
            ..self
        }
    }

    fn with(self, error: &Error) -> Self {
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
                ..Self::new("checkpoint").about(&written)
            },
            News::CheckpointFailed { ticket, error } => Self {
                ticket: Some(number(ticket)),
                ..Self::new("checkpoint").with(&error)
            },
            News::Degraded(error) => Self::new("degraded").with(&error),
            News::Healed(written) => Self::new("healed").about(&written),
            News::Closed(None) => Self::new("closed"),
            News::Closed(Some(error)) => Self::new("closed").with(&error),
        }
    }
}

/// An error of the disk, as an error's code and message.
#[napi(object)]
pub struct NativeIoError {
    pub code: String,
    pub message: String,
}

/// An opening under way, on a thread of its own.
#[napi]
pub struct NativeOpening {
    task: BackgroundTask<(StoreHandle, Report)>,
}

#[napi]
impl NativeOpening {
    /// `onDone` is called on this thread when the opening is over, and keeps the process alive until then.
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

    /// Bytes read, bytes to read, sessions so far.
    #[napi]
    #[must_use]
    pub fn progress(&self) -> Vec<f64> {
        self.task.progress().to_vec()
    }

    /// Once, after `onDone`: the store, or the error that kept it from opening.
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
    /// What the opening found; null for a store in memory alone.
    #[napi(ts_return_type = "NativeRecovery | null")]
    pub fn recovery(&self) -> Option<NativeRecovery> {
        self.take_recovery()
    }

    /// Puts how far the journal is in the shared array. Answers 0 while all is well, 1 while an error of the disk is being mended, 2
    /// when that failed several times, 3 once the store is closed.
    #[napi]
    pub fn acks(&self) -> Result<u32> {
        self.call(|handle, buffers| {
            // In this order: what is closed has reached all it will.
            let health = handle.health();
            buffers.results.reached(&handle.reached());
            Ok(u32::from(health as u8))
        })
    }

    /// The newest error of the disk.
    #[napi]
    pub fn io_error(&self) -> Result<Option<NativeIoError>> {
        self.call(|handle, _| {
            Ok(handle.io_error().map(|error| NativeIoError {
                code: error.code().to_owned(),
                message: error.to_string(),
            }))
        })
    }

    /// Asks for a sync of all that was written; it is done when the record in the shared array is synced.
    #[napi]
    pub fn flush(&self) -> Result<()> {
        self.write(|handle, _| handle.flush().map_err(|error| from_core(&error)))
    }

    /// Asks for a checkpoint; answers its ticket.
    #[napi]
    pub fn checkpoint(&self) -> Result<f64> {
        self.call(|handle, _| handle.checkpoint().map(number).map_err(|error| from_core(&error)))
    }

    #[napi]
    pub fn take_journal_events(&self) -> Result<Vec<NativeJournalEvent>> {
        self.call(|handle, _| {
            Ok(std::iter::from_fn(|| handle.take_news())
                .map(Into::into)
                .collect())
        })
    }
}
