//! The inspection of a store's directory: reads all of it and changes nothing.

use crate::background::BackgroundTask;
use crate::error::{Result, guard};
use crate::inspected::NativeInspected;
use agai_session_core::inspect::{Ask, Inspection, inspect};
use agai_session_core::journal::recover::Watch;
use agai_session_core::model::clock::{Clock, SystemClock};
use napi::bindgen_prelude::Function;
use napi_derive::napi;
use std::path::PathBuf;

/// A running inspection, on a thread of its own.
#[napi]
pub struct NativeInspection {
    task: BackgroundTask<Inspection>,
}

#[napi]
impl NativeInspection {
    /// Starts an inspection that lists up to `list` sessions, with their data if `data` is true. `onDone` is called on this thread when
    /// the inspection is over, and keeps the process alive until then.
    #[napi(constructor)]
    pub fn new(path: String, list: u32, data: bool, on_done: Function<'_, (), ()>) -> Result<Self> {
        guard(|| {
            let ask = Ask {
                list: list as usize,
                data,
            };
            let work = move |watch: &mut dyn Watch| {
                let now = SystemClock::default().now();
                inspect(&PathBuf::from(path), ask, now, watch)
            };
            let task = BackgroundTask::start("session-inspect", on_done, work)?;
            Ok(Self { task })
        })
    }

    /// Returns the number of bytes read so far, and of bytes to read in all passes over the files.
    #[napi]
    pub fn progress(&self) -> Result<Vec<f64>> {
        guard(|| {
            let [read, total, _] = self.task.progress();
            Ok(vec![read, total])
        })
    }

    /// Returns what was found, or throws why nothing could be read. To be called once, after `onDone`.
    #[napi]
    pub fn finish(&self) -> Result<NativeInspected> {
        guard(|| Ok(self.task.finish()?.into()))
    }
}
