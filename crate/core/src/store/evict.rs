//! Eviction: which sessions are removed when the store is full, and how many of them in one hold of the lock.

use super::{Group, Store};
use crate::model::error::Error;
use crate::model::event::{EventKind, Reason};
use crate::model::time::is_over;

/// Maximum number of due heap entries that a write looks at before it evicts: their sessions have expired, or were touched since the
/// entry was made. The number is bounded because the time of a write must be.
const LOOKS: usize = 64;
/// The same bound where the write would otherwise be refused: a slower write is better than one refused because of expired sessions.
const LAST_LOOKS: usize = 1_024;
/// Sessions evicted in one hold of the lock: about 50 microseconds.
const EVICTIONS: usize = 64;

/// The room that a write needs.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Sessions added.
    pub sessions: u32,
    /// Bytes added.
    pub bytes: u64,
    /// True for a user's session. Only those may evict users.
    pub for_user: bool,
    /// The session being rewritten, which must not be evicted.
    pub keep: Option<u32>,
}

/// Why a write was refused that fits later, and what the caller must do until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// An earlier write left an excess: [`Store::evict_excess`] until there is none.
    Excess,
    /// The user who logs in has too many sessions above the limit to evict them at once, as when the files were written under a higher one:
    /// [`Store::trim`] them.
    UserExcess,
}

impl Store {
    /// Makes room for a write. Removes expired sessions first, then evicts guests, then, only for a user's session, users; least recently
    /// used first.
    ///
    /// A write evicts at most [`EVICTIONS`] sessions for their bytes. If that is not enough, it may exceed `max_bytes` by its own size,
    /// once: the expiry thread evicts the excess in slices. While there is an excess, a write must evict as many bytes as it adds.
    ///
    /// # Errors
    /// [`Error::Full`]. Then no session was evicted, unless there is an [`Obstacle`].
    pub(super) fn make_room(&mut self, now: u64, room: &Room) -> Result<(), Error> {
        self.obstacle = None;
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
                    self.obstacle = Some(Obstacle::Excess);
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

    /// Returns, once, why the last write was refused although it fits later; `None` if there is no such reason.
    pub(crate) fn take_obstacle(&mut self) -> Option<Obstacle> {
        self.obstacle.take()
    }

    /// True if the store is over its bounds, so that [`Store::evict_excess`] has something to do.
    pub(crate) fn has_excess(&self) -> bool {
        self.bytes() > self.options.max_bytes || self.len() > self.options.max_sessions
    }

    /// Evicts one slice of the excess. Returns false once there is none.
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

    /// Evicts until the store is within its bounds, which may be lower than when the sessions were written. Returns how many were evicted.
    pub(crate) fn shrink(&mut self, now: u64) -> u64 {
        let before = self.stats.evicted;
        while self.evict_excess(now) {}
        self.stats.evicted - before
    }

    /// The bound that this many more sessions or bytes would exceed.
    fn lacks(&self, sessions: u32, bytes: u64) -> Option<Reason> {
        if self.len().saturating_add(sessions) > self.options.max_sessions {
            Some(Reason::MaxSessions)
        } else if self.bytes() + bytes > self.options.max_bytes {
            Some(Reason::MaxBytes)
        } else {
            None
        }
    }

    /// Removes the least recently used guest, or user if there is no guest and users may be evicted. False if there is neither.
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

    /// True if evicting every session that may be evicted would make enough room.
    pub(super) fn could_fit(&self, room: &Room) -> bool {
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
