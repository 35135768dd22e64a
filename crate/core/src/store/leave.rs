//! How sessions leave: destroyed, expired, evicted for room, cleared.

use super::{Class, Retired, Store};
use crate::memory::slab::Slot;
use crate::model::change::Swept;
use crate::model::event::{Event, EventKind, Reason};
use crate::model::id::{Handle, SessionKey};
use crate::model::text::OwnedText;
use crate::model::time::is_over;
use crate::planted::{PanicAt, panic_at};

/// Heap entries whose time has come, of dead sessions and of touched ones, that a write looks at before it evicts: bounded, so
/// that a write is too.
const LOOKS: usize = 64;
/// The same before a write is refused for want of room: a slower write is better than one that dead sessions refuse.
const LAST_LOOKS: usize = 1_024;

impl Store {
    /// Ends a session; false if there was no live one.
    pub fn destroy(&mut self, key: SessionKey, now: u64, reason: Reason) -> bool {
        let Some(index) = self.live(key, now) else {
            return self.ended_before();
        };
        self.end(index, EventKind::Destroyed, reason);
        true
    }

    /// Ends the session that a handle names.
    pub fn destroy_by_handle(&mut self, handle: Handle, now: u64) -> bool {
        let slot = self.cipher.open(handle).filter(|&slot| self.records.holds(slot));
        let key = slot
            .and_then(|slot| self.records.get(slot.index))
            .map(|record| record.key());
        match key {
            Some(key) => self.destroy(key, now, Reason::Destroy),
            None => self.ended_before(),
        }
    }

    /// Somebody else may have ended the session a moment ago, which the disk may not know yet.
    fn ended_before(&mut self) -> bool {
        if let Some(log) = self.log_mut() {
            log.want_sync();
        }
        false
    }

    /// Removes what is due, looking at no more than `limit` heap entries.
    pub fn sweep(&mut self, now: u64, limit: usize) -> Swept {
        for _ in 0..limit {
            match self.expiry.earliest() {
                Some((deadline, index)) if is_over(deadline, now) => self.surface(index, now),
                _ => return Swept::Until(self.due_at()),
            }
        }
        Swept::More
    }

    /// Ends all sessions at once, whatever their number. The records come back to be taken apart elsewhere.
    pub fn clear(&mut self) -> Retired {
        let fresh = self.next_records();
        let records = std::mem::replace(&mut self.records, fresh);
        self.guests = Class::default();
        self.users = Class::default();
        self.log_clear();
        self.renew_lease();
        self.stats.destroyed += u64::from(records.len());
        Retired {
            records,
            _order: (std::mem::take(&mut self.index), std::mem::take(&mut self.expiry)),
        }
    }

    /// Whether somebody wants to be told of sessions that [`Store::clear`] ended.
    pub(crate) fn reports_cleared(&self) -> bool {
        self.events.mask().has(EventKind::Destroyed)
    }

    /// Makes the events of sessions that [`Store::clear`] ended.
    pub(crate) fn report_cleared(&mut self, ended: Vec<(Slot, Option<OwnedText>)>) {
        for (slot, uid) in ended {
            let handle = self.cipher.seal(slot);
            self.events.push(Event {
                kind: EventKind::Destroyed,
                reason: Reason::Clear,
                handle,
                uid,
            });
        }
    }

    /// Makes room for `sessions` more of `bytes` more in all: what is due goes first, then guests, then, for a user's
    /// session only, users; each class least recently used first. Never takes `keep`. False if all that would not be enough:
    /// then nobody is evicted.
    pub(super) fn make_room(
        &mut self,
        now: u64,
        sessions: u32,
        bytes: u64,
        for_user: bool,
        keep: Option<u32>,
    ) -> bool {
        let mut looks = 0;
        loop {
            let reason = if self.len().saturating_add(sessions) > self.options.max_sessions {
                Reason::MaxSessions
            } else if self.bytes() + bytes > self.options.max_bytes {
                Reason::MaxBytes
            } else {
                return true;
            };
            let could_fit = self.could_fit(sessions, bytes, for_user, keep);
            if let Some((deadline, index)) = self.expiry.earliest()
                && is_over(deadline, now)
                && looks < if could_fit { LOOKS } else { LAST_LOOKS }
            {
                looks += 1;
                self.surface(index, now);
                continue;
            }
            if !could_fit {
                return false;
            }
            let evictable = |class: &Class| class.lru.oldest().filter(|&index| Some(index) != keep);
            let victim =
                evictable(&self.guests).or_else(|| if for_user { evictable(&self.users) } else { None });
            let Some(index) = victim else { return false };
            if self
                .records
                .get(index)
                .is_some_and(|record| is_over(record.deadline(), now))
            {
                self.expire(index);
            } else {
                self.end(index, EventKind::Evicted, reason);
            }
        }
    }

    /// Whether there would be room if all that may be evicted were.
    fn could_fit(&self, sessions: u32, bytes: u64, for_user: bool, keep: Option<u32>) -> bool {
        let (mut stay, mut stay_bytes) = if for_user {
            (0, 0)
        } else {
            (self.users.lru.len(), self.users.bytes)
        };
        if let Some(kept) = keep.and_then(|index| self.records.get(index))
            && (for_user || !kept.is_user())
        {
            stay += 1;
            stay_bytes += kept.bytes();
        }
        stay.saturating_add(sessions) <= self.options.max_sessions
            && stay_bytes + bytes <= self.options.max_bytes
    }

    /// Deals with the heap's earliest entry, whose time has come: its session is dead, or was touched since.
    fn surface(&mut self, index: u32, now: u64) {
        match self.records.get(index).map(|record| record.deadline()) {
            Some(deadline) if !is_over(deadline, now) => self.expiry.rearm_earliest(deadline),
            _ => self.expire(index),
        }
    }

    pub(super) fn expire(&mut self, index: u32) {
        let Some(record) = self.records.get(index) else {
            return;
        };
        panic_at(PanicAt::Expire, |uid| record.has_uid(uid));
        let reason = if record.idle_deadline() == record.deadline() {
            Reason::IdleTimeout
        } else {
            Reason::AbsoluteTimeout
        };
        self.end(index, EventKind::Expired, reason);
    }

    /// Takes a record out of every structure.
    fn end(&mut self, index: u32, kind: EventKind, reason: Reason) {
        self.emit(index, kind, reason);
        self.log_remove(index, kind == EventKind::Destroyed);
        let Some(record) = self.records.get(index) else {
            return;
        };
        let (key, is_user, bytes) = (record.key(), record.is_user(), record.bytes());
        self.part(is_user, index, bytes);
        self.expiry.disarm(index);
        self.index.remove(key, |at| at == index);
        match kind {
            EventKind::Expired => self.stats.expired += 1,
            EventKind::Evicted => self.stats.evicted += 1,
            _ => self.stats.destroyed += 1,
        }
        self.records.remove(index, &mut self.garbage);
        self.left_behind = true;
        self.renew_lease();
    }
}
