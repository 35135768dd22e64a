//! What the store tells its journal: changes are queued, sessions copied for snapshots. Without a journal each method only checks an
//! `Option`.

use super::Store;
use crate::format::codec::{Head, Keys, Put, Touch};
use crate::format::queue::Queue;
use crate::memory::record::Units;
use crate::model::id::Handle;
use crate::model::keys::KeyChange;
use crate::model::lsn::Lsn;
use crate::model::object::ObjectText;
use crate::model::text::Text;
use crate::planted::{PanicAt, panic_at};

impl Store {
    /// Attaches the journal's queue: every change from here on is queued.
    pub(crate) fn attach_log(&mut self, log: Queue) {
        self.log = Some(log);
    }

    pub(crate) fn log(&self) -> Option<&Queue> {
        self.log.as_ref()
    }

    pub(crate) fn log_mut(&mut self) -> Option<&mut Queue> {
        self.log.as_mut()
    }

    /// The LSN of the newest record; 0 without a journal.
    pub(crate) fn last_lsn(&self) -> Lsn {
        self.log.as_ref().map(Queue::last_lsn).unwrap_or_default()
    }

    /// Queues the whole session. `renewed` means that it has a new secret, so that the old id is invalid.
    pub(super) fn log_put(&mut self, index: u32, renewed: bool) {
        if let Some(log) = &mut self.log {
            self.records.set_logged(index);
            log.put(&self.records.at(index).to_put(), renewed);
        }
    }

    /// Queues changed keys of a session; the whole session, if they are not shorter.
    pub(super) fn log_keys(&mut self, index: u32, keys: &KeyChange<'_>) {
        let Some(log) = &mut self.log else { return };
        self.records.set_logged(index);
        let session = self.records.at(index);
        let put = session.to_put();
        let wide = keys.is_wide();
        let [mut set, mut removed] = [Vec::new(), Vec::new()];
        let record = Keys {
            handle: put.handle,
            secret: put.secret,
            version: put.version,
            last_seen_at: put.last_seen_at,
            idle_timeout: put.idle_timeout,
            wide,
            set: bytes_of(keys.set(), wide, &mut set),
            removed: bytes_of(keys.removed(), wide, &mut removed),
        };
        // The other fields of a put are longer.
        if record.set.len() + record.removed.len() < put.uid.len() + put.data.len() + put.ext.len() {
            log.keys(&record);
        } else {
            log.put(&put, false);
        }
        let buffers = [set, removed].into_iter();
        self.garbage
            .extend(buffers.filter(|buffer| buffer.capacity() > 0));
    }

    /// Queues the end of a session. `ended` means that a caller ended it: it neither expired nor was evicted.
    pub(super) fn log_remove(&mut self, handle: Handle, ended: bool) {
        if let Some(log) = &mut self.log {
            log.remove(handle.to_bytes(), ended);
        }
    }

    pub(super) fn log_clear(&mut self) {
        if let Some(log) = &mut self.log {
            log.clear();
        }
    }

    /// Queues a session's last activity and idle timeout.
    pub(super) fn log_touch(&mut self, index: u32) {
        if let Some(log) = &mut self.log {
            self.records.set_logged(index);
            let session = self.records.at(index);
            log.touch(&Touch {
                handle: session.handle().to_bytes(),
                last_seen_at: session.fixed().last_seen_at,
                idle_timeout: session.idle_timeout(),
            });
        }
    }

    /// The head of a snapshot that begins now.
    pub(crate) fn snapshot_head(&self, now: u64) -> Head {
        Head {
            now,
            ext: self.ext.clone(),
        }
    }

    /// Passes sessions to `copy`, from slot `first` on. It stops after `slots` slots, or once `copy`, which returns the bytes it has in
    /// all, returns `bytes` or more. Returns the next slot and how many sessions were passed; `None` after the last slot.
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
            let session = self.records.get(end);
            end += 1;
            if let Some(session) = session {
                panic_at(PanicAt::Slice, |uid| session.has_uid(uid));
                count += 1;
                if copy(&session.to_put()) >= bytes {
                    break;
                }
            }
        }
        Some((end, count))
    }
}

/// The bytes of an object's text as a record has them, none for the empty object. UTF-16 is put into `buffer`.
fn bytes_of<'a>(object: ObjectText<'a>, wide: bool, buffer: &'a mut Vec<u8>) -> &'a [u8] {
    match object.text() {
        _ if object.is_empty() => &[],
        Text::Latin1(bytes) if !wide => bytes,
        text => {
            Units::from(text).write(wide, buffer);
            buffer
        }
    }
}
