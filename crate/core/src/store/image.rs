//! The sessions as recovered from the files, before expiry and bounds are applied.

use crate::format::codec::{Block, Head, Keys, Put, Remove, Touch, decode, decode_first};
use crate::format::frame::Frame;
use crate::format::queue::kind;
use crate::memory::bodies::Garbage;
use crate::memory::chunks::Chunks;
use crate::memory::index::Index;
use crate::memory::record::{Fixed, Splicer};
use crate::memory::records::Records;
use crate::model::change::Change;
use crate::model::id::{Handle, SecretHash};
use crate::model::lsn::Lsn;
use crate::model::time::NEVER;
use crate::planted::{PanicAt, panic_at};
use crate::store::saved::{Defect, Scratch, restore, restore_keys};

const FULL: Defect = "the sessions have more bytes than can be addressed";

/// Buffers that the reading of all records uses.
#[derive(Debug, Default)]
struct Scratches {
    set: Scratch,
    removed: Scratch,
    splicer: Splicer,
}

/// The sessions of a snapshot with the log's records applied. A record changes only sessions that are older than it: a snapshot block
/// has its sessions as of the block's LSN, and the log also has records from before that.
#[derive(Debug, Default)]
pub struct Image {
    pub records: Records,
    pub index: Index,
    /// By slot: the LSN of the record or block that last changed the session.
    lsns: Chunks<Lsn>,
    /// The latest instant in any file.
    pub now: u64,
    /// The newest LSN of any record or snapshot block.
    pub last_lsn: Lsn,
    /// Log records that were read.
    pub applied: u64,
    /// Damage was skipped: records may be missing, and that is known.
    pub lacks_records: bool,
    /// The ext field of the snapshot's head.
    pub ext: Vec<u8>,
    scratches: Scratches,
}

impl Image {
    /// Starts from a snapshot's head. The log continues after `lsn`.
    pub fn head(&mut self, lsn: Lsn, head: Head) {
        self.last_lsn = lsn;
        self.now = self.now.max(head.now);
        self.ext = head.ext;
    }

