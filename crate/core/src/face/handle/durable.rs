//! What a handle of a store with a journal can be asked besides.

use super::StoreHandle;
use crate::lock::status::{Health, News, Reached};
use crate::model::error::Error;
use std::sync::atomic::Ordering;

impl StoreHandle {
    /// Whether what is written here survives.
    #[must_use]
    pub fn has_journal(&self) -> bool {
        self.shared().has_journal
    }

    /// The newest record when this handle last did something: once that is reached, so is what it did. 0 without a journal.
    #[must_use]
    pub fn lsn(&self) -> u64 {
        self.lsn.load(Ordering::Relaxed)
    }

    /// A second user of the same store.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn another(&self) -> Self {
        Self::new(&self.owner)
    }

    /// Up to which record things are done.
    #[must_use]
    pub fn reached(&self) -> Reached {
        self.shared().status.reached()
    }

    /// Whether writes reach the disk. [`Health::Closed`] once a closed handle's last operation has, or failed to.
    #[must_use]
    pub fn health(&self) -> Health {
        let status = &self.shared().status;
        let health = status.health();
        if self.left.load(Ordering::Relaxed) && !self.shared().lock().closed {
            let reached = status.reached();
            if reached.synced.max(reached.ends_failed) >= self.lsn() {
                return Health::Closed;
            }
        }
        health
    }

    /// The newest error of the disk.
    #[must_use]
    pub fn io_error(&self) -> Option<Error> {
        self.shared().status.error()
    }

    /// The oldest of the news that were not taken yet.
    #[must_use]
    pub fn take_news(&self) -> Option<News> {
        self.shared().take_news(self.seat)
    }

    /// Asks for all that was written to be synced. It is once [`StoreHandle::lsn`] is.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn flush(&self) -> Result<(), Error> {
        self.with(|store, _| {
            if let Some(log) = store.log_mut() {
                log.want_sync();
            }
        })
    }

    /// Asks for a checkpoint; answers its ticket, which is reached when it has ended, well or not.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn checkpoint(&self) -> Result<u64, Error> {
        let ticket = self.with_state(|state, _| {
            state.checkpoint_tickets += 1;
            state.checkpoint_tickets
        })?;
        self.shared().wake_writer();
        Ok(ticket)
    }
}
