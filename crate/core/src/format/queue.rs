//! The queue of records that the append log does not have yet. Filled under the store's lock, emptied by the journal's thread.

use crate::format::codec::{Put, Remove, Touch, encode};
use crate::format::frame;
use crate::model::durability::Durability;
use crate::planted::{Fault, planted, see};
use serde::Serialize;

/// Kinds of records in the log.
pub mod kind {
    /// A session, whole.
    pub const PUT: u8 = 1;
    /// The same under a new key: the old id is dead.
    pub const RENEW: u8 = 2;
    pub const TOUCH: u8 = 3;
    pub const REMOVE: u8 = 4;
    /// All sessions ended.
    pub const CLEAR: u8 = 5;
    /// A write that was refused for want of room on the disk: only its number is kept.
    pub const SKIP: u8 = 6;
    /// Begins a batch; has the number of the record before.
    pub const MARK: u8 = 7;

    /// Whether it has a number of its own.
    pub fn is_record(kind: u8) -> bool {
        (PUT..=SKIP).contains(&kind)
    }
}

/// Bytes a chunk is made with: many records, and small enough that none is ever copied to grow.
const CHUNK: usize = 1 << 18;
/// Chunks kept for the next batch.
const SPARE: usize = 4;
/// Bytes that may gather while nobody waits for them.
const GATHERED: usize = 1 << 20;
/// Bytes that may wait before writes are refused; destroys never are.
pub const MAX_QUEUED: usize = 64 << 20;

/// What is kept of what the store does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    All,
    /// The log's file is lost, and the next snapshot will have everything: numbers alone are given.
    Nothing,
}

/// Records that wait for the log, in the order of their numbers.
#[derive(Debug)]
pub struct Queue {
    chunks: Vec<Vec<u8>>,
    spare: Vec<Vec<u8>>,
    bytes: usize,
    /// Bytes that were taken and are not yet in the log.
    taken: usize,
    last_lsn: u64,
    keep: Keep,
    /// Somebody waits for the disk itself.
    sync: bool,
    durability: Durability,
}

/// Records taken out, to be written together.
#[derive(Debug, Default)]
pub struct Batch {
    pub chunks: Vec<Vec<u8>>,
    /// The number of the newest record, whether or not the batch has any.
    pub last_lsn: u64,
    pub sync: bool,
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

impl Queue {
    /// An empty queue behind the record `last_lsn`.
    pub fn new(last_lsn: u64, durability: Durability) -> Self {
        Self {
            chunks: Vec::new(),
            spare: Vec::new(),
            bytes: 0,
            taken: 0,
            last_lsn,
            keep: Keep::All,
            sync: false,
            durability,
        }
    }

    pub fn last_lsn(&self) -> u64 {
        self.last_lsn
    }

    pub fn has_work(&self) -> bool {
        self.keep == Keep::All && (self.bytes > 0 || self.sync)
    }

    /// Whether what waits should be written now, and not when more has gathered.
    pub fn is_urgent(&self) -> bool {
        self.sync || self.durability != Durability::None || self.bytes > GATHERED
    }

    pub fn is_full(&self) -> bool {
        self.bytes + self.taken > MAX_QUEUED
    }

    /// Asks for a sync of all there is.
    pub fn want_sync(&mut self) {
        self.sync = true;
    }

    pub fn put(&mut self, put: &Put<'_>, renewed: bool) {
        see(put.uid);
        self.push(if renewed { kind::RENEW } else { kind::PUT }, put);
        self.sync |= self.durability == Durability::Disk || (renewed && !planted(Fault::DestroyNotSynced));
    }

    pub fn touch(&mut self, touch: &Touch) {
        self.push(kind::TOUCH, touch);
    }

    /// A session left. With `ended`, because somebody ended it, and that must not be undone.
    pub fn remove(&mut self, handle: [u8; 12], ended: bool) {
        self.push(kind::REMOVE, &Remove { handle });
        self.sync |= ended && !planted(Fault::DestroyNotSynced);
    }

    pub fn clear(&mut self) {
        self.push(kind::CLEAR, &());
        self.sync |= !planted(Fault::DestroyNotSynced);
    }

    fn push(&mut self, kind: u8, value: &impl Serialize) {
        self.last_lsn += 1;
        if self.keep == Keep::Nothing {
            return;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() >= CHUNK) {
            let chunk = self.spare.pop();
            // Room for one more record of usual size behind the last one that fits.
            self.chunks
                .push(chunk.unwrap_or_else(|| Vec::with_capacity(CHUNK + (CHUNK >> 2))));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            let before = chunk.len();
            frame::append(chunk, self.last_lsn, kind, |body| encode(value, body));
            self.bytes += chunk.len() - before;
        }
    }

    /// Takes all that waits. `done` are the chunks of the batch before, to be filled again.
    pub fn take(&mut self, done: Vec<Vec<u8>>) -> Batch {
        let room = SPARE.saturating_sub(self.spare.len());
        self.spare.extend(done.into_iter().take(room).map(|mut chunk| {
            chunk.clear();
            chunk
        }));
        self.taken = std::mem::take(&mut self.bytes);
        Batch {
            chunks: std::mem::take(&mut self.chunks),
            last_lsn: self.last_lsn,
            sync: std::mem::take(&mut self.sync),
        }
    }

    /// What was taken has been dealt with.
    pub fn done(&mut self) {
        self.taken = 0;
    }

    /// Drops all that waits, and keeps what is told from here on. Answers the newest number: a snapshot begun now has it all.
    pub fn restart(&mut self, keep: Keep) -> (u64, Vec<Vec<u8>>) {
        self.keep = keep;
        self.bytes = 0;
        self.taken = 0;
        (self.last_lsn, std::mem::take(&mut self.chunks))
    }
}
