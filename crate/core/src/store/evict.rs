//! Eviction: which sessions leave when the store is full, and how many a write may evict under the lock.

use super::{Group, Store};
use crate::model::error::Error;
use crate::model::event::{EventKind, Reason};
use crate::model::time::is_over;

/// Heap entries whose time has come, of dead sessions and of touched ones, that a write looks at before it evicts: bounded, so
/// that a write is too.
const LOOKS: usize = 64;
/// The same before a write is refused for want of room: a slower write is better than one that dead sessions refuse.
const LAST_LOOKS: usize = 1_024;
/// Sessions that one hold of the lock evicts: some 50 microseconds.
const EVICTIONS: usize = 64;

/// The room that a write needs.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// More sessions than now.
    pub sessions: u32,
    /// More bytes than now.
    pub bytes: u64,
    /// Whether it is for a user's session, which alone may evict users.
    pub for_user: bool,
    /// The session that is written, which is not evicted for itself.
    pub keep: Option<u32>,
}

impl Store {
    /// Makes room: dead sessions go first, then guests, then, for a user's session only, users; each group least recently used first.
    ///
    /// A write evicts a few sessions by itself. If that is not enough it may exceed `max_bytes` by its own size, once: the expiry thread
    /// evicts the excess in slices. While there is an excess, a write must evict as much as it adds.
    ///
    /// # Errors
    /// [`Error::Full`]. Nobody is evicted then, unless [`Store::is_evicting`] says that there will be room once the excess is gone.
    pub(super) fn make_room(&mut self, now: u64, room: &Room) -> Result<(), Error> {
        self.is_evicting = false;
        let had = self.bytes();
        let had_excess = had > self.options.max_bytes;
        let (mut looks, mut evictions) = (0, 0);
        loop {
            let Some(reason) = self.lacks(room.sessions, room.bytes) else {
                return Ok(());
            };
            let could_fit = self.could_fit(room);
            if let Some((deadline, index)) = self.expiry.earliest()
                && is_over(deadline, now)
                && looks < if could_fit { LOOKS } else { LAST_LOOKS }
            {
                looks += 1;
                self.surface(index, now);
                continue;
            }
            if !could_fit {
                return Err(self.full());
            }
            if evictions >= EVICTIONS && reason == Reason::MaxBytes {
                let freed = had.saturating_sub(self.bytes());
                if had_excess && freed < room.bytes {
                    self.is_evicting = true;
                    return Err(self.full());
                }
                self.overshoot = (self.bytes() + room.bytes).saturating_sub(self.options.max_bytes);
                return Ok(());
            }
            evictions += 1;
            if !self.evict_one(now, room.for_user, room.keep, reason) {
                return Err(self.full());
            }
        }
    }

    /// Whether the last write was refused only because an earlier one left an excess that is still being evicted.
    pub(crate) fn is_evicting(&self) -> bool {
        self.is_evicting
    }

    /// Whether [`Store::evict_excess`] has something to do.
    pub(crate) fn has_excess(&self) -> bool {
        self.bytes() > self.options.max_bytes || self.len() > self.options.max_sessions
    }

    /// Evicts some of the sessions that are too many. False once there is no excess.
    pub(crate) fn evict_excess(&mut self, now: u64) -> bool {
        for _ in 0..EVICTIONS {
            let Some(reason) = self.lacks(0, 0) else { break };
            if !self.evict_one(now, true, None, reason) {
                break;
            }
        }
        if !self.has_excess() {
            self.overshoot = 0;
        }
        self.has_excess()
    }

    /// Evicts until the bounds are met, which may be lower than when the sessions were written. Returns how many were evicted.
    pub(crate) fn shrink(&mut self, now: u64) -> u64 {
        let before = self.stats.evicted;
        while self.evict_excess(now) {}
        self.stats.evicted - before
    }

    /// The bound that so many more sessions or bytes would break.
    fn lacks(&self, sessions: u32, bytes: u64) -> Option<Reason> {
        if self.len().saturating_add(sessions) > self.options.max_sessions {
            Some(Reason::MaxSessions)
        } else if self.bytes() + bytes > self.options.max_bytes {
            Some(Reason::MaxBytes)
        } else {
            None
        }
    }

    /// Evicts the least recently used guest, or user if there is no guest. False if there is neither.
    fn evict_one(&mut self, now: u64, may_be_user: bool, keep: Option<u32>, reason: Reason) -> bool {
        let oldest = |group: &Group| group.lru.oldest().filter(|&index| Some(index) != keep);
        let victim = oldest(&self.guests).or_else(|| if may_be_user { oldest(&self.users) } else { None });
        let Some(index) = victim else { return false };
        if is_over(self.records.at(index).deadline(), now) {
            self.expire(index);
        } else {
            self.end(index, EventKind::Evicted, reason);
        }
        true
    }

    /// Whether there would be room if all that may be evicted were.
    fn could_fit(&self, room: &Room) -> bool {
        let (mut stay, mut stay_bytes) = if room.for_user {
            (0, 0)
        } else {
            (self.users.lru.len(), self.users.bytes)
        };
        if let Some(kept) = room.keep.and_then(|index| self.records.get(index))
            && (room.for_user || !kept.is_user())
        {
            stay += 1;
            stay_bytes += kept.bytes();
        }
        stay.saturating_add(room.sessions) <= self.options.max_sessions
            && stay_bytes + room.bytes <= self.options.max_bytes
    }
}
