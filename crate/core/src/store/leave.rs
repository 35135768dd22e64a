//! How sessions end: destroyed, expired, cleared. Eviction is in [`super::evict`].

use super::{Group, Retired, Store};
use crate::memory::records::Records;
use crate::model::change::Swept;
use crate::model::event::{Event, EventKind, Reason};
use crate::model::id::{Handle, SessionId};
use crate::model::text::OwnedText;
use crate::model::time::is_over;
use crate::planted::{PanicAt, panic_at};

impl Store {
    /// Ends the session with this id. Returns false if there is no live one, or if the id's secret is not the current one.
    pub fn destroy(&mut self, id: &SessionId, now: u64, reason: Reason) -> bool {
        let index = self.owned(id, now);
        self.destroy_at(index, reason)
    }

    /// Ends the session with this handle, whatever its current secret. Returns false if there is no live one. For requests that loaded the
    /// session while their secret was current, and for operators.
    pub fn destroy_by_handle(&mut self, handle: Handle, now: u64, reason: Reason) -> bool {
        let index = self.live(handle, now);
        self.destroy_at(index, reason)
    }

    fn destroy_at(&mut self, index: Option<u32>, reason: Reason) -> bool {
        let Some(index) = index else {
            self.sync_ends();
            return false;
        };
        self.end(index, EventKind::Destroyed, reason);
        true
    }

    /// Requests a sync for a caller who found nothing to end: another request may have ended it a moment ago, and the disk may not have that
    /// yet.
    pub(super) fn sync_ends(&mut self) {
        if let Some(log) = self.log_mut() {
            log.want_sync();
        }
    }

    /// Removes expired sessions, looking at no more than `limit` heap entries.
    pub fn sweep(&mut self, now: u64, limit: usize) -> Swept {
        for _ in 0..limit {
            match self.expiry.earliest() {
                Some((deadline, index)) if is_over(deadline, now) => self.surface(index, now),
                _ => return Swept::Until(self.due_at()),
            }
        }
        Swept::More
    }

    /// Ends all sessions in O(1), and returns them, to be reported and dropped without the lock.
    pub fn clear(&mut self) -> Retired {
        let records: Records = std::mem::take(&mut self.records);
        self.guests = Group::default();
        self.users = Group::default();
        self.overshoot = 0;
        self.log_clear();
        self.stats.destroyed += u64::from(records.len());
        Retired {
            records,
            _order: (
                std::mem::take(&mut self.index),
                std::mem::take(&mut self.expiry),
                std::mem::take(&mut self.by_user),
            ),
        }
    }

    /// True if a listener wants the events of sessions that [`Store::clear`] ended.
    pub(crate) fn reports_cleared(&self) -> bool {
        self.outbox.mask().has(EventKind::Destroyed)
    }

    /// Queues the events of sessions that [`Store::clear`] ended.
    pub(crate) fn report_cleared(&mut self, ended: Vec<(Handle, Option<OwnedText>)>) {
        for (handle, uid) in ended {
            self.outbox.push(Event {
                kind: EventKind::Destroyed,
                reason: Reason::Clear,
                handle,
                uid,
            });
        }
    }

    /// Handles the heap's earliest entry once it is due: expires its session, or re-arms it if the session was touched since.
    pub(super) fn surface(&mut self, index: u32, now: u64) {
        let deadline = self.records.at(index).deadline();
        if is_over(deadline, now) {
            self.expire(index);
        } else {
            self.expiry.rearm_earliest(deadline);
        }
    }

    pub(super) fn expire(&mut self, index: u32) {
        let session = self.records.at(index);
        panic_at(PanicAt::Expire, |uid| session.has_uid(uid));
        let reason = if session.idle_deadline() == session.deadline() {
            Reason::IdleTimeout
        } else {
            Reason::AbsoluteTimeout
        };
        self.end(index, EventKind::Expired, reason);
    }

    /// Removes a session from every structure, and logs, counts and reports its end.
    pub(super) fn end(&mut self, index: u32, kind: EventKind, reason: Reason) {
        self.emit(index, kind, reason);
        let session = self.records.at(index);
        let (handle, is_user, bytes) = (session.handle(), session.is_user(), session.bytes());
        self.log_remove(handle, kind == EventKind::Destroyed);
        self.remove_from_group(is_user, index, bytes);
        self.by_user.remove(index);
        self.expiry.disarm(index);
        self.index.remove(handle, |at| at == index);
        match kind {
            EventKind::Expired => self.stats.expired += 1,
            EventKind::Evicted => self.stats.evicted += 1,
            _ => self.stats.destroyed += 1,
        }
        self.records.remove(index, &mut self.garbage);
        self.has_removed = true;
    }
}
