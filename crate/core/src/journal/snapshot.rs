//! The snapshot's writer: copies all sessions, slice by slice, while the store goes on.
//!
//! A slice is copied under one hold of the lock, so that no thread waits for more than a slice, and becomes a block with the LSN up to
//! which it is current. Replay applies a record of the log only to a session that is older.

use crate::disk::{Disk, Sink, remove_leftover, temporary_name};
use crate::format::codec::{Block, Foot, Head, SnapshotEntry, encode};
use crate::format::frame::{self, Seed};
use crate::format::header::{self, FileHeader, FileKind};
use crate::lock::shared::{PoisonOnPanic, Shared};
use crate::model::error::Error;
use crate::model::lsn::Lsn;
use crc32c::crc32c_append;
use std::io;

pub const KIND_HEAD: u8 = 16;
pub const KIND_BLOCK: u8 = 17;
pub const KIND_FOOT: u8 = 18;

/// Maximum number of slots in a slice. With [`BYTES`] it limits a hold of the lock to some 50 microseconds.
const SLOTS: u32 = 256;
/// Encoded bytes at which a slice ends; its last session may exceed them.
pub const BYTES: usize = 1 << 16;
/// Bytes after which the file is synced: a single sync at the end would keep the disk busy for too long.
const SYNC_EVERY: u64 = 4 << 20;

impl SnapshotEntry {
    /// The name of the snapshot's file.
    pub fn name(&self) -> String {
        format!("snap-{}", self.generation)
    }

    /// The header of the snapshot's file.
    pub fn header(&self) -> FileHeader {
        FileHeader::new(FileKind::Snapshot, self.generation, self.lsn, self.salt)
    }
}

/// A snapshot being written, under a temporary name.
pub struct SnapshotWriter {
    sink: Box<dyn Sink>,
    entry: SnapshotEntry,
    seed: Seed,
    /// The first slot of the next slice.
    next: u32,
    entries: Vec<u8>,
    block: Vec<u8>,
    unsynced: u64,
}

/// Outcome of a [`SnapshotWriter::step`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There are more slots to copy.
    More,
    /// All slots are copied.
    Copied,
}

impl SnapshotWriter {
    /// Creates the file of a generation's snapshot. Replay will start after `lsn`.
    ///
    /// # Errors
    /// Disk errors.
    pub fn create(disk: &dyn Disk, generation: u64, salt: u64, lsn: Lsn, head: &Head) -> io::Result<Self> {
        let entry = SnapshotEntry {
            generation,
            salt,
            len: header::LEN as u64,
            lsn,
            foot: Foot::default(),
        };
        let name = temporary_name(&entry.name());
        remove_leftover(disk, &name)?;
        let mut writer = Self {
            sink: disk.create(&name)?,
            entry,
            seed: Seed::new(salt),
            next: 0,
            entries: Vec::new(),
            block: Vec::new(),
            unsynced: 0,
        };
        writer.sink.write_all(&entry.header().to_bytes())?;
        writer.write(lsn, KIND_HEAD, |body| encode(head, body))?;
        Ok(writer)
    }

    /// Copies one slice and writes it as a block.
    ///
    /// # Errors
    /// Disk errors; [`Error::Poisoned`], because the content of a poisoned store must not be saved.
    pub fn step(&mut self, shared: &Shared) -> io::Result<Step> {
        self.entries.clear();
        let entries = &mut self.entries;
        let mut guard = shared.lock();
        if guard.poisoned {
            return Err(io::Error::other(Error::Poisoned));
        }
        let copied = PoisonOnPanic(&mut guard)
            .0
            .store
            .copy_slots(self.next, SLOTS, BYTES, |put| {
                encode(put, entries);
                entries.len()
            });
        let lsn = guard.store.last_lsn();
        shared.release(guard, true);
        let Some((next, count)) = copied else {
            return Ok(Step::Copied);
        };
        self.next = next;
        let head = Block { count };
        let entries = std::mem::take(&mut self.entries);
        self.write(lsn, KIND_BLOCK, |body| {
            encode(&head, body);
            body.extend_from_slice(&entries);
        })?;
        self.entries = entries;
        self.entry.foot.sessions += u64::from(count);
        self.entry.foot.blocks += 1;
        if self.unsynced >= SYNC_EVERY {
            self.sync()?;
        }
        Ok(Step::More)
    }

    /// Writes the foot, syncs the file and gives it its final name.
    ///
    /// # Errors
    /// Disk errors.
    pub fn finish(mut self, disk: &dyn Disk) -> io::Result<SnapshotEntry> {
        let foot = self.entry.foot;
        self.write(self.entry.lsn, KIND_FOOT, |body| encode(&foot, body))?;
        self.sync()?;
        let name = self.entry.name();
        disk.rename(&temporary_name(&name), &name)?;
        disk.sync_dir()?;
        Ok(self.entry)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.unsynced = 0;
        self.sink.sync()
    }

    fn write(&mut self, lsn: Lsn, kind: u8, body: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        self.block.clear();
        frame::append(&mut self.block, lsn, kind, body);
        let digest = &mut self.entry.foot.digest;
        frame::seal(&mut self.block, self.seed, |frame| {
            *digest = crc32c_append(*digest, &frame.crc.to_le_bytes());
        });
        self.sink.write_all(&self.block)?;
        let len = self.block.len() as u64;
        self.entry.len += len;
        self.unsynced += len;
        Ok(())
    }
}
