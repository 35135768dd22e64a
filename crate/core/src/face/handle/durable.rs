//! The methods of a handle that are about the journal.

use super::StoreHandle;
use crate::lock::status::{Health, News, Reached};
use crate::model::error::Error;
use crate::model::lsn::Lsn;
use std::sync::atomic::Ordering;

impl StoreHandle {
    /// True if the store is on disk.
    #[must_use]
    pub fn has_journal(&self) -> bool {
        self.shared().has_journal
    }

    /// The store's newest LSN at this handle's last operation, which is durable once that LSN is. 0 without a journal.
    #[must_use]
    pub fn lsn(&self) -> Lsn {
        self.lsn.load(Ordering::Relaxed)
    }

    /// Another handle of the same store.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn another(&self) -> Self {
        Self::new(&self.owner)
    }

    /// The newest LSN that has reached each stage.
    #[must_use]
    pub fn reached(&self) -> Reached {
        self.shared().status.reached()
    }

    /// Whether writes reach the disk. [`Health::Closed`] once the last operation of a closed handle has reached it or has failed.
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

    /// Takes the oldest piece of news.
    #[must_use]
    pub fn take_news(&self) -> Option<News> {
        self.shared().take_news(self.seat)
    }

    /// Requests a sync of everything written so far. It is done once [`StoreHandle::lsn`] is synced.
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

    /// Requests a checkpoint and returns its ticket, which is reached when the checkpoint has ended, successfully or not.
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
