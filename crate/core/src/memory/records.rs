//! All stored sessions by their slots: the slab, and what it keeps elsewhere for each.

use crate::memory::bodies::{Bodies, Garbage};
use crate::memory::record::shift_back;
use crate::memory::record::{Body, Contents, Frame, Layout, Record, Stored};
use crate::memory::slab::{Slab, Slot};
use crate::memory::timeouts::Timeouts;
use crate::model::text::OwnedText;
use std::ops::Deref;

/// The sessions. Knows neither keys' places nor order nor time. What a call frees goes to its `garbage`, to be dropped where no
/// lock is held.
#[derive(Debug)]
pub struct Records {
    slab: Slab<Record>,
    bodies: Bodies,
    timeouts: Timeouts,
    /// The slot to look at next, while bodies are moved together.
    compacting: Option<u32>,
}

/// Slots and their generations are asked of the slab; the records themselves by [`Records::get`].
impl Deref for Records {
    type Target = Slab<Record>;
    fn deref(&self) -> &Slab<Record> {
        &self.slab
    }
}

impl Records {
    /// See [`Slab::new`].
    pub fn new(first_generation: u32) -> Self {
        Self {
            slab: Slab::new(first_generation),
            bodies: Bodies::default(),
            timeouts: Timeouts::default(),
            compacting: None,
        }
    }

    /// See [`Slab::limit`].
    pub fn limit(&mut self, newest: u32) {
        self.slab.limit(newest);
    }

