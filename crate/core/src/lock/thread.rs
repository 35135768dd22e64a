//! The threads of a store: one that expires sessions, one that writes the journal.

use crate::lock::shared::Shared;
use crate::lock::sync::{JoinHandle, spawn};
use crate::model::error::Error;
use std::sync::Arc;

/// The owner of one of a store's threads. Dropping it tells the store's threads to end and joins this one; the journal's first writes what
/// is queued to the operating system.
pub(crate) struct StoreThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl StoreThread {
    /// Starts a thread that runs `run`.
    ///
    /// # Errors
    /// [`Error::Thread`].
    pub fn start(
        shared: &Arc<Shared>,
        name: &str,
        run: impl FnOnce(&Shared) + Send + 'static,
    ) -> Result<Self, Error> {
        let mine = Arc::clone(shared);
        let thread = spawn(name, move || run(&mine)).map_err(|error| Error::Thread {
            reason: error.to_string(),
        })?;
        Ok(Self {
            shared: Arc::clone(shared),
            thread: Some(thread),
        })
    }
}

impl Drop for StoreThread {
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was printed and has poisoned the store; there is nothing to add.
            let _ = thread.join();
        }
    }
}
