//! All sessions, addressed by the index of their slot. Other structures find that index: the hash map by a handle, the LRU list for
//! eviction, the heap for expiry.

#![expect(
    clippy::indexing_slicing,
    reason = "a body that is not laid out as its record says must panic"
)]

use crate::memory::bodies::{Bodies, Garbage};
use crate::memory::record::{
    Body, BodyFacts, Contents, Fixed, LOGGED_AT, Layout, Overwrites, Record, Stored, cap, is_log_due, mark,
    shift_back,
};
use crate::memory::slab::Slab;
use crate::memory::timeouts::{Timeout, Timeouts};
use crate::model::id::Handle;
use crate::model::keys::KeyChange;
use crate::model::text::OwnedText;
use std::ops::Deref;

/// All sessions: the slab of records, and the bodies and timeouts that the records refer to. Memory that a call frees is moved to its
/// `garbage`, which the caller drops after unlocking.
#[derive(Debug, Default)]
pub struct Records {
    slab: Slab<Record>,
    bodies: Bodies,
    timeouts: Timeouts,
    /// The slot to look at next, while a compaction is under way.
    compacting: Option<u32>,
}

/// Gives access to the slab's counts and links. [`Records::get`] reads a session.
impl Deref for Records {
    type Target = Slab<Record>;
    fn deref(&self) -> &Slab<Record> {
        &self.slab
    }
}

