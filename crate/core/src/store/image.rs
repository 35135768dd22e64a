//! What the files say, put together: the sessions as they were, before anything looks at the time or at bounds.

use crate::format::codec::{Block, Head, Place, Put, Remove, Touch, decode, decode_first};
use crate::format::frame::Frame;
use crate::format::queue::kind;
use crate::memory::bodies::Garbage;
use crate::memory::records::Records;
use crate::planted::{PanicAt, panic_at};
use crate::store::saved::restore;

/// Places that a slot can name: the index behind them is that of [`Place::NONE`].
const MAX_PLACES: u32 = Place::NONE.index;
/// More places than the files have room for are not believed, for each costs memory: a block without sessions takes some 28 bytes for 256
/// of them. Whoever salvages what is left of a store may find records of places whose block is lost.
const PLACES_PER_BYTE: u64 = 16;
const PLACES_AT_LEAST: u64 = 1 << 20;

/// What a frame says cannot be.
pub type Nonsense = &'static str;

/// The sessions of a snapshot and the records behind it.
#[derive(Debug)]
pub struct Image {
    pub records: Records,
    /// The newest generation of any slot.
    pub newest_generation: u32,
    /// The latest instant that any file mentions.
    pub now: u64,
    /// The newest number of any record or snapshot block.
    pub last_lsn: u64,
    /// Records of the log that were newer than the snapshot, and applied.
    pub applied: u64,
    /// Records of places that the files have no room for, since the last clear. Nothing was done with them: a checkpoint beside which all
    /// sessions were cleared leaves a snapshot of next to nothing, and behind it the log from before the clear.
    pub far: usize,
    /// By ranges of slots, in their order: where each ends, and up to which record the snapshot has it.
    covered: Vec<(u32, u64)>,
    /// The same for slots behind all ranges.
    base_lsn: u64,
    max_places: u32,
}

impl Default for Image {
    fn default() -> Self {
        Self {
            records: Records::new(1),
            newest_generation: 0,
            now: 0,
            last_lsn: 0,
            applied: 0,
            far: 0,
            covered: Vec::new(),
            base_lsn: 0,
            max_places: MAX_PLACES,
        }
    }
}

impl Image {
    /// All files together have so many bytes: no more sessions are made room for than they can hold.
    pub fn expect_bytes(&mut self, bytes: u64) {
        let places = bytes
            .saturating_mul(PLACES_PER_BYTE)
            .saturating_add(PLACES_AT_LEAST);
        self.max_places = u32::try_from(places).unwrap_or(MAX_PLACES);
    }

    /// Begins with a snapshot: the log counts from behind `lsn`.
    pub fn head(&mut self, lsn: u64, head: Head) {
        self.base_lsn = lsn;
        self.last_lsn = lsn;
        self.now = self.now.max(head.now);
        self.newest_generation = head.newest_generation;
    }

