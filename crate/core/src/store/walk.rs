//! Walking over all sessions, slice by slice.

use super::Store;
use crate::memory::record::Stored;
use crate::model::page::SessionInfo;
use crate::model::time::is_over;

/// Slots looked at in one hold of the lock: about 50 microseconds.
const LOOKS: u32 = 256;

/// The position of a walk over the slots, which continues in a later hold of the lock.
#[derive(Debug)]
pub struct Walk {
    /// The next slot to look at; `None` at the end.
    pub next: Option<u32>,
}

impl SessionInfo {
    pub(crate) fn of(session: Stored<'_>) -> Self {
        Self {
            handle: session.handle(),
            uid: session.uid(),
            facts: session.facts(),
            bytes: session.bytes(),
        }
    }
}

impl Store {
    /// Visits all sessions in the order of their slots, including expired ones that were not swept yet.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(Stored<'_>)) {
        for index in 0..self.records.capacity() {
            if let Some(session) = self.records.get(index) {
                visit(session);
            }
        }
    }

    /// Appends the live sessions of the next slots to `sessions`, until it has `limit`.
    pub(crate) fn walk(&self, walk: &mut Walk, sessions: &mut Vec<SessionInfo>, limit: usize, now: u64) {
        let Some(start) = walk.next else { return };
        let end = self.records.capacity().min(start.saturating_add(LOOKS));
        let mut at = start;
        while at < end && sessions.len() < limit {
            if let Some(session) = self.records.get(at)
                && !is_over(session.deadline(), now)
            {
                sessions.push(SessionInfo::of(session));
            }
            at += 1;
        }
        walk.next = (at < self.records.capacity()).then_some(at);
    }
}
