//! The sessions as recovered from the files, before expiry and bounds are applied.

use crate::format::codec::{Block, Head, Put, Remove, Touch, decode, decode_first};
use crate::format::frame::Frame;
use crate::format::queue::kind;
use crate::memory::bodies::Garbage;
use crate::memory::chunks::Chunks;
use crate::memory::index::Index;
use crate::memory::records::Records;
use crate::model::id::Handle;
use crate::model::lsn::Lsn;
use crate::planted::{PanicAt, panic_at};
use crate::store::saved::restore;

/// What is wrong with a frame although its checksum is right: a short text for the report of an inspection.
pub type Defect = &'static str;

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
    /// The ext field of the snapshot's head.
    pub ext: Vec<u8>,
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
        const FULL: Defect = "the sessions have more bytes than can be addressed";
        panic_at(PanicAt::Open, |uid| put.uid == uid.as_bytes());
        let (fixed, contents) = restore(put).ok_or("the session is malformed")?;
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
mod tests {
    use super::*;
    use crate::format::codec::encode;
    use crate::model::text::{Text, TextBuffer};

    fn put(version: u64, data: &[u8], ext: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        let put = Put {
            handle: [7; 12],
            secret: [0; 16],
            version,
            created_at: 0,
            last_seen_at: 0,
            idle_timeout: 0,
            absolute_deadline: 0,
            authenticated_at: 0,
            wide: false,
            uid: &[],
            data,
            ext,
        };
        encode(&put, &mut body);
        body
    }

    fn frame(lsn: u64, kind: u8, body: &[u8]) -> Frame<'_> {
        Frame {
            lsn: Lsn::new(lsn),
            kind,
            body,
            crc: 0,
        }
    }

    fn block(puts: &[Vec<u8>]) -> Vec<u8> {
        let mut body = Vec::new();
        let count = u32::try_from(puts.len()).unwrap();
        encode(&Block { count }, &mut body);
        body.extend(puts.concat());
        body
    }

    fn data(image: &Image) -> Option<Vec<u8>> {
        let session = image.records.get(0)?;
        let mut buffer = TextBuffer::default();
        session.read_into(&mut buffer);
        match buffer.text() {
            Text::Latin1(bytes) => Some(bytes.to_vec()),
            Text::Utf16(_) => None,
        }
    }

    #[test]
    fn a_record_applies_only_to_a_session_that_is_older() {
        let mut image = Image::default();
        let snapshot = block(&[put(3, b"{3}", b"")]);
        assert_eq!(image.block(&frame(30, 17, &snapshot)), Ok(1));
        for (lsn, kind, body) in [
            (20, kind::PUT, put(2, b"{2}", b"")),
            (21, kind::CLEAR, Vec::new()),
            (30, kind::RENEW, put(4, b"{x}", b"")),
        ] {
            image.record(&frame(lsn, kind, &body)).unwrap();
            assert_eq!(data(&image).unwrap(), b"{3}");
        }
        image.record(&frame(31, kind::PUT, &put(4, b"{4}", b""))).unwrap();
        assert_eq!(data(&image).unwrap(), b"{4}");
        image.record(&frame(32, kind::CLEAR, &[])).unwrap();
        assert_eq!(data(&image), None);
        image.index.validate(|slot| image.records.at(slot).handle());
    }

    /// A salvage once kept the first of two sessions with one handle, even if it was the older.
    #[test]
    fn of_two_sessions_with_one_handle_the_newer_is_kept() {
        for versions in [[5, 6], [6, 5]] {
            let puts = versions.map(|version| put(version, format!("{{{version}}}").as_bytes(), b""));
            let mut image = Image::default();
            let found = image.block(&frame(9, 17, &block(&puts)));
            assert_eq!(found, Err("two of its sessions have the same handle"));
            assert_eq!((data(&image).unwrap(), image.records.len()), (b"{6}".to_vec(), 1));
        }
    }

    #[test]
    fn an_ext_field_of_a_later_version_is_kept_and_a_malformed_one_is_refused() {
        let ext = [1, 2, 3, 0, b'a', b'b', b'c'];
        let mut image = Image::default();
        image.record(&frame(1, kind::PUT, &put(1, b"{}", &ext))).unwrap();
        assert_eq!(image.records.at(0).to_put().ext, ext);
        assert_eq!(data(&image).unwrap(), b"{}");
        let malformed = image.record(&frame(2, kind::PUT, &put(2, b"{}", &ext[..5])));
        assert_eq!(malformed, Err("the session is malformed"));
    }
}