    /// Adds a snapshot block, and returns how many sessions it has.
    pub fn block(&mut self, frame: &Frame<'_>) -> Result<u32, Defect> {
        let (block, mut rest): (Block, _) = decode_first(frame.body).ok_or("the block has no head")?;
        let mut has_duplicates = false;
        for _ in 0..block.count {
            let (put, next): (Put<'_>, _) = decode_first(rest).ok_or("an entry of the block is malformed")?;
            // Only damage causes two sessions with one handle: the one with the higher version is kept.
            let duplicate = self.find(Handle::from_bytes(put.handle));
            has_duplicates |= duplicate.is_some();
            if duplicate.is_none_or(|slot| self.records.at(slot).version() < put.version) {
                self.put(frame.lsn, &put, duplicate)?;
            }
            rest = next;
        }
        if !rest.is_empty() {
            return Err("the block has bytes after its last entry");
        }
        self.last_lsn = self.last_lsn.max(frame.lsn);
        if has_duplicates {
            return Err("two of its sessions have the same handle");
        }
        Ok(block.count)
    }

    /// Applies a log record.
    pub fn record(&mut self, frame: &Frame<'_>) -> Result<(), Defect> {
        const MALFORMED: Defect = "the record is malformed";
        self.last_lsn = self.last_lsn.max(frame.lsn);
        match frame.kind {
            kind::PUT | kind::RENEW => {
                let put: Put<'_> = decode(frame.body).ok_or(MALFORMED)?;
                let there = self.find(Handle::from_bytes(put.handle));
                if there.is_none_or(|slot| self.is_older(slot, frame.lsn)) {
                    self.put(frame.lsn, &put, there)?;
                }
            }
            kind::KEYS => {
                let keys: Keys<'_> = decode(frame.body).ok_or(MALFORMED)?;
                self.keys(frame.lsn, &keys)?;
            }
            kind::TOUCH => {
                let touch: Touch = decode(frame.body).ok_or(MALFORMED)?;
                self.touch(frame.lsn, &touch);
            }
            kind::REMOVE => {
                let Remove { handle } = decode(frame.body).ok_or(MALFORMED)?;
                if let Some(slot) = self.find(Handle::from_bytes(handle))
                    && self.is_older(slot, frame.lsn)
                {
                    self.take(slot);
                }
            }
            kind::CLEAR => {
                for slot in 0..self.records.capacity() {
                    if self.is_older(slot, frame.lsn) {
                        self.take(slot);
                    }
                }
            }
            kind::SKIP => (),
            _ => return Err("the record's kind is unknown"),
        }
        self.applied += 1;
        Ok(())
    }

    /// Adds a session, or replaces the one in the slot `there`.
    fn put(&mut self, lsn: Lsn, put: &Put<'_>, there: Option<u32>) -> Result<(), Defect> {
        panic_at(PanicAt::Open, |uid| put.uid == uid.as_bytes());
        let (fixed, contents) = restore(put, &mut self.scratches.set)?;
        self.now = self.now.max(put.last_seen_at);
        let body = self.records.encode(&contents);
        let mut garbage = Garbage::new();
        let slot = if let Some(slot) = there {
            if !self.records.replace(slot, fixed, body, &mut garbage) {
                return Err(FULL);
            }
            slot
        } else {
            let slot = self.records.insert(fixed, body, &mut garbage).ok_or(FULL)?;
            let records = &self.records;
            self.index
                .insert(fixed.handle, slot, |slot| records.at(slot).handle());
            slot
        };
        self.records.set_logged(slot);
        self.set_lsn(slot, lsn);
        Ok(())
    }

    /// Changes keys of a session. One that is not there has been removed later, and the snapshot was made after that.
    ///
    /// A record that does not follow the session's version says that others are missing, which is an error if it was not known. It is applied
    /// all the same, for a salvage: that loses only what is missing. It has the hash of the secret, so that after a renewal that is missing the
    /// old id does not get what was written under the new one.
    fn keys(&mut self, lsn: Lsn, keys: &Keys<'_>) -> Result<(), Defect> {
        let Some(slot) = self.find(Handle::from_bytes(keys.handle)) else {
            return Ok(());
        };
        if !self.is_older(slot, lsn) {
            return Ok(());
        }
        let Scratches {
            set,
            removed,
            splicer,
        } = &mut self.scratches;
        let change = restore_keys(keys, set, removed)?;
        let change = Change {
            keys: Some(&change),
            idle_timeout: Some(keys.idle_timeout),
            ..Change::default()
        };
        let stored = self.records.at(slot);
        let before = stored.fixed();
        if keys.version < before.version {
            return Err("the changed keys are of an older version than the session");
        }
        let mut contents = stored.contents();
        splicer.apply(&mut contents, &change);
        let fixed = Fixed {
            secret: SecretHash::from_bytes(keys.secret),
            version: keys.version,
            last_seen_at: keys.last_seen_at,
            ..before
        };
        let body = self.records.encode(&contents);
        self.now = self.now.max(keys.last_seen_at);
        if !self.records.replace(slot, fixed, body, &mut Garbage::new()) {
            return Err(FULL);
        }
        self.records.set_logged(slot);
        self.set_lsn(slot, lsn);
        // The last version stays the last.
        let follows = keys.version == (before.version + 1).min(NEVER) && fixed.secret.matches(before.secret);
        if follows || self.lacks_records {
            Ok(())
        } else {
            Err("a change of the session is missing before that of its keys")
        }
    }

    fn touch(&mut self, lsn: Lsn, touch: &Touch) {
        self.now = self.now.max(touch.last_seen_at);
        let Some(slot) = self.find(Handle::from_bytes(touch.handle)) else {
            return;
        };
        if !self.is_older(slot, lsn) {
            return;
        }
        if let Some(record) = self.records.get_mut(slot) {
            record.set_last_seen(touch.last_seen_at);
        }
        if self.records.at(slot).idle_timeout() != touch.idle_timeout {
            self.records
                .set_idle_timeout(slot, touch.idle_timeout, &mut Garbage::new());
        }
        self.records.set_logged(slot);
        self.set_lsn(slot, lsn);
    }

    /// Removes the session in a slot, if there is one.
    pub fn take(&mut self, slot: u32) {
        let Some(session) = self.records.get(slot) else {
            return;
        };
        self.index.remove(session.handle(), |at| at == slot);
        self.records.remove(slot, &mut Garbage::new());
    }

    fn find(&self, handle: Handle) -> Option<u32> {
        self.index
            .get(handle, |slot| self.records.at(slot).handle() == handle)
    }

    fn is_older(&self, slot: u32, lsn: Lsn) -> bool {
        self.lsns.get(slot as usize).is_none_or(|&current| current < lsn)
    }

    fn set_lsn(&mut self, slot: u32, lsn: Lsn) {
        while self.lsns.len() <= slot as usize {
            self.lsns.push(Lsn::default());
        }
        if let Some(current) = self.lsns.get_mut(slot as usize) {
            *current = lsn;
        }
    }
}

#[cfg(test)]
mod tests;
