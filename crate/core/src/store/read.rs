//! Reading a session: finding it by id, checking the id's secret, recording its use.

use super::Store;
use crate::model::error::Error;
use crate::model::facts::Facts;
use crate::model::id::{Handle, SessionId};
use crate::model::text::{Text, TextBuffer};
use crate::model::time::is_over;

impl Store {
    /// True if a live session has this id. Counts neither as activity nor as a use.
    pub fn has(&mut self, id: &SessionId, now: u64) -> bool {
        self.owned(id, now).is_some()
    }

    /// Reads a session into `buffer`, and makes it the most recently used. With `touch` this also counts as the user's activity, which
    /// moves the idle deadline.
    pub fn load(&mut self, id: &SessionId, now: u64, touch: bool, buffer: &mut TextBuffer) -> Option<Facts> {
        let Some(index) = self.owned(id, now) else {
            self.stats.misses += 1;
            return None;
        };
        self.stats.hits += 1;
        self.promote(index);
        if touch {
            self.note_activity(index, now);
        }
        let session = self.records.at(index);
        session.read_into(buffer);
        Some(session.facts())
    }

    /// Reads the value of one key into `buffer`, where it is empty if there is no such key; false if there is no such session. `key` has its
    /// quotation marks and its colon, as in the text. Otherwise as [`Store::load`] without `touch`.
    pub fn load_key(&mut self, id: &SessionId, now: u64, key: Text<'_>, buffer: &mut TextBuffer) -> bool {
        let Some(index) = self.owned(id, now) else {
            self.stats.misses += 1;
            return false;
        };
        self.stats.hits += 1;
        self.promote(index);
        self.records.at(index).read_key_into(key, buffer);
        true
    }

    /// Records the user's activity, and sets the session's own idle timeout if one is given. Changing the timeout counts as a write, which
    /// `admitted` allows or refuses. Returns the session's deadline: its body is not read for that.
    ///
    /// # Errors
    /// The error in `admitted`; nothing is changed then.
    pub fn touch(
        &mut self,
        id: &SessionId,
        now: u64,
        idle_timeout: Option<u64>,
        admitted: Result<(), Error>,
    ) -> Result<Option<u64>, Error> {
        let Some(index) = self.owned(id, now) else {
            return Ok(None);
        };
        let known = self.records.at(index).idle_timeout();
        match idle_timeout.filter(|&timeout| timeout != known) {
            Some(timeout) => {
                admitted?;
                if let Some(record) = self.records.get_mut(index) {
                    record.set_last_seen(now);
                }
                self.records.set_idle_timeout(index, timeout, &mut self.garbage);
                self.log_touch(index);
            }
            None => self.note_activity(index, now),
        }
        self.promote(index);
        let deadline = self.records.at(index).deadline();
        self.expiry.arm(index, deadline);
        Ok(Some(deadline))
    }

    /// The live session with this id, if the id's secret is the current one. The secret is hashed only if the handle is found.
    pub(super) fn owned(&mut self, id: &SessionId, now: u64) -> Option<u32> {
        let index = self.live(id.handle(), now)?;
        let is_owner = self.records.at(index).secret().matches(id.secret_hash());
        is_owner.then_some(index)
    }

    /// The live session with this handle. Every access to a session goes through here: one past its deadline is expired at once, whether or
    /// not the sweeper has run.
    pub(super) fn live(&mut self, handle: Handle, now: u64) -> Option<u32> {
        let index = self.find(handle)?;
        if is_over(self.records.at(index).deadline(), now) {
            self.expire(index);
            return None;
        }
        Some(index)
    }

    /// Records activity. The log is told once in each tenth of the idle timeout. While its queue is full it is told nothing; the first
    /// activity after that is logged.
    fn note_activity(&mut self, index: u32, now: u64) {
        let is_due = self.log().is_some_and(|log| !log.is_full()) && self.records.is_log_due(index, now);
        if let Some(record) = self.records.get_mut(index) {
            record.set_last_seen(now);
        }
        if is_due {
            self.log_touch(index);
        }
    }
}
