//! The session rules across the data structures: what reading, writing and ending a session does to each of them. Single-threaded; the
//! time is an argument.

mod adopt;
mod evict;
pub mod image;
mod leave;
mod limit;
mod log;
mod outbox;
mod read;
mod saved;
mod user;
mod walk;
mod write;

pub(crate) use evict::Obstacle;
pub(crate) use user::{UserWalk, Walked};
pub(crate) use walk::Walk;

use crate::format::queue::Queue;
use crate::memory::bodies::Garbage;
use crate::memory::expiry::Expiry;
use crate::memory::index::Index;
use crate::memory::lru::Lru;
#[cfg(any(test, feature = "testing"))]
use crate::memory::record::Stored;
use crate::memory::record::{Record, Splicer};
use crate::memory::records::Records;
use crate::memory::slab::Slab;
use crate::memory::users::Users;
use crate::model::change::Options;
use crate::model::event::{Event, EventKind, Reason};
use crate::model::id::Handle;
use crate::model::stats::Stats;
use crate::model::time::NEVER;
use outbox::Outbox;

/// The former contents of a cleared store, to be reported and dropped without the lock; see [`Store::report_cleared`].
pub struct Retired {
    pub records: Records,
    _order: (Index, Expiry, Users),
}

/// The store: all sessions, and the structures that find, order, bound and report them. It cannot be cloned: a
/// [`crate::StoreHandle`] shares it between threads.
pub struct Store {
    options: Options,
    records: Records,
    index: Index,
    expiry: Expiry,
    /// The users' sessions, by user.
    by_user: Users,
    /// Each session is in exactly one of these two groups, by whether it has a user.
    guests: Group,
    users: Group,
    /// Bytes by which the sessions may exceed `max_bytes` until the expiry thread has evicted the excess; see [`Store::evict_excess`].
    overshoot: u64,
    /// See [`Store::take_obstacle`].
    obstacle: Option<Obstacle>,
    outbox: Outbox,
    garbage: Garbage,
    /// True if a session was removed since the last [`Store::take_garbage`]: the caller must unlock once before it sleeps, so that memory
    /// is freed and events are sent.
    has_removed: bool,
    stats: Stats,
    /// The journal's queue; `None` for a store in memory only.
    log: Option<Queue>,
    /// The ext field of the snapshot's head, kept for the next snapshot: it may have tags that this version does not know.
    ext: Vec<u8>,
    splicer: Splicer,
}

