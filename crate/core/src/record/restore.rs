//! A record as the journal has it, and back.

use super::{Body, Contents, MAX_UID_UNITS, NEVER, Record, STAMP, U48, Units, WIDE};
use crate::id::SessionKey;
use crate::journal::codec::{Place, Put};
use crate::slab::Slot;

impl From<Slot> for Place {
    fn from(Slot { index, generation }: Slot) -> Self {
        Self { index, generation }
    }
}

impl From<Place> for Slot {
    fn from(Place { index, generation }: Place) -> Self {
        Self { index, generation }
    }
}

/// Parts of the idle timeout: activity reaches the log once in each.
const TOUCHES_PER_TIMEOUT: u64 = 10;

impl Record {
    /// All of it but the form parameters, which are never written to a disk.
    pub fn to_put(&self, slot: Slot) -> Put<'_> {
        let (facts, contents) = (self.facts(), self.contents());
        Put {
            slot: slot.into(),
            key: self.key.to_bytes(),
            version: facts.version,
            created_at: facts.created_at,
            last_seen_at: facts.last_seen_at,
            idle_timeout: facts.idle_timeout,
            absolute_deadline: facts.absolute_deadline,
            authenticated_at: facts.authenticated_at,
            wide: self.flags & WIDE != 0,
            uid: contents.uid.stored_bytes(),
            data: contents.data.stored_bytes(),
        }
    }

    /// The record that was written; `None` for one that never was.
    pub fn restore(put: &Put<'_>) -> Option<Self> {
        if put.wide && !(put.uid.len().is_multiple_of(2) && put.data.len().is_multiple_of(2)) {
            return None;
        }
        let contents = Contents {
            created_at: put.created_at,
            idle_timeout: put.idle_timeout,
            authenticated_at: put.authenticated_at,
            uid: Units::stored(put.uid, put.wide),
            form: Units::stored(&[], false),
            data: Units::stored(put.data, put.wide),
        };
        let instants = [
            put.created_at,
            put.idle_timeout,
            put.last_seen_at,
            put.absolute_deadline,
        ];
        if contents.uid.units() > MAX_UID_UNITS
            || put.version == 0
            || put.version > NEVER
            || put.authenticated_at > NEVER
            || instants.iter().any(|&instant| instant > NEVER)
        {
            return None;
        }
        Some(Self::new(
            SessionKey::from_bytes(put.key),
            Body::new(&contents),
            put.version,
            put.last_seen_at,
            put.absolute_deadline,
        ))
    }

    /// Notes that the log has the record as it is.
    pub fn set_logged(&mut self) {
        self.unlogged = 0;
    }

    /// Notes activity at `now`; true if the log should be told.
    pub fn touch_logged(&mut self, now: u64) -> bool {
        let before = self.last_seen_at.get();
        let passed = u32::try_from(now.saturating_sub(before)).unwrap_or(u32::MAX);
        self.set_last_seen(now);
        self.unlogged = self.unlogged.saturating_add(passed);
        // What is noted ends at 49 days, and a tenth of a long timeout may not.
        let granularity = (self.stamp(STAMP) / TOUCHES_PER_TIMEOUT).min(u32::MAX.into());
        let due = u64::from(self.unlogged) >= granularity;
        if due {
            self.unlogged = 0;
        }
        due
    }

    /// Moves every instant `by` milliseconds into the past, as the clock was: ages and what is left of the life stay. No instant is
    /// before 1970: activity that would be shortens the idle timeout instead.
    pub fn shift_back(&mut self, by: u64) {
        let back = |instant: u64| {
            if instant >= NEVER {
                NEVER
            } else {
                instant.saturating_sub(by)
            }
        };
        let facts = self.facts();
        let mut contents = self.contents();
        contents.created_at = back(facts.created_at);
        contents.authenticated_at = back(facts.authenticated_at);
        if facts.idle_timeout < NEVER {
            let too_early = by.saturating_sub(facts.last_seen_at);
            contents.idle_timeout = facts.idle_timeout.saturating_sub(too_early);
        }
        let body = Body::new(&contents);
        self.replace(body);
        self.last_seen_at = U48::new(back(facts.last_seen_at));
        self.absolute_deadline = U48::new(back(facts.absolute_deadline));
    }

    /// What was told by a clock that was ahead counts from `now` at the latest.
    pub fn cap(&mut self, now: u64) {
        let facts = self.facts();
        let started = facts.authenticated_at.max(facts.created_at);
        if facts.absolute_deadline < NEVER && started > now {
            let timeout = facts.absolute_deadline.saturating_sub(started);
            self.set_absolute_deadline(now.saturating_add(timeout));
        }
        self.set_last_seen(facts.last_seen_at.min(now));
    }
}
