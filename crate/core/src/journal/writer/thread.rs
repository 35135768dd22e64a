//! The thread that a writer runs on.

use super::{Turn, Writer};
use crate::lock::shared::{Shared, TellOfPanic};
use crate::lock::status::{Health, News};
use crate::lock::sync::{JoinHandle, spawn};
use crate::model::error::Error;
use std::sync::Arc;

/// Joins its thread when dropped. What was queued is handed to the operating system first.
pub struct WriterThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Says that the files are let go of when the writer panics, as it does itself at its end.
struct CloseOnPanic<'a>(&'a Shared);

impl Drop for CloseOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.status.set_health(Health::Closed);
            self.0.tell(&News::Closed(Some(Error::Poisoned)));
        }
    }
}

impl WriterThread {
    /// # Errors
    /// [`Error::Thread`].
    pub fn start(shared: &Arc<Shared>, writer: Writer) -> Result<Self, Error> {
        let mine = Arc::clone(shared);
        let run = move || {
            let _close = CloseOnPanic(&mine);
            // Gone before the store counts as closed, and its lock with it.
            let mut writer = writer;
            // Nothing would be written any more; and nobody waits for the end of a checkpoint to be told so.
            let _tell = TellOfPanic(&mine);
            loop {
                match writer.turn() {
                    Turn::Again => {}
                    Turn::Ended => return,
                    Turn::Idle(timeout) => {
                        if !mine.wait_for_work(timeout) {
                            return;
                        }
                    }
                }
            }
        };
        let thread = spawn("session-journal", run).map_err(|error| Error::Thread {
            reason: error.to_string(),
        })?;
        Ok(Self {
            shared: Arc::clone(shared),
            thread: Some(thread),
        })
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.thread.take() {
            // A panic in there has poisoned the store and was printed.
            let _ = thread.join();
        }
    }
}
