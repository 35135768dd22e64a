//! The wait of the journal's thread, without its files: for the model checker, which would not finish with them.

use crate::face::handle::{Owner, StoreHandle};
use crate::format::queue::{Keep, Queue};
use crate::lock::shared::Shared;
use crate::model::change::Options;
use crate::model::clock::Clock;
use crate::model::durability::Durability;
use crate::model::lsn::Lsn;
use crate::model::random::OsRandom;
use crate::store::Store;
use std::sync::Arc;

/// The journal's side of a store without files: the caller of [`Waiting::take`] stands in for the journal's thread.
pub struct Waiting {
    shared: Arc<Shared>,
}

impl Waiting {
    /// Returns a handle to a new store, and the side that waits for its records.
    #[must_use]
    pub fn open(options: Options, clock: Arc<dyn Clock>) -> (StoreHandle, Self) {
        let mut store = Store::new(options);
        store.attach_log(Queue::new(Lsn::default(), Durability::Os));
        let shared = Arc::new(Shared::new(store, clock, Arc::new(OsRandom)));
        let handle = StoreHandle::new(&Arc::new(Owner::still(Arc::clone(&shared))));
        (handle, Self { shared })
    }

    /// Waits for records as the journal's thread does, and takes them. Returns the newest LSN, or `None` when the thread must end.
    #[must_use]
    pub fn take(&self) -> Option<Lsn> {
        if !self.shared.wait_for_work(None) {
            return None;
        }
        let mut guard = self.shared.lock();
        guard.store.log_mut().map(|log| log.restart(Keep::All).0)
    }

    /// Ends the wait, as the last owner of a store does.
    pub fn stop(&self) {
        self.shared.stop();
    }
}
