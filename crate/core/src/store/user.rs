//! The sessions of one user: adding one to its user's list, walking over them, ending all.

use super::Store;
use super::write::Renewed;
use crate::memory::record::{Stored, Units};
use crate::model::change::{Commit, Renewal};
use crate::model::error::Error;
use crate::model::event::{EventKind, Reason};
use crate::model::id::{Handle, SessionId};
use crate::model::text::{OwnedText, Text};
use crate::model::time::is_over;

/// The position of a walk over a user's sessions, which continues in a later hold of the lock.
#[derive(Debug, Clone, Copy, Default)]
pub struct UserWalk {
    /// The next session to look at, with its slot; `None` before the first one.
    next: Option<(u32, Handle)>,
}

/// The outcome of one slice of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walked {
    /// There is no further session.
    All,
    More,
    /// The session at which the walk stopped has ended since: begin again.
    Lost,
}

impl Store {
    /// The number of a user in the index, if the user has sessions. The user id is compared unit by unit.
    pub(super) fn user(&self, uid: Text<'_>) -> Option<u32> {
        let uid = Units::from(uid);
        let is = |index| self.records.at(index).uid_units().equals(uid);
        (uid.units() > 0).then(|| self.by_user.find(uid, is)).flatten()
    }

    /// Adds the session at `index` to its user's, if it has a user.
    pub(super) fn add_to_user(&mut self, index: u32) {
        let records = &self.records;
        let session = records.at(index);
        if session.is_user() {
            let uid = session.uid_units();
            self.by_user
                .insert(uid, index, |other| records.at(other).uid_units().equals(uid));
        }
    }

    /// The user of a session.
    pub(crate) fn uid_of(&mut self, id: &SessionId, now: u64) -> Option<OwnedText> {
        self.owned(id, now).and_then(|index| self.records.at(index).uid())
    }

    /// Visits the next live sessions of a user, the latest login first, looking at no more than `most`.
    pub(crate) fn walk_user(
        &self,
        uid: Text<'_>,
        walk: &mut UserWalk,
        most: usize,
        now: u64,
        mut visit: impl FnMut(Stored<'_>),
    ) -> Walked {
        let Some(user) = self.user(uid) else {
            return if walk.next.is_some() {
                Walked::Lost
            } else {
                Walked::All
            };
        };
        let is_there = |index: u32, handle: Handle| {
            self.by_user.user_of(index) == Some(user) && self.records.at(index).handle() == handle
        };
        let mut slots = match walk.next {
            None => self.by_user.sessions_of(user),
            Some((index, handle)) if is_there(index, handle) => self.by_user.sessions_from(Some(index)),
            Some(_) => return Walked::Lost,
        };
        for index in slots.by_ref().take(most) {
            let session = self.records.at(index);
            if !is_over(session.deadline(), now) {
                visit(session);
            }
        }
        walk.next = slots.next().map(|index| (index, self.records.at(index).handle()));
        if walk.next.is_some() {
            Walked::More
        } else {
            Walked::All
        }
    }

    /// As [`Store::regenerate`], and in the same step ends the other sessions of the session's user, looking at no more than `most`.
    ///
    /// # Errors
    /// Those of [`Store::regenerate`]; nothing has ended then.
    pub fn regenerate_alone(
        &mut self,
        id: &SessionId,
        fresh: &SessionId,
        now: u64,
        base_version: Option<u64>,
        renewal: &Renewal<'_>,
        most: usize,
    ) -> Result<Option<Renewed>, Error> {
        let renewed = self.regenerate(id, fresh, now, base_version, renewal)?;
        if let Some((Commit::Done(_), id)) = &renewed
            && let Some(uid) = self
                .find(id.handle())
                .and_then(|index| self.records.at(index).uid())
        {
            self.destroy_user(uid.as_text(), Some(id.handle()), now, most);
        }
        Ok(renewed)
    }

    /// Ends sessions of a user, but not the one with the handle `except`, looking at no more than `most`. Returns how many it ended, and
    /// whether there are more to look at.
    pub fn destroy_user(
        &mut self,
        uid: Text<'_>,
        except: Option<Handle>,
        now: u64,
        most: usize,
    ) -> (u32, bool) {
        let mut at = self
            .user(uid)
            .and_then(|user| self.by_user.sessions_of(user).next());
        let (mut looks, mut ended) = (0, 0);
        while let Some(index) = at.filter(|_| looks < most) {
            // Read first: a session that ends is in no list any more.
            at = self.by_user.older(index);
            let session = self.records.at(index);
            if Some(session.handle()) == except {
                continue;
            }
            looks += 1;
            if is_over(session.deadline(), now) {
                self.expire(index);
            } else {
                self.end(index, EventKind::Destroyed, Reason::DestroyUser);
                ended += 1;
            }
        }
        if ended == 0 {
            self.sync_ends();
        }
        (ended, at.is_some())
    }
}
