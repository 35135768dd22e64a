//! Reading a session: by its id, whose secret is checked, and noting its use.

use super::Store;
use crate::model::error::Error;
use crate::model::facts::Facts;
use crate::model::id::{Handle, SessionId};
use crate::model::text::TextBuffer;
use crate::model::time::is_over;

impl Store {
    /// Whether a live session has this id. Counts neither as activity nor as a use.
    pub fn has(&mut self, id: &SessionId, now: u64) -> bool {
        self.owned(id, now).is_some()
    }

    /// Reads a session: its text goes to `buffer`. A use: the session becomes the most recently used. With `touch` also the
    /// user's activity: the idle deadline moves.
    pub fn load(&mut self, id: &SessionId, now: u64, touch: bool, buffer: &mut TextBuffer) -> Option<Facts> {
        let Some(index) = self.owned(id, now) else {
            self.stats.misses += 1;
            return None;
        };
        self.stats.hits += 1;
        self.promote(index);
        if touch {
            self.see(index, now);
        }
        let session = self.records.at(index);
        session.read_into(buffer);
        Some(session.facts())
    }

    /// Notes the user's activity, and sets the session's own idle timeout if one is given. A timeout that changes counts as a write: it is
    /// made only if writes are `admitted`.
    ///
    /// # Errors
    /// That of `admitted`; nothing is changed then.
    pub fn touch(
        &mut self,
        id: &SessionId,
        now: u64,
        idle_timeout: Option<u64>,
        admitted: Result<(), Error>,
    ) -> Result<Option<Facts>, Error> {
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
            None => self.see(index, now),
        }
        self.promote(index);
        let facts = self.records.at(index).facts();
        self.expiry.arm(index, facts.deadline());
        Ok(Some(facts))
    }

    /// The live session of an id, if the id's secret is its current one. The secret is hashed only if the handle is there.
    pub(super) fn owned(&mut self, id: &SessionId, now: u64) -> Option<u32> {
        let index = self.live(id.handle(), now)?;
        let is_owner = self.records.at(index).secret().matches(id.secret_hash());
        is_owner.then_some(index)
    }

    /// The live session of a handle. The one way to a session: a dead one is removed here and now, whatever the sweeper does.
    pub(super) fn live(&mut self, handle: Handle, now: u64) -> Option<u32> {
        let index = self.find(handle)?;
        if is_over(self.records.at(index).deadline(), now) {
            self.expire(index);
            return None;
        }
        Some(index)
    }

    /// Notes activity. The log is told of it in each tenth of the idle timeout, unless it is full: then a later activity tells it.
    fn see(&mut self, index: u32, now: u64) {
        let is_due = self.log().is_some_and(|log| !log.is_full()) && self.records.is_log_due(index, now);
        if let Some(record) = self.records.get_mut(index) {
            record.set_last_seen(now);
        }
        if is_due {
            self.log_touch(index);
        }
    }
}
