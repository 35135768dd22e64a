//! The sessions and every invariant across the structures that hold them. Single-threaded; the time is an argument.

mod adopt;
pub mod image;
mod lease;
mod leave;
mod log;
mod outbox;
mod saved;
mod walk;
mod write;

pub(crate) use adopt::Twins;

use crate::format::queue::Entries;
use crate::memory::bodies::Garbage;
use crate::memory::expiry::Expiry;
use crate::memory::index::Index;
use crate::memory::lru::Lru;
use crate::memory::record::Record;
#[cfg(any(test, feature = "testing"))]
use crate::memory::record::Stored;
use crate::memory::records::Records;
use crate::memory::slab::Slab;
use crate::model::change::Options;
use crate::model::error::Error;
use crate::model::event::{Event, EventKind, Reason};
use crate::model::facts::Facts;
use crate::model::id::{Handle, HandleCipher, SessionKey};
use crate::model::random::Random;
use crate::model::stats::Stats;
use crate::model::text::TextBuffer;
use crate::model::time::{NEVER, is_over};
use lease::Lease;
use outbox::Events;

/// What a cleared store held, to be taken apart where nobody waits for it; see [`Store::report_cleared`].
pub struct Retired {
    pub records: Records,
    _order: (Index, Expiry),
}

/// The store. A clone does not exist; [`crate::StoreHandle`] shares it.
pub struct Store {
    options: Options,
    cipher: HandleCipher,
    records: Records,
    index: Index,
    expiry: Expiry,
    /// Each record is in exactly one of these, by whether it has a user.
    guests: Class,
    users: Class,
    events: Events,
    garbage: Garbage,
    /// A session left, since the garbage was taken.
    left_behind: bool,
    stats: Stats,
    /// What the journal is to be told, if there is one.
    log: Option<Entries>,
    /// How far handles may go, then.
    lease: Option<Lease>,
}

impl Store {
    /// # Errors
    /// [`Error::Random`] when there is no randomness for the handles' key.
    pub fn new(options: Options, random: &dyn Random) -> Result<Self, Error> {
        let key = HandleCipher::generate_key(random)?;
        Ok(Self::with(options, key, Records::new(1)))
    }

    fn with(options: Options, handle_key: [u8; 16], records: Records) -> Self {
        Self {
            options,
            cipher: HandleCipher::new(handle_key),
            records,
            index: Index::default(),
            expiry: Expiry::default(),
            guests: Class::default(),
            users: Class::default(),
            events: Events::default(),
            garbage: Garbage::new(),
            left_behind: false,
            stats: Stats::default(),
            log: None,
            lease: None,
        }
    }

