//! The directories that this process has open: its threads share one store for each.

use crate::face::handle::{Owner, StoreHandle};
use crate::face::open::Report;
use crate::lock::shared::Shared;
use crate::lock::status::Health;
use crate::model::error::Error;
use parking_lot::Mutex;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Device and inode of a directory.
type Identity = (u64, u64);

struct Open {
    identity: Identity,
    owner: Weak<Owner>,
    /// Outlives the owner until its threads have ended, and with them the directory's lock.
    shared: Weak<Shared>,
    report: Report,
}

/// Held while a store opens, so that a second opening of its directory waits for the first.
static OPEN: Mutex<Vec<Open>> = Mutex::new(Vec::new());

/// How often a directory is looked at whose store is about to end.
const LOOK: Duration = Duration::from_millis(5);

/// Joins the store that is open in a directory, or opens one.
pub fn join_or_open(
    identity: Identity,
    open: impl FnOnce() -> Result<(Owner, Report), Error>,
) -> Result<(StoreHandle, Report), Error> {
    let mut stores = OPEN.lock();
    loop {
        stores.retain(|store| store.shared.strong_count() > 0);
        let Some(there) = stores.iter().find(|store| store.identity == identity) else {
            break;
        };
        if let Some(owner) = there.owner.upgrade() {
            if owner.shared.status.health() == Health::Closed {
                stores.retain(|store| store.identity != identity);
                break;
            }
            if let Some(handle) = StoreHandle::join(&owner) {
                return Ok((handle, there.report.clone()));
            }
        }
        // It was closed, dropped or poisoned, and its last write is under way.
        parking_lot::MutexGuard::unlocked(&mut stores, || std::thread::sleep(LOOK));
    }
    let (owner, report) = open()?;
    let owner = Arc::new(owner);
    stores.push(Open {
        identity,
        owner: Arc::downgrade(&owner),
        shared: Arc::downgrade(&owner.shared),
        report: report.clone(),
    });
    Ok((StoreHandle::new(&owner), report))
}
