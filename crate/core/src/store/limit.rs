//! The limit of sessions that a user may have: which of them end at a login, or whether it is refused.

use super::Store;
use super::evict::{Obstacle, Room};
use crate::model::change::{AtUserLimit, UNLIMITED};
use crate::model::error::Error;
use crate::model::event::{EventKind, Reason};
use crate::model::id::Handle;
use crate::model::text::Text;
use crate::model::time::is_over;
use smallvec::SmallVec;

/// Sessions that a login evicts for its user's limit in its own hold of the lock: one, or many if the limit was higher before.
const EVICTIONS: usize = 256;

/// A session as a login looks at it. The order of these is that in which they are evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    last_seen_at: u64,
    /// Higher for a login that came later.
    login: u32,
    index: u32,
}

impl Store {
    /// Makes room for a login under its user's limit, or refuses it. `of_user` is the session that logs in again, if it is this user's
    /// already: that is no additional one. `room` is what the write needs: one that cannot fit must end nothing.
    ///
    /// # Errors
    /// [`Error::UserLimit`]; with [`Obstacle::UserExcess`] only because there are too many sessions to evict at once.
    pub(super) fn admit_login(
        &mut self,
        uid: Text<'_>,
        now: u64,
        of_user: Option<u32>,
        room: &Room,
    ) -> Result<(), Error> {
        self.obstacle = None;
        let limit = self.options.max_sessions_per_user;
        let added = u32::from(of_user.is_none());
        let Some(user) = self.user(uid).filter(|_| limit != UNLIMITED) else {
            return Ok(());
        };
        if self.by_user.count(user) + added <= limit {
            return Ok(());
        }
        if !self.could_fit(room) {
            // It is refused when room is made, and must not end anything before.
            return Ok(());
        }
        let mut live = self.expire_of_user(user, now);
        let excess = (live.len() + added as usize).saturating_sub(limit as usize);
        if excess == 0 {
            return Ok(());
        }
        if self.options.at_user_limit == AtUserLimit::Refuse {
            return if added == 0 {
                Ok(())
            } else {
                Err(Error::UserLimit { limit })
            };
        }
        if excess > EVICTIONS {
            self.obstacle = Some(Obstacle::UserExcess);
            return Err(Error::UserLimit { limit });
        }
        live.retain(|candidate| Some(candidate.index) != of_user);
        let (oldest, ..) = live.select_nth_unstable(excess - 1);
        oldest.sort_unstable();
        for &Candidate { index, .. } in live.iter().take(excess) {
            self.end(index, EventKind::Evicted, Reason::MaxSessionsPerUser);
        }
        Ok(())
    }

    /// Removes the expired sessions of a user, and returns the others.
    fn expire_of_user(&mut self, user: u32, now: u64) -> SmallVec<[Candidate; 128]> {
        let mut live = SmallVec::new();
        let mut at = self.by_user.sessions_of(user).next();
        let mut login = self.by_user.count(user);
        while let Some(index) = at {
            // Read first: a session that ends is in no list any more.
            at = self.by_user.older(index);
            let session = self.records.at(index);
            if is_over(session.deadline(), now) {
                self.expire(index);
            } else {
                let last_seen_at = session.fixed().last_seen_at;
                live.push(Candidate {
                    last_seen_at,
                    login,
                    index,
                });
            }
            login -= 1;
        }
        live
    }

    /// Evicts those of a user's sessions, each listed with when it was last seen, that were not seen since, until the user has as many as
    /// allowed. Returns whether there are still more.
    pub(crate) fn trim(&mut self, uid: Text<'_>, oldest: &[(u64, Handle)], now: u64) -> bool {
        for &(last_seen_at, handle) in oldest {
            let Some(user) = self.user(uid) else { return false };
            if self.by_user.count(user) <= self.options.max_sessions_per_user {
                return false;
            }
            if let Some(index) = self.live(handle, now)
                && self.by_user.user_of(index) == Some(user)
                && self.records.at(index).fixed().last_seen_at == last_seen_at
            {
                self.end(index, EventKind::Evicted, Reason::MaxSessionsPerUser);
            }
        }
        true
    }
}
