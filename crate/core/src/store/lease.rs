//! Generations of slots are given only as far as the disk knows that they may have been given. Else a session that a power cut took and
//! a later one could have the same slot, hence the same handle, and whoever wanted to end the one would end the other.

use super::Store;
use crate::memory::records::Records;

/// Generations asked for at a time. Each opening takes as many, of which there are 2^32.
const TERM: u32 = 1 << 16;
/// Kept for stores that are cleared, since each clearing takes a new generation for all slots at once.
const CLEARINGS: u32 = TERM / 2;
/// More are asked for when so many are left.
const LOW: u32 = TERM / 4 * 3;

/// How far generations may go, of a store with a journal.
#[derive(Debug)]
pub(super) struct Lease {
    /// The disk knows that they may go as far as that.
    ceiling: u32,
    /// What was asked for, and the record that says so.
    asked: Option<(u32, u64)>,
}

impl Lease {
    /// The newest generation that the next life must not give again, if this is the time at which it learns of it.
    pub fn reserved(&self) -> u32 {
        self.asked.map_or(self.ceiling, |(ceiling, _)| ceiling)
    }

    /// The newest generation under which a place is filled again. Without a limit once the numbers have come to their end.
    fn limit(&self) -> u32 {
        match self.ceiling {
            u32::MAX => u32::MAX,
            ceiling => ceiling.saturating_sub(CLEARINGS),
        }
    }
}

impl Store {
    /// Asks for the first generations of this life. Nobody may use the store before the disk has that record.
    pub(crate) fn lease_generations(&mut self) {
        let ceiling = self.records.newest_generation().saturating_add(TERM);
        if let Some(log) = &mut self.log {
            log.reserve(ceiling);
            let lease = Lease { ceiling, asked: None };
            self.records.limit(lease.limit());
            self.lease = Some(lease);
        }
    }

    /// Asks for more in time. Nobody waits for that: until the disk has it, places whose generations have run out are not filled again.
    pub(super) fn renew_lease(&mut self) {
        let Some(lease) = &mut self.lease else { return };
        let newest = self.records.newest_generation();
        if lease.asked.is_some() || lease.ceiling == u32::MAX || newest < lease.ceiling.saturating_sub(LOW) {
            return;
        }
        if let Some(log) = &mut self.log {
            let ceiling = newest.saturating_add(TERM);
            lease.asked = Some((ceiling, log.reserve(ceiling)));
        }
    }

    /// The disk has all up to the record `lsn`.
    pub(crate) fn synced(&mut self, lsn: u64) {
        let Some(lease) = &mut self.lease else { return };
        if let Some((ceiling, asked)) = lease.asked
            && asked <= lsn
        {
            lease.ceiling = ceiling;
            lease.asked = None;
            self.records.limit(lease.limit());
        }
    }

    /// Records that replace this store's, and go on with their generations.
    pub(super) fn next_records(&self) -> Records {
        let mut records = Records::new(self.records.next_generation());
        if let Some(lease) = &self.lease {
            records.limit(lease.limit());
        }
        records
    }
}

#[cfg(test)]
mod tests {
    use super::{CLEARINGS, TERM};
    use crate::face::open::Parts;
    use crate::journal::options::JournalOptions;
    use crate::model::change::{NewSession, Options};
    use crate::model::clock::ManualClock;
    use crate::model::id::Handle;
    use crate::model::random::OsRandom;
    use crate::model::text::Text;
    use crate::testing::disk::{Crash, SimulatedDisk};
    use crate::testing::simulation::SimulatedStore;
    use std::collections::HashSet;
    use std::sync::Arc;

    /// A store in which each session pushes out the one before.
    fn open(disk: &SimulatedDisk) -> SimulatedStore {
        let parts = Parts {
            options: Options {
                max_sessions: 1,
                max_bytes: 1 << 20,
                max_session_bytes: 1 << 10,
                idle_timeout: 1_000,
                guest_idle_timeout: 1_000,
                absolute_timeout: 10_000,
            },
            journal: JournalOptions::default(),
            clock: Arc::new(ManualClock::new(1_000)),
            random: Arc::new(OsRandom),
        };
        SimulatedStore::open(disk, parts).unwrap()
    }

    fn create(store: &SimulatedStore, given: &mut HashSet<Handle>) {
        let new = NewSession {
            uid: Text::Latin1(b""),
            form: Text::Latin1(b""),
            data: Text::Latin1(b"{}"),
            idle_timeout: None,
            absolute_timeout: None,
        };
        let (id, _) = store.handle.create(&new).unwrap();
        let handle = store.handle.handle_of(id.key()).unwrap().unwrap();
        assert!(given.insert(handle), "a handle that named another session");
    }

    /// A power cut took sessions whose handles somebody had noted, and the next life gave the same handles to others: who ended a session
    /// by its handle ended a stranger's.
    #[test]
    fn no_handle_of_a_session_that_a_power_cut_took_is_given_again() {
        let mut disk = SimulatedDisk::new();
        let mut given = HashSet::new();
        for life in 0..2 {
            let store = open(&disk);
            // The disk takes nothing of it; more than it was told of at the opening.
            for _ in 0..TERM + TERM / 2 {
                create(&store, &mut given);
            }
            store.validate();
            disk = disk.crash(life, Crash::PowerCutLosingAll);
        }
    }

    #[test]
    fn nor_is_one_of_a_store_that_was_cleared_again_and_again() {
        let mut disk = SimulatedDisk::new();
        let mut given = HashSet::new();
        for life in 0..2 {
            let store = open(&disk);
            for _ in 0..CLEARINGS - 1 {
                create(&store, &mut given);
                store.handle.clear().unwrap();
            }
            disk = disk.crash(life, Crash::PowerCutLosingAll);
        }
    }

    /// Places whose generations had run out are filled again once the disk has that more may be given: a store does not grow for it.
    #[test]
    fn a_store_whose_disk_keeps_up_stays_in_its_places() {
        let disk = SimulatedDisk::new();
        let mut given = HashSet::new();
        let mut store = open(&disk);
        for n in 0..TERM {
            create(&store, &mut given);
            if n % 1_000 == 0 {
                store.handle.flush().unwrap();
                store.settle();
            }
        }
        store.validate();
        assert_eq!(store.places(), 1);
        // Without a sync in time there are more, and with one no further ones.
        for _ in 0..TERM {
            create(&store, &mut given);
        }
        let places = store.places();
        assert!((2..4).contains(&places), "{places}");
        for _ in 0..TERM / 1_000 {
            for _ in 0..1_000 {
                create(&store, &mut given);
            }
            store.handle.flush().unwrap();
            store.settle();
        }
        store.validate();
        assert!(store.places() <= places + 1);
    }
}
