//! The directories that this process has open or is opening. Its threads share one store per directory.

use crate::face::handle::{Owner, StoreHandle};
use crate::face::report::Report;
use crate::face::terms::Terms;
use crate::journal::recover::Watch;
use crate::lock::shared::Shared;
use crate::lock::status::Health;
use crate::model::error::Error;
use parking_lot::{Condvar, Mutex};
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Device and inode of a directory.
type DirectoryId = (u64, u64);

struct OpenDirectory {
    identity: DirectoryId,
    state: DirectoryState,
}

enum DirectoryState {
    /// A thread is opening a store there.
    Opening,
    Open {
        owner: Weak<Owner>,
        /// May outlive the owner: until the store's threads have ended and released the directory's lock.
        shared: Weak<Shared>,
        report: Report,
        terms: Arc<Terms>,
    },
}

/// One entry per directory. Never locked while waiting for a disk, so that openings of different directories do not wait for each other.
static DIRECTORIES: Mutex<Vec<OpenDirectory>> = Mutex::new(Vec::new());

/// Notified when an opening has ended.
static OPENED: Condvar = Condvar::new();

/// How often a waiting opening checks whether it was cancelled, or whether the closed store has released its directory.
const LOOK: Duration = Duration::from_millis(5);

/// Joins the store that is open in a directory, or opens one. Waits while another thread opens one there, and while a closed one is
/// still writing.
///
/// # Errors
/// Those of `open`; [`Error::OptionsDiffer`]; [`Error::Closed`] if the opening is cancelled while it waits.
pub fn join_or_open(
    path: &Path,
    identity: DirectoryId,
    terms: Terms,
    watch: &mut dyn Watch,
    open: impl FnOnce(&mut dyn Watch) -> Result<(Owner, Report), Error>,
) -> Result<(StoreHandle, Report), Error> {
    let reservation = loop {
        match find_or_reserve(identity) {
            Lookup::Nothing(reservation) => break reservation,
            Lookup::Open(owner, ..) if owner.shared.status.health() == Health::Closed => {
                forget(&owner);
                continue;
            }
            // With a store that was closed there is nothing to agree on.
            Lookup::Open(owner, report, agreed) if owner.shared.lock().usable().is_ok() => {
                let differences = agreed.differences(&terms);
                if !differences.is_empty() {
                    return Err(Error::OptionsDiffer {
                        path: path.to_owned(),
                        differences,
                    });
                }
                if let Some(handle) = StoreHandle::join(&owner) {
                    return Ok((handle, report));
                }
            }
            Lookup::Open(..) | Lookup::Busy => {}
        }
        if watch.is_cancelled() {
            return Err(Error::Closed);
        }
        OPENED.wait_for(&mut DIRECTORIES.lock(), LOOK);
    };
    let (owner, report) = open(watch)?;
    let owner = Arc::new(owner);
    // Before others can join the store: one that joined and left it as its only handle would close it for this opening, too.
    let handle = StoreHandle::new(&owner);
    reservation.fill(&owner, &report, terms);
    Ok((handle, report))
}

/// What the registry says of a directory.
enum Lookup {
    Nothing(Reservation),
    /// Must be dropped without the registry's lock: the last owner joins the store's threads, which may wait for the disk.
    Open(Arc<Owner>, Report, Arc<Terms>),
    /// It is being opened, or a dropped store is still writing.
    Busy,
}

fn find_or_reserve(identity: DirectoryId) -> Lookup {
    let mut entries = DIRECTORIES.lock();
    entries.retain(|entry| match &entry.state {
        DirectoryState::Opening => true,
        DirectoryState::Open { shared, .. } => shared.strong_count() > 0,
    });
    match entries.iter().find(|entry| entry.identity == identity) {
        None => {
            let state = DirectoryState::Opening;
            entries.push(OpenDirectory { identity, state });
            Lookup::Nothing(Reservation { identity })
        }
        Some(OpenDirectory {
            state: DirectoryState::Open {
                owner, report, terms, ..
            },
            ..
        }) => match owner.upgrade() {
            Some(owner) => Lookup::Open(owner, report.clone(), Arc::clone(terms)),
            None => Lookup::Busy,
        },
        Some(_) => Lookup::Busy,
    }
}

/// Removes the entry of a closed store, which has released its directory.
fn forget(closed: &Owner) {
    DIRECTORIES.lock().retain(|entry| match &entry.state {
        DirectoryState::Opening => true,
        DirectoryState::Open { shared, .. } => shared.as_ptr() != Arc::as_ptr(&closed.shared),
    });
}

/// The registry entry of a directory in which this thread is opening a store. If it is dropped without a store, by an error or a panic,
/// the entry is removed, and the openings that wait for it try by themselves.
struct Reservation {
    identity: DirectoryId,
}

impl Reservation {
    fn fill(self, owner: &Arc<Owner>, report: &Report, terms: Terms) {
        let open = DirectoryState::Open {
            owner: Arc::downgrade(owner),
            shared: Arc::downgrade(&owner.shared),
            report: report.clone(),
            terms: Arc::new(terms),
        };
        // Unlocked before `self` is dropped, which locks again and notifies the openings that wait.
        let mut entries = DIRECTORIES.lock();
        if let Some(entry) = entries.iter_mut().find(|entry| entry.identity == self.identity) {
            entry.state = open;
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        DIRECTORIES.lock().retain(|entry| {
            entry.identity != self.identity || !matches!(entry.state, DirectoryState::Opening)
        });
        OPENED.notify_all();
    }
}