impl Store {
    /// An empty store without a journal.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            records: Records::default(),
            index: Index::default(),
            expiry: Expiry::default(),
            by_user: Users::default(),
            guests: Group::default(),
            users: Group::default(),
            overshoot: 0,
            obstacle: None,
            outbox: Outbox::default(),
            garbage: Garbage::new(),
            has_removed: false,
            stats: Stats::default(),
            log: None,
            ext: Vec::new(),
            splicer: Splicer::default(),
        }
    }

    /// Sessions held, including expired ones that were not swept yet.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.records.len()
    }

    /// Bytes held, as counted against `max_bytes`.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.guests.bytes + self.users.bytes
    }

    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            sessions: u64::from(self.len()),
            guests: u64::from(self.guests.lru.len()),
            bytes: self.bytes(),
            events_dropped: self.outbox.dropped(),
            ..self.stats
        }
    }

    /// Counts a request whose cookies named no live session, or several.
    pub fn count_rejected(&mut self) {
        self.stats.rejected += 1;
    }

    pub(crate) fn outbox_mut(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    pub(crate) fn take_garbage(&mut self) -> Garbage {
        self.has_removed = false;
        std::mem::take(&mut self.garbage)
    }

    /// True if a session was removed since the last [`Store::take_garbage`].
    pub(crate) fn has_removed(&self) -> bool {
        self.has_removed
    }

    #[cfg(test)]
    pub(crate) fn pages_of_bodies(&self) -> usize {
        self.records.pages_of_bodies()
    }

    /// Makes the structures contradict each other: the body of the session in the first slot is gone.
    #[cfg(test)]
    pub(crate) fn lose_a_body(&mut self) {
        self.records.lose_a_body();
    }

    /// True if [`Store::compact`] has something to do.
    pub(crate) fn wants_compaction(&self) -> bool {
        self.records.wants_compaction()
    }

    /// Moves bodies out of pages with few used cells, so that those pages can be freed. Looks at `slots` slots.
    pub(crate) fn compact(&mut self, slots: u32) {
        self.records.compact(slots, &mut self.garbage);
    }

    /// The earliest instant at which a sweep finds something to do; [`NEVER`] if there is none.
    pub(crate) fn due_at(&self) -> u64 {
        self.expiry.earliest().map_or(NEVER, |(deadline, _)| deadline)
    }

    fn find(&self, handle: Handle) -> Option<u32> {
        self.index
            .get(handle, |index| self.records.at(index).handle() == handle)
    }

    /// Adds a session's handle to the index.
    fn add_to_index(&mut self, handle: Handle, index: u32) {
        let records = &self.records;
        self.index
            .insert(handle, index, |index| records.at(index).handle());
    }

    /// Queues an event of the session at `index`, if a listener wants its kind.
    fn emit(&mut self, index: u32, kind: EventKind, reason: Reason) {
        if self.outbox.mask().has(kind) {
            let event = self.event_of(index, kind, reason);
            self.outbox.push(event);
        }
    }

    fn event_of(&self, index: u32, kind: EventKind, reason: Reason) -> Event {
        let session = self.records.at(index);
        Event {
            kind,
            reason,
            handle: session.handle(),
            uid: session.uid(),
        }
    }

    /// The group of guests or of users, and the slab that its list is threaded through.
    fn group(&mut self, is_user: bool) -> (&mut Group, &mut Slab<Record>) {
        let group = if is_user {
            &mut self.users
        } else {
            &mut self.guests
        };
        (group, self.records.slab_mut())
    }

    /// Makes a session the most recently used of its group.
    fn promote(&mut self, index: u32) {
        let (group, slab) = self.group(self.records.at(index).is_user());
        group.lru.promote(slab, index);
    }

    /// Adds a session to its group, as the most recently used.
    fn add_to_group(&mut self, is_user: bool, index: u32, bytes: u64) {
        let (group, slab) = self.group(is_user);
        group.lru.insert(slab, index);
        group.bytes += bytes;
    }

    /// Removes a session from its group.
    fn remove_from_group(&mut self, is_user: bool, index: u32, bytes: u64) {
        let (group, slab) = self.group(is_user);
        group.lru.remove(slab, index);
        group.bytes -= bytes;
    }

    /// Checks the invariants across the structures.
    ///
    /// # Panics
    /// If one does not hold.
    #[cfg(any(test, feature = "testing"))]
    #[expect(clippy::expect_used, reason = "it is there to panic")]
    pub fn validate(&self) {
        self.records.validate();
        let record = |index| -> Stored<'_> {
            self.records
                .get(index)
                .expect("lists, heap and index refer to live records")
        };
        self.expiry
            .validate(|index| self.records.get(index).map(|record| record.deadline()));
        self.index.validate(|index| record(index).handle());
        let (guests, mut users) = (
            self.guests.lru.validate(&self.records),
            self.users.lru.validate(&self.records),
        );
        assert!(
            guests.iter().all(|&index| !record(index).is_user())
                && users.iter().all(|&index| record(index).is_user())
        );
        assert_eq!(
            guests.len() + users.len(),
            self.len() as usize,
            "each record is in one list"
        );
        assert_eq!(
            self.expiry.len(),
            self.len() as usize,
            "each record has one heap entry"
        );
        for (group, members) in [(&self.guests, &guests), (&self.users, &users)] {
            assert_eq!(
                group.bytes,
                members.iter().map(|&index| record(index).bytes()).sum::<u64>()
            );
        }
        assert!(
            guests
                .iter()
                .chain(&users)
                .all(|&index| self.find(record(index).handle()) == Some(index))
        );
        let by_user = self.by_user.validate(|index| record(index).uid_units());
        let mut of_users: Vec<_> = by_user.into_iter().flatten().collect();
        of_users.sort_unstable();
        users.sort_unstable();
        assert_eq!(of_users, users, "each user's session is in its user's list");
        assert!(self.len() <= self.options.max_sessions);
        assert!(self.bytes() <= self.options.max_bytes + self.overshoot);
    }
}

/// All guests' sessions, or all users': the order in which they are evicted, and the sum of their `bytes()`.
#[derive(Debug, Default)]
struct Group {
    lru: Lru,
    bytes: u64,
}

#[cfg(test)]
mod tests;
