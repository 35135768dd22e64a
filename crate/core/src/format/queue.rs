//! The queue of encoded records that wait to be written to the log. Filled under the store's lock, emptied by the writer thread.

use crate::format::codec::{Keys, Put, Remove, Touch, encode};
use crate::format::frame;
use crate::model::durability::Durability;
use crate::model::lsn::Lsn;
use crate::planted::{Fault, planted, see};
use serde::Serialize;

/// Kinds of records in the log.
pub mod kind {
    /// The full state of a session.
    pub const PUT: u8 = 1;
    /// The full state of a session under a new secret: its old ids are void.
    pub const RENEW: u8 = 2;
    /// Changed keys of a session's data.
    pub const KEYS: u8 = 3;
    /// A session's last activity and idle timeout.
    pub const TOUCH: u8 = 4;
    /// The removal of a session.
    pub const REMOVE: u8 = 5;
    /// The end of all sessions.
    pub const CLEAR: u8 = 6;
    /// A write that was refused because the disk was full: only its LSN is kept.
    pub const SKIP: u8 = 7;
    /// The start of a batch, with the LSN of the record before it.
    pub const MARK: u8 = 8;

    /// Whether frames of this kind are records, each with an LSN of its own.
    pub fn is_record(kind: u8) -> bool {
        (PUT..=SKIP).contains(&kind)
    }
}

/// Length in bytes at which a chunk is full. A single vector would be copied whenever it grows; a chunk's capacity is a quarter more, so
/// that a last record of usual size fits.
const CHUNK: usize = 1 << 18;
/// Maximum number of empty chunks kept for reuse.
pub const SPARE_CHUNKS: usize = 4;
/// Queued bytes above which the writer is woken at once, although no caller waits for them.
const GATHERED: usize = 1 << 20;
/// Unwritten bytes above which writes are refused. Destroys never are.
pub const MAX_QUEUED: usize = 64 << 20;

/// Whether the queue keeps the records that it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    All,
    /// Only LSNs are assigned: the log file is lost, and the next snapshot will have everything.
    Nothing,
}

/// Encoded records that wait to be written to the log, in the order of their LSNs.
#[derive(Debug)]
pub struct Queue {
    chunks: Vec<Vec<u8>>,
    spare: Vec<Vec<u8>>,
    bytes: usize,
    /// Bytes of the batch that was taken and is not yet written.
    taken: usize,
    last_lsn: Lsn,
    keep: Keep,
    /// True if the next batch must be synced.
    sync: bool,
    durability: Durability,
}

/// Records taken from the queue, to be written together.
#[derive(Debug, Default)]
pub struct Batch {
    pub chunks: Vec<Vec<u8>>,
    /// The newest LSN of the queue, even if the batch is empty.
    pub last_lsn: Lsn,
    /// Whether a caller waits for the batch, and all before it, to be synced.
    pub sync: bool,
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

impl Queue {
    /// An empty queue, whose first record follows `last_lsn`.
    pub fn new(last_lsn: Lsn, durability: Durability) -> Self {
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

    pub fn last_lsn(&self) -> Lsn {
        self.last_lsn
    }

    /// Whether there are records to write, or a sync is requested.
    pub fn has_work(&self) -> bool {
        self.keep == Keep::All && (self.bytes > 0 || self.sync)
    }

    /// Whether the queue should be written now instead of letting more records gather.
    pub fn is_urgent(&self) -> bool {
        self.sync || self.durability != Durability::None || self.bytes > GATHERED
    }

    pub fn is_full(&self) -> bool {
        self.bytes + self.taken > MAX_QUEUED
    }

    /// Requests a sync of all records queued or written so far.
    pub fn want_sync(&mut self) {
        self.sync = true;
    }

    /// Queues a session's full state. With `renewed` it has a new secret, and is synced: the old id must not come back.
    pub fn put(&mut self, put: &Put<'_>, renewed: bool) {
        see(put.uid);
        self.push(if renewed { kind::RENEW } else { kind::PUT }, put);
        self.sync |= self.durability == Durability::Disk || (renewed && !planted(Fault::DestroyNotSynced));
    }

    /// Queues changed keys of a session.
    pub fn keys(&mut self, keys: &Keys<'_>) {
        self.push(kind::KEYS, keys);
        self.sync |= self.durability == Durability::Disk;
    }

    pub fn touch(&mut self, touch: &Touch) {
        self.push(kind::TOUCH, touch);
    }

    /// Queues a session's removal. With `ended` a caller ended it, and it is synced: a crash must not undo that.
    pub fn remove(&mut self, handle: [u8; 12], ended: bool) {
        self.push(kind::REMOVE, &Remove { handle });
        self.sync |= ended && !planted(Fault::DestroyNotSynced);
    }

    /// Queues the end of all sessions, which is synced.
    pub fn clear(&mut self) {
        self.push(kind::CLEAR, &());
        self.sync |= !planted(Fault::DestroyNotSynced);
    }

    fn push(&mut self, kind: u8, value: &impl Serialize) {
        self.last_lsn = self.last_lsn.next();
        if self.keep == Keep::Nothing {
            return;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() >= CHUNK) {
            let chunk = self.spare.pop();
            self.chunks
                .push(chunk.unwrap_or_else(|| Vec::with_capacity(CHUNK + (CHUNK >> 2))));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            let before = chunk.len();
            frame::append(chunk, self.last_lsn, kind, |body| encode(value, body));
            self.bytes += chunk.len() - before;
        }
    }

    /// Takes all queued records. `done` are the chunks of the batch before, for reuse.
    pub fn take(&mut self, done: Vec<Vec<u8>>) -> Batch {
        let room = SPARE_CHUNKS.saturating_sub(self.spare.len());
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

    /// Stops counting the taken batch as unwritten: it was written, or it failed.
    pub fn done(&mut self) {
        self.taken = 0;
    }

    /// Empties the queue, and from here on keeps records as `keep` says. Returns the newest LSN, up to which a snapshot begun now has
    /// everything, and the chunks, for the caller to free after unlocking.
    pub fn restart(&mut self, keep: Keep) -> (Lsn, Vec<Vec<u8>>) {
        self.keep = keep;
        self.bytes = 0;
        self.taken = 0;
        (self.last_lsn, std::mem::take(&mut self.chunks))
    }
}
