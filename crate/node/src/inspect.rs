//! Looking into a directory without changing anything in it, on a thread of its own.

use crate::background::BackgroundTask;
use crate::error::{Result, guard};
use crate::inspected::NativeInspected;
use agai_session_core::inspect::{Ask, Inspection, inspect};
use agai_session_core::journal::recover::Watch;
use agai_session_core::model::clock::{Clock, SystemClock};
use napi::bindgen_prelude::Function;
use napi_derive::napi;
use std::path::PathBuf;

/// An inspection under way, on a thread of its own.
#[napi]
pub struct NativeInspection {
    task: BackgroundTask<Inspection>,
}

#[napi]
impl NativeInspection {
    /// Lists `list` sessions, with their data if `data`. `onDone` is called on this thread when it is over, and keeps the process alive
    /// until then.
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

    /// Bytes read, and bytes to read in all passes over the files.
    #[napi]
    #[must_use]
    pub fn progress(&self) -> Vec<f64> {
        let [read, total, _] = self.task.progress();
        vec![read, total]
    }

    /// Once, after `onDone`: what was found, or why nothing could be.
    #[napi]
    pub fn finish(&self) -> Result<NativeInspected> {
        guard(|| Ok(self.task.finish()?.into()))
    }
}