    /// Adds a block of a snapshot; answers how many sessions it has.
    pub fn block(&mut self, frame: &Frame<'_>) -> Result<u32, Nonsense> {
        let (block, mut rest): (Block, _) = decode_first(frame.body).ok_or("the block has no head")?;
        let from = self.covered.last().map_or(0, |&(end, _)| end);
        if block.first < from || block.end < block.first || block.end > self.max_places {
            return Err("the block does not follow the one before");
        }
        if block.first > from {
            // One before it could not be read. The foot tells, unless damage is passed over: then this one counts all the same.
            self.covered.push((block.first, self.base_lsn));
        }
        for _ in 0..block.count {
            let (put, next): (Put<'_>, _) = decode_first(rest).ok_or("an entry of the block is malformed")?;
            if !(block.first..block.end).contains(&put.slot.index) {
                return Err("an entry is outside its block");
            }
            self.put(&put)?;
            rest = next;
        }
        if !rest.is_empty() {
            return Err("the block is longer than its entries");
        }
        self.covered.push((block.end, frame.lsn));
        self.last_lsn = self.last_lsn.max(frame.lsn);
        Ok(block.count)
    }

    /// Applies a record of the log, unless the snapshot is newer.
    pub fn record(&mut self, frame: &Frame<'_>) -> Result<(), Nonsense> {
        const MALFORMED: Nonsense = "the record is malformed";
        self.last_lsn = self.last_lsn.max(frame.lsn);
        match frame.kind {
            kind::PUT | kind::RENEW => {
                let put: Put<'_> = decode(frame.body).ok_or(MALFORMED)?;
                self.newest_generation = self.newest_generation.max(put.slot.generation);
                if self.is_newer(frame, put.slot.index) {
                    if put.slot.index < self.max_places {
                        self.put(&put)?;
                    } else {
                        self.far += 1;
                    }
                }
            }
            kind::TOUCH => {
                let touch: Touch = decode(frame.body).ok_or(MALFORMED)?;
                let index = touch.slot.index;
                if self.is_newer(frame, index)
                    && self.records.holds(touch.slot.into())
                    && let Some(record) = self.records.get_mut(index)
                {
                    record.set_last_seen(touch.last_seen_at);
                    let timeout = touch.idle_timeout;
                    self.records.set_idle_timeout(index, timeout, &mut Garbage::new());
                }
                self.now = self.now.max(touch.last_seen_at);
            }
            kind::REMOVE => {
                let Remove { slot } = decode(frame.body).ok_or(MALFORMED)?;
                self.newest_generation = self.newest_generation.max(slot.generation);
                if slot.index == Place::NONE.index {
                    // Nobody's end: so far generations may have been given.
                    return Ok(());
                }
                if self.is_newer(frame, slot.index) && self.records.holds(slot.into()) {
                    self.records.take(slot.index);
                }
            }
            kind::CLEAR => self.clear(frame.lsn),
            kind::SKIP => (),
            _ => return Err("the record is of no known kind"),
        }
        self.applied += 1;
        Ok(())
    }

    /// Places a session, for whose place there is room.
    fn put(&mut self, put: &Put<'_>) -> Result<(), Nonsense> {
        panic_at(PanicAt::Open, |uid| put.uid == uid.as_bytes());
        let (record, contents) = restore(put).ok_or("the session is malformed")?;
        self.newest_generation = self.newest_generation.max(put.slot.generation);
        self.now = self.now.max(put.last_seen_at);
        if self.records.place(put.slot.into(), record, &contents) {
            Ok(())
        } else {
            Err("the sessions have more bytes than can be addressed")
        }
    }

    fn covered_to(&self, index: u32) -> u64 {
        let at = self.covered.partition_point(|&(end, _)| end <= index);
        self.covered.get(at).map_or(self.base_lsn, |&(_, lsn)| lsn)
    }

    fn is_newer(&self, frame: &Frame<'_>, index: u32) -> bool {
        frame.lsn > self.covered_to(index)
    }

    fn clear(&mut self, lsn: u64) {
        // What was counted is newer than the snapshot, and the clear is newer than that.
        self.far = 0;
        for index in 0..self.records.capacity() {
            if lsn > self.covered_to(index) {
                self.records.take(index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::codec::encode;
    use crate::journal::snapshot::KIND_BLOCK;

    /// Whether files of so many bytes may have a block without sessions that ends at `end`.
    fn has_room(bytes: u64, end: u32) -> bool {
        let mut image = Image::default();
        image.expect_bytes(bytes);
        let mut body = Vec::new();
        let (first, count) = (0, 0);
        encode(&Block { first, end, count }, &mut body);
        let frame = Frame {
            lsn: 1,
            kind: KIND_BLOCK,
            body: &body,
            crc: 0,
        };
        image.block(&frame).is_ok()
    }

    /// No more than 2^28 places were believed, whatever the files' length: a store may have sixteen times as many sessions, and did not
    /// open again once it had.
    #[test]
    fn the_length_of_the_files_alone_bounds_the_places() {
        assert!(has_room(1 << 28, u32::MAX), "all that a slot can name");
        assert!(has_room(1 << 25, (1 << 29) + (1 << 20)));
        assert!(!has_room(1 << 25, (1 << 29) + (1 << 20) + 1));
        assert!(has_room(0, 1 << 20));
        assert!(!has_room(0, (1 << 20) + 1));
    }

    #[test]
    fn the_slot_that_names_no_session_is_never_filled() {
        let mut image = Image::default();
        image.expect_bytes(u64::MAX);
        let mut body = Vec::new();
        let put = Put {
            slot: Place::NONE,
            key: [0; 16],
            version: 1,
            created_at: 0,
            last_seen_at: 0,
            idle_timeout: 0,
            absolute_deadline: 0,
            authenticated_at: 0,
            wide: false,
            uid: &[],
            data: &[],
        };
        encode(&put, &mut body);
        let frame = Frame {
            lsn: 1,
            kind: kind::PUT,
            body: &body,
            crc: 0,
        };
        image.record(&frame).unwrap();
        assert_eq!((image.far, image.records.capacity()), (1, 0));
    }
}
