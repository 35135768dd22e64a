//! Walking over all sessions.

use super::Store;
use crate::memory::record::Stored;
use crate::memory::slab::Slot;
use crate::model::id::Handle;
use crate::model::page::{MAX_LOOKED_AT, Page, SessionInfo};
use crate::model::time::is_over;

impl Store {
    /// All records in the order of their places, dead ones included.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(Handle, Stored<'_>)) {
        for index in 0..self.records.capacity() {
            if let Some(record) = self.records.get(index) {
                visit(self.cipher.seal(self.records.slot(index)), record);
            }
        }
    }

    /// Some sessions in the order of their places, from behind `after` or from the start.
    #[must_use]
    pub fn page(&self, after: Option<Handle>, limit: usize, now: u64) -> Page {
        let mut page = Page::default();
        let start = match after {
            None => 0,
            // A forged or foreign handle names no place: there is nothing behind it.
            Some(handle) => self
                .cipher
                .open(handle)
                .map_or(u32::MAX, |slot| slot.index.saturating_add(1)),
        };
        for index in start..self.records.capacity() {
            if let Some(record) = self.records.get(index)
                && !is_over(record.deadline(), now)
            {
                page.sessions.push(SessionInfo {
                    handle: self.cipher.seal(self.records.slot(index)),
                    uid: record.uid(),
                    facts: record.facts(),
                    bytes: record.bytes(),
                });
            }
            let last = index + 1 == self.records.capacity();
            if !last && (page.sessions.len() >= limit || index - start >= MAX_LOOKED_AT) {
                page.next = Some(self.cipher.seal(Slot { index, generation: 0 }));
                break;
            }
        }
        page
    }
}
