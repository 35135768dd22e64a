//! The methods of a handle that are about all sessions of a user. Each takes the lock for a slice of them at a time, which the default limit of
//! sessions per user never exceeds.

use super::StoreHandle;
use crate::memory::record::Stored;
use crate::model::change::{Commit, Renewal};
use crate::model::error::Error;
use crate::model::id::{Handle, SessionId};
use crate::model::page::SessionInfo;
use crate::model::text::Text;
use crate::store::{UserWalk, Walked};
use std::cell::RefCell;
use std::cmp::Reverse;

/// Sessions looked at, or ended, in one hold of the lock: about 200 microseconds.
const SLICE: usize = 256;

impl StoreHandle {
    /// The live sessions of a user, last seen first, and of those seen in the same millisecond the latest login first.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn sessions_of(&self, uid: Text<'_>) -> Result<Vec<SessionInfo>, Error> {
        let mut sessions = self.each_of(uid, SessionInfo::of)?;
        sessions.sort_by_key(|session| Reverse(session.facts.last_seen_at));
        Ok(sessions)
    }

    /// Ends the sessions of a user, but not the one with the handle `except`, and returns how many. Logins of the user that come meanwhile
    /// are ended too: when this returns, there was an instant at which the user had no other session.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn destroy_user(&self, uid: Text<'_>, except: Option<Handle>) -> Result<u32, Error> {
        let mut all = 0;
        loop {
            let (ended, has_more) = self.with(|store, now| store.destroy_user(uid, except, now, SLICE))?;
            all += ended;
            if !has_more {
                return Ok(all);
            }
        }
    }

    /// As [`StoreHandle::regenerate`], and in the same hold of the lock ends the other sessions of the session's user: after a change of the
    /// user's credentials. `uid` is that user; more than a slice of sessions are ended in later holds.
    ///
    /// # Errors
    /// Those of [`StoreHandle::regenerate`]; nothing has ended then.
    pub fn regenerate_alone(
        &self,
        id: &SessionId,
        base_version: Option<u64>,
        renewal: &Renewal<'_>,
    ) -> Result<(Commit, SessionId), Error> {
        // Noted in the same hold: the session may end before the next one.
        let user = RefCell::new(None);
        let (commit, renewed) = self.renew(id, renewal, |store, fresh, now| {
            let renewed = store.regenerate_alone(id, fresh, now, base_version, renewal, SLICE)?;
            if let Some((Commit::Done(_), id)) = &renewed {
                user.replace(store.uid_of(id, now));
            }
            Ok(renewed)
        })?;
        if let Some(uid) = user.take() {
            self.destroy_user(uid.as_text(), Some(renewed.handle()))?;
        }
        Ok((commit, renewed))
    }

    /// Evicts a user's sessions down to the limit, slice by slice, those first that were seen longest ago; never the one with the handle
    /// `keep`, in which the user logs in again.
    pub(super) fn trim(&self, uid: Text<'_>, keep: Option<Handle>) -> Result<(), Error> {
        let mut oldest = self.each_of(uid, |session| (session.fixed().last_seen_at, session.handle()))?;
        oldest.retain(|&(_, handle)| Some(handle) != keep);
        // The sort is stable: of those seen in the same millisecond the earliest login goes first.
        oldest.reverse();
        oldest.sort_by_key(|&(last_seen_at, _)| last_seen_at);
        for slice in oldest.chunks(SLICE) {
            if !self.with(|store, now| store.trim(uid, slice, now))? {
                break;
            }
        }
        Ok(())
    }

    /// Reads each live session of a user, the latest login first. If the session at which a slice ended is gone when the next one begins,
    /// starts again with larger slices, so that it ends.
    fn each_of<T>(&self, uid: Text<'_>, read: impl Fn(Stored<'_>) -> T) -> Result<Vec<T>, Error> {
        let mut slice = SLICE;
        loop {
            let (mut walk, mut all) = (UserWalk::default(), Vec::new());
            let walked = loop {
                let visit = |session: Stored<'_>| all.push(read(session));
                match self.with(|store, now| store.walk_user(uid, &mut walk, slice, now, visit))? {
                    Walked::More => {}
                    walked => break walked,
                }
            };
            if walked == Walked::All {
                return Ok(all);
            }
            slice *= 2;
        }
    }
}