    #[must_use]
    pub fn len(&self) -> u32 {
        self.records.len()
    }

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
            events_dropped: self.events.dropped(),
            ..self.stats
        }
    }

    #[cfg(test)]
    pub(crate) fn places(&self) -> u32 {
        self.records.capacity()
    }

    /// Counts a cookie that named no live session, or several.
    pub fn count_rejected(&mut self) {
        self.stats.rejected += 1;
    }

    pub(crate) fn events_mut(&mut self) -> &mut Events {
        &mut self.events
    }

    pub(crate) fn take_garbage(&mut self) -> Garbage {
        self.left_behind = false;
        std::mem::take(&mut self.garbage)
    }

    /// Whether a session left of which there may be something to drop, to tell or to write: all outside the lock.
    pub(crate) fn has_left_behind(&self) -> bool {
        self.left_behind
    }

    #[cfg(test)]
    pub(crate) fn pages_of_bodies(&self) -> usize {
        self.records.pages_of_bodies()
    }

    /// Whether [`Store::compact`] has something to do.
    pub(crate) fn wants_compaction(&self) -> bool {
        self.records.wants_compaction()
    }

    /// Moves sessions' bodies together, so that pages of which few cells are used can go; looks at so many slots.
    pub(crate) fn compact(&mut self, slots: u32) {
        self.records.compact(slots, &mut self.garbage);
    }

    /// The earliest instant at which a sweep finds something to do.
    pub(crate) fn due_at(&self) -> u64 {
        self.expiry.earliest().map_or(NEVER, |(deadline, _)| deadline)
    }

    /// Whether a live session has this key. Neither activity nor use.
    pub fn has(&mut self, key: SessionKey, now: u64) -> bool {
        self.live(key, now).is_some()
    }

    /// Reads a session: its text goes to `buffer`. A use: it becomes the most recently used. With `touch` also the
    /// user's activity: the idle deadline moves.
    pub fn load(&mut self, key: SessionKey, now: u64, touch: bool, buffer: &mut TextBuffer) -> Option<Facts> {
        let Some(index) = self.live(key, now) else {
            self.stats.misses += 1;
            return None;
        };
        self.stats.hits += 1;
        self.promote(index);
        if touch {
            self.see(index, now);
        }
        let record = self.records.get(index)?;
        record.read_into(buffer);
        Some(record.facts())
    }

    /// Notes the user's activity, and sets the session's own idle timeout if one is given.
    pub fn touch(&mut self, key: SessionKey, now: u64, idle_timeout: Option<u64>) -> Option<Facts> {
        let index = self.live(key, now)?;
        self.promote(index);
        if let Some(timeout) = idle_timeout {
            self.records.get_mut(index)?.set_last_seen(now);
            self.records.set_idle_timeout(index, timeout, &mut self.garbage);
            self.log_touch(index);
        } else {
            self.see(index, now);
        }
        let facts = self.records.get(index)?.facts();
        self.expiry.arm(index, facts.deadline());
        Some(facts)
    }

    /// The public name of a live session.
    pub fn handle_of(&mut self, key: SessionKey, now: u64) -> Option<Handle> {
        let index = self.live(key, now)?;
        Some(self.cipher.seal(self.records.slot(index)))
    }

    fn find(&self, key: SessionKey) -> Option<u32> {
        self.index.get(key, |index| {
            self.records.get(index).is_some_and(|record| record.key() == key)
        })
    }

    /// The one way to a session by its key: a dead one is removed here and now, whatever the sweeper does.
    fn live(&mut self, key: SessionKey, now: u64) -> Option<u32> {
        let index = self.find(key)?;
        let deadline = self.records.get(index)?.deadline();
        if is_over(deadline, now) {
            self.expire(index);
            return None;
        }
        Some(index)
    }

    fn emit(&mut self, index: u32, kind: EventKind, reason: Reason) {
        if self.events.mask().has(kind) {
            let handle = self.cipher.seal(self.records.slot(index));
            let uid = self.records.get(index).and_then(|record| record.uid());
            self.events.push(Event {
                kind,
                reason,
                handle,
                uid,
            });
        }
    }

    /// The class of a guest's or a user's record, and the slab that its list runs through.
    fn class(&mut self, is_user: bool) -> (&mut Class, &mut Slab<Record>) {
        let class = if is_user {
            &mut self.users
        } else {
            &mut self.guests
        };
        (class, self.records.slab_mut())
    }

    fn promote(&mut self, index: u32) {
        if let Some(is_user) = self.records.get(index).map(|record| record.is_user()) {
            let (class, slab) = self.class(is_user);
            class.lru.promote(slab, index);
        }
    }

    /// Adds a record of so many bytes to its class, as the most recently used.
    fn join(&mut self, is_user: bool, index: u32, bytes: u64) {
        let (class, slab) = self.class(is_user);
        class.lru.insert(slab, index);
        class.bytes += bytes;
    }

    fn part(&mut self, is_user: bool, index: u32, bytes: u64) {
        let (class, slab) = self.class(is_user);
        class.lru.remove(slab, index);
        class.bytes -= bytes;
    }

    /// Checks what must always hold across the structures.
    ///
    /// # Panics
    /// When it does not.
    #[cfg(any(test, feature = "testing"))]
    #[expect(clippy::expect_used, reason = "it is there to panic")]
    pub fn validate(&self) {
        self.records.validate();
        let record = |index| -> Stored<'_> {
            self.records
                .get(index)
                .expect("lists and tables name live records")
        };
        self.expiry
            .validate(|index| self.records.get(index).map(|record| record.deadline()));
        self.index.validate(|index| record(index).key());
        let (guests, users) = (
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
        for (class, members) in [(&self.guests, &guests), (&self.users, &users)] {
            assert_eq!(
                class.bytes,
                members.iter().map(|&index| record(index).bytes()).sum::<u64>()
            );
        }
        assert!(
            guests
                .iter()
                .chain(&users)
                .all(|&index| self.find(record(index).key()) == Some(index))
        );
        assert!(self.len() <= self.options.max_sessions && self.bytes() <= self.options.max_bytes);
    }
}

/// The records of guests, or those of users: the order in which they leave, and the sum of their `bytes()`.
#[derive(Debug, Default)]
struct Class {
    lru: Lru,
    bytes: u64,
}

#[cfg(test)]
mod tests;
