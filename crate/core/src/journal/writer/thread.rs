//! The thread of the journal's writer.

use super::{Turn, Writer};
use crate::lock::shared::{NotifyOfPanic, Shared};
use crate::lock::status::{Health, News};
use crate::lock::sync::{JoinHandle, spawn};
use crate::model::error::Error;
use std::sync::Arc;

/// A running writer thread. Dropping it joins the thread, which first writes what is queued to the operating system.
pub struct WriterThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// A guard that reports the store as closed if the writer panics. Otherwise the writer does so itself.
struct CloseOnPanic<'a>(&'a Shared);

impl Drop for CloseOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.status.set_health(Health::Closed);
            self.0.publish(&News::Closed(Some(Error::Poisoned)));
        }
    }
}

impl WriterThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// [`Error::Thread`].
    pub fn start(shared: &Arc<Shared>, writer: Writer) -> Result<Self, Error> {
        let mine = Arc::clone(shared);
        let run = move || {
            let _close = CloseOnPanic(&mine);
            // Dropped before `_close` reports the close, and the directory's lock with it.
            let mut writer = writer;
            // Dropped before the writer, so that waiting callers fail before it joins the checkpoint's thread.
            let _tell = NotifyOfPanic(&mine);
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