    pub fn get(&self, index: u32) -> Option<Stored<'_>> {
        let record = self.slab.get(index)?;
        Some(Stored::new(record, &self.bodies, &self.timeouts))
    }

    pub fn get_mut(&mut self, index: u32) -> Option<&mut Record> {
        self.slab.get_mut(index)
    }

    /// For the lists that run through the slab.
    pub fn slab_mut(&mut self) -> &mut Slab<Record> {
        &mut self.slab
    }

    /// Writes contents down. The body fits these records as long as no other session is added.
    pub fn encode(&self, contents: &Contents<'_>) -> Body {
        Body::new(contents, self.timeouts.can_keep(contents.idle_timeout))
    }

    /// Adds a session; `None`, and nothing is changed, when there is no place left.
    pub fn insert(&mut self, frame: Frame, body: Body, garbage: &mut Garbage) -> Option<Slot> {
        let record = self.record(frame, body, garbage)?;
        match self.slab.insert(record) {
            Ok(slot) => Some(slot),
            Err(record) => {
                self.let_go(&record, garbage);
                None
            }
        }
    }

    /// Gives the session at `index` another body; false, and nothing is changed, when there is no place left.
    pub fn replace(&mut self, index: u32, body: Body, garbage: &mut Garbage) -> bool {
        let Some(frame) = self.slab.get(index).map(Record::frame) else {
            return false;
        };
        let Some(record) = self.record(frame, body, garbage) else {
            return false;
        };
        if let Some(place) = self.slab.get_mut(index) {
            let old = std::mem::replace(place, record);
            self.let_go(&old, garbage);
        }
        true
    }

    /// Takes a session out, whose slot must have left every list before.
    pub fn remove(&mut self, index: u32, garbage: &mut Garbage) {
        if let Some(record) = self.slab.remove(index) {
            self.let_go(&record, garbage);
        }
    }

    /// Sets a session's idle timeout, whatever else its body has.
    pub fn set_idle_timeout(&mut self, index: u32, timeout: u64, garbage: &mut Garbage) {
        let Some(record) = self.slab.get_mut(index) else {
            return;
        };
        let Some(old) = record.timeout() else {
            let at = record.layout().timeout_at();
            let body = self.bodies.get_mut(record.spot());
            if let Some(stamp) = body.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
                *stamp = crate::memory::record::stamp(timeout);
            }
            return;
        };
        self.timeouts.release(old);
        if let Some(new) = self.timeouts.keep(timeout) {
            record.set_timeout(new);
            return;
        }
        // Its place was not given away meanwhile: the same again.
        if let Some(same) = self.timeouts.keep(self.timeouts.get(old)) {
            record.set_timeout(same);
        }
        if let Some(stored) = self.get(index) {
            let mut contents = stored.contents();
            contents.idle_timeout = timeout;
            let body = Body::new(&contents, false);
            self.replace(index, body, garbage);
        }
    }

    /// Notes that the log has the session as it is.
    pub fn set_logged(&mut self, index: u32) {
        if let Some(idle_timeout) = self.get(index).map(|stored| stored.idle_timeout())
            && let Some(record) = self.slab.get_mut(index)
        {
            record.set_logged(idle_timeout);
        }
    }

    /// Notes activity at `now`; true if the log should be told.
    pub fn touch_logged(&mut self, index: u32, now: u64) -> bool {
        let idle_timeout = self.get(index).map(|stored| stored.idle_timeout());
        idle_timeout
            .zip(self.slab.get_mut(index))
            .is_some_and(|(idle_timeout, record)| record.touch_logged(now, idle_timeout))
    }

    /// See [`crate::memory::record::shift_back`].
    pub fn shift_back(&mut self, slot: Slot, by: u64) {
        let Some(stored) = self.get(slot.index) else {
            return;
        };
        let mut frame = stored.frame();
        let mut contents = stored.contents();
        shift_back(&mut frame, &mut contents, by);
        let body = self.encode(&contents);
        self.put(slot, frame, body);
    }

    /// See [`Record::cap`].
    pub fn cap(&mut self, index: u32, now: u64) {
        let facts = self.get(index).map(|stored| stored.facts());
        if let Some((facts, record)) = facts.zip(self.slab.get_mut(index)) {
            record.cap(now, facts.authenticated_at);
            record.set_logged(facts.idle_timeout);
        }
    }

    /// Puts a session where it was in another life of the store. [`Records::settle`] must follow before one is added.
    pub fn place(&mut self, slot: Slot, frame: Frame, contents: &Contents<'_>) -> bool {
        let body = self.encode(contents);
        self.put(slot, frame, body)
    }

    fn put(&mut self, slot: Slot, frame: Frame, body: Body) -> bool {
        let idle_timeout = body.parts.idle_timeout;
        let mut garbage = Garbage::new();
        let Some(mut record) = self.record(frame, body, &mut garbage) else {
            return false;
        };
        record.set_logged(idle_timeout);
        if let Some(old) = self.slab.place(slot, record) {
            self.let_go(&old, &mut garbage);
        }
        true
    }

    /// Empties a place that [`Records::place`] filled.
    pub fn take(&mut self, index: u32) {
        if let Some(record) = self.slab.take(index) {
            self.let_go(&record, &mut Garbage::new());
        }
    }

    /// See [`Slab::settle`].
    pub fn settle(&mut self, newest: u32) {
        self.slab.settle(newest);
    }

    /// The slots and user ids of all sessions of records that were replaced, last place first.
    pub fn drain(mut self) -> impl Iterator<Item = (Slot, Option<OwnedText>)> {
        std::iter::from_fn(move || {
            let (slot, record) = self.slab.pop()?;
            let uid = Stored::new(&record, &self.bodies, &self.timeouts).uid();
            Some((slot, uid))
        })
    }

    /// Whether [`Records::compact`] has something to do.
    pub fn wants_compaction(&self) -> bool {
        self.compacting.is_some() || self.bodies.is_sparse(self.slab.capacity())
    }

    #[cfg(test)]
    pub fn pages_of_bodies(&self) -> usize {
        self.bodies.pages_held()
    }

    /// Moves bodies out of pages of which few cells are used, so that those can go; looks at so many slots.
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

    /// Keeps what a record needs elsewhere.
    fn record(&mut self, frame: Frame, body: Body, garbage: &mut Garbage) -> Option<Record> {
        let Body { bytes, parts } = body;
        let spot = self.bodies.insert(bytes, garbage)?;
        let timeout = if parts.layout.has(Layout::TIMEOUT) {
            None
        } else {
            self.timeouts.keep(parts.idle_timeout)
        };
        Some(Record::new(frame, parts, spot, timeout))
    }

    /// Gives up what a record that is no more had elsewhere.
    fn let_go(&mut self, record: &Record, garbage: &mut Garbage) {
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
