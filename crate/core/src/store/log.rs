//! Telling the journal. Without one each of these is a question to an `Option`.

use super::Store;
use super::lease::Lease;
use crate::format::codec::{Head, Put, Touch};
use crate::format::queue::Entries;
use crate::memory::record::Stored;
use crate::planted::{PanicAt, panic_at};

impl Store {
    /// Tells `log` of all that changes from here on.
    pub(crate) fn attach_log(&mut self, log: Entries) {
        self.log = Some(log);
    }

    pub(crate) fn log(&self) -> Option<&Entries> {
        self.log.as_ref()
    }

    pub(crate) fn log_mut(&mut self) -> Option<&mut Entries> {
        self.log.as_mut()
    }

    pub(super) fn log_put(&mut self, index: u32, renewed: bool) {
        if let Some(log) = &mut self.log {
            let slot = self.records.slot(index);
            self.records.set_logged(index);
            if let Some(record) = self.records.get(index) {
                log.put(&record.to_put(slot), renewed);
            }
        }
    }

    pub(super) fn log_remove(&mut self, index: u32, ended: bool) {
        if let Some(log) = &mut self.log {
            log.remove(self.records.slot(index).into(), ended);
        }
    }

    pub(super) fn log_clear(&mut self) {
        if let Some(log) = &mut self.log {
            log.clear();
        }
    }

    pub(super) fn log_touch(&mut self, index: u32) {
        if let Some(log) = &mut self.log {
            let slot = self.records.slot(index).into();
            self.records.set_logged(index);
            if let Some(record) = self.records.get(index) {
                let facts = record.facts();
                log.touch(&Touch {
                    slot,
                    last_seen_at: facts.last_seen_at,
                    idle_timeout: facts.idle_timeout,
                });
            }
        }
    }

    /// Notes activity; the log is told of it once in a while.
    pub(super) fn see(&mut self, index: u32, now: u64) {
        if self.log.is_none() {
            if let Some(record) = self.records.get_mut(index) {
                record.set_last_seen(now);
            }
        } else if self.records.touch_logged(index, now) {
            self.log_touch(index);
        }
    }

    /// What a snapshot begun now has to say of the whole store.
    pub(crate) fn snapshot_head(&self, now: u64) -> Head {
        Head {
            newest_generation: self
                .lease
                .as_ref()
                .map_or_else(|| self.records.newest_generation(), Lease::reserved),
            now,
        }
    }

    /// Copies the sessions of a range of slots out, from `first` on until `slots` places were looked at or `bytes` are full. Answers
    /// where the range ends and how many sessions it has; `None` behind the last place.
    pub(crate) fn copy_slots(
        &self,
        first: u32,
        slots: u32,
        bytes: usize,
        mut copy: impl FnMut(&Put<'_>) -> usize,
    ) -> Option<(u32, u32)> {
        if first >= self.records.capacity() {
            return None;
        }
        let mut count = 0;
        let mut end = first;
        while end < self.records.capacity() && end - first < slots {
            let record: Option<Stored<'_>> = self.records.get(end);
            end += 1;
            if let Some(record) = record {
                panic_at(PanicAt::Slice, |uid| record.has_uid(uid));
                count += 1;
                if copy(&record.to_put(self.records.slot(end - 1))) >= bytes {
                    break;
                }
            }
        }
        Some((end, count))
    }
}