impl Records {
    /// The session at an index, if the slot is occupied.
    pub fn get(&self, index: u32) -> Option<Stored<'_>> {
        let record = self.slab.get(index)?;
        Some(Stored::new(record, &self.bodies, &self.timeouts))
    }

    /// The part of a session that is in its slot.
    pub fn get_mut(&mut self, index: u32) -> Option<&mut Record> {
        self.slab.get_mut(index)
    }

    /// The session at an index that the caller knows to be occupied.
    ///
    /// # Panics
    /// If it is not: the store's structures contradict each other, and going on would let the wrong sessions in.
    #[expect(
        clippy::expect_used,
        reason = "a contradiction in memory must panic, which poisons the store"
    )]
    pub fn at(&self, index: u32) -> Stored<'_> {
        self.get(index)
            .expect("lists, heap and index name occupied slots")
    }

    /// The slab, for the LRU lists whose links it holds.
    pub fn slab_mut(&mut self) -> &mut Slab<Record> {
        &mut self.slab
    }

    /// Encodes contents as a body. The body must be stored before another session is added, which could fill the table of timeouts.
    pub fn encode(&self, contents: &Contents<'_>) -> Body {
        Body::new(contents, self.timeouts.can_keep(contents.idle_timeout))
    }

    /// Adds a session and returns its slot index; `None`, and nothing is changed, if there is no slot or no address left.
    pub fn insert(&mut self, fixed: Fixed, body: Body, garbage: &mut Garbage) -> Option<u32> {
        let record = self.record(fixed, body, garbage)?;
        match self.slab.insert(record) {
            Ok(slot) => Some(slot),
            Err(record) => {
                self.release(&record, garbage);
                None
            }
        }
    }

    /// Replaces the session at `index`, fixed part and body; false, and nothing is changed, if there is no address left.
    ///
    /// # Panics
    /// As [`Records::at`].
    pub fn replace(&mut self, index: u32, fixed: Fixed, body: Body, garbage: &mut Garbage) -> bool {
        let stored = self.at(index);
        let (old_spot, old_timeout) = (stored.spot(), stored.timeout());
        let Body { bytes, facts } = body;
        let Some(spot) = self.bodies.replace(old_spot, bytes, garbage) else {
            return false;
        };
        let timeout = self.keep_timeout(facts);
        if let Some(old) = old_timeout {
            self.timeouts.release(old);
        }
        if let Some(record) = self.slab.get_mut(index) {
            *record = Record::new(fixed, facts, spot, timeout);
        }
        true
    }

    /// Writes the members that a change of keys overwrites in the data of the session at `index`, as its next version.
    ///
    /// # Panics
    /// As [`Records::at`].
    pub fn overwrite(&mut self, index: u32, now: u64, keys: &KeyChange<'_>, parts: Overwrites) {
        let stored = self.at(index);
        let (spot, units) = (stored.spot(), stored.contents().data.units());
        let body = self.bodies.get_mut(spot);
        let data = body.len() - units;
        for (at, part) in parts {
            keys.overwrite(part, &mut body[data + at..]);
        }
        if let Some(record) = self.slab.get_mut(index) {
            record.set_written(now);
        }
    }

    /// Removes a session, whose slot must not be in any list.
    pub fn remove(&mut self, index: u32, garbage: &mut Garbage) {
        if let Some(record) = self.slab.remove(index) {
            self.release(&record, garbage);
        }
    }

    /// Sets a session's idle timeout, in milliseconds. Encodes the body anew.
    pub fn set_idle_timeout(&mut self, index: u32, timeout: u64, garbage: &mut Garbage) {
        let stored = self.at(index);
        let mut contents = stored.contents();
        contents.idle_timeout = timeout;
        let (fixed, body) = (stored.fixed(), self.encode(&contents));
        self.replace(index, fixed, body, garbage);
    }

    /// Notes that the session's current last-seen time is in the log.
    pub fn set_logged(&mut self, index: u32) {
        let stored = self.at(index);
        let (spot, mark) = (
            stored.spot(),
            mark(stored.fixed().last_seen_at, stored.idle_timeout()),
        );
        let body = self.bodies.get_mut(spot);
        body[LOGGED_AT..][..size_of::<u16>()].copy_from_slice(&mark.to_le_bytes());
    }

    /// Whether activity at `now` should be logged, which is once in each tenth of the idle timeout.
    pub fn is_log_due(&self, index: u32, now: u64) -> bool {
        let stored = self.at(index);
        now >= stored.fixed().last_seen_at && is_log_due(stored.logged(), now, stored.idle_timeout())
    }

    /// Moves a session's times into the past; see [`shift_back`].
    pub fn shift_back(&mut self, index: u32, by: u64) {
        let stored = self.at(index);
        let (mut fixed, mut contents) = (stored.fixed(), stored.contents());
        shift_back(&mut fixed, &mut contents, by);
        let body = self.encode(&contents);
        self.replace(index, fixed, body, &mut Garbage::new());
    }

    /// Caps a session's times; see [`cap`].
    pub fn cap(&mut self, index: u32, now: u64) {
        let stored = self.at(index);
        let mut fixed = stored.fixed();
        cap(&mut fixed, &stored.contents(), now);
        if let Some(record) = self.slab.get_mut(index) {
            record.set_absolute_deadline(fixed.absolute_deadline);
            record.set_last_seen(fixed.last_seen_at);
        }
        self.set_logged(index);
    }

    /// Consumes the records, and returns the handle and the user id of each session, last slot first.
    pub fn drain(mut self) -> impl Iterator<Item = (Handle, Option<OwnedText>)> {
        std::iter::from_fn(move || {
            let record = self.slab.pop()?;
            let uid = Stored::new(&record, &self.bodies, &self.timeouts).uid();
            Some((record.handle(), uid))
        })
    }

    /// Whether [`Records::compact`] has something to do.
    pub fn wants_compaction(&self) -> bool {
        self.compacting.is_some() || self.bodies.is_sparse(self.slab.capacity())
    }

    /// See [`crate::store::Store::lose_a_body`].
    #[cfg(test)]
    pub fn lose_a_body(&mut self) {
        let spot = self.at(0).spot();
        self.bodies.free(spot, &mut Garbage::new());
    }

    #[cfg(test)]
    pub fn pages_of_bodies(&self) -> usize {
        self.bodies.pages_held()
    }

    /// Runs one slice of a compaction: moves the bodies of the next `slots` slots out of sparse pages, so that these can be freed.
    pub fn compact(&mut self, slots: u32, garbage: &mut Garbage) {
        let from = self.compacting.unwrap_or_else(|| {
            self.bodies.begin_compaction();
            0
        });
        let end = self.slab.capacity().min(from.saturating_add(slots));
        for index in from..end {
            if let Some(record) = self.slab.get_mut(index)
                && let Some(spot) = self.bodies.relocate(record.spot(), garbage)
            {
                record.set_spot(spot);
            }
        }
        self.compacting = (end < self.slab.capacity()).then_some(end);
    }

    /// Makes a record: stores its body, and counts its timeout.
    fn record(&mut self, fixed: Fixed, body: Body, garbage: &mut Garbage) -> Option<Record> {
        let Body { bytes, facts } = body;
        let spot = self.bodies.insert(bytes, garbage)?;
        Some(Record::new(fixed, facts, spot, self.keep_timeout(facts)))
    }

    /// Counts one more session with the timeout of a body, unless the body has it itself.
    fn keep_timeout(&mut self, facts: BodyFacts) -> Option<Timeout> {
        let is_in_body = facts.layout.has(Layout::TIMEOUT);
        if is_in_body {
            None
        } else {
            self.timeouts.keep(facts.idle_timeout)
        }
    }

    /// Frees the body of a removed record, and counts its timeout as released.
    fn release(&mut self, record: &Record, garbage: &mut Garbage) {
        self.bodies.free(record.spot(), garbage);
        if let Some(timeout) = record.timeout() {
            self.timeouts.release(timeout);
        }
    }

    #[cfg(any(test, feature = "testing"))]
    pub fn validate(&self) {
        self.slab.validate();
        let records = || (0..self.slab.capacity()).filter_map(|index| self.slab.get(index));
        self.bodies.validate(records().map(Record::spot));
        self.timeouts.validate(records().filter_map(Record::timeout));
    }
}
