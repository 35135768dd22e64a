//! A disk in memory that keeps what is seen and what is durable apart, and loses power, fails or fills up on command.
//!
//! Stricter than most file systems: syncing a file does not make its name durable, syncing the directory does not make
//! any content durable, and names become durable in any order that keeps each name's own history. The same seeds and
//! the same calls give the same disk.

mod crash;
mod fault;
mod inode;
mod names;
mod state;
#[cfg(test)]
mod tests;

pub use crash::Crash;
pub use fault::{DiskFault, Failure, Operation, Stop};

use crate::disk::{Disk, Sink, Source, check_cut, check_name};
use crate::planted::{self, planted};
use parking_lot::Mutex;
use state::{DiskState, InodeId};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;

/// A clone is the same disk. Without a limit and without faults until told otherwise.
#[derive(Clone, Default)]
pub struct SimulatedDisk {
    state: Arc<Mutex<DiskState>>,
}

impl SimulatedDisk {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The disk as the next process finds it. This one is unchanged; the new one has its capacity, but counts from
    /// zero and has no faults, and nobody has a file open.
    #[must_use]
    pub fn crash(&self, seed: u64, how: Crash) -> Self {
        let state = self.state.lock().crash(seed, how);
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// How many operations were tried so far, refused ones included. [`Disk::cut`] counts as two, a cut and a sync.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state.lock().faults.operations()
    }

    /// How many operations of one kind were tried so far.
    #[must_use]
    pub fn operations_of(&self, kind: Operation) -> u64 {
        self.state.lock().faults.operations_of(kind)
    }

    /// The `n`-th operation since the disk was made, counted from 1, and all later ones fail without an effect.
    pub fn stop_at(&self, n: u64, stop: Stop) {
        self.state.lock().faults.stop_at(n, stop);
    }

    /// The `n`-th operation since the disk was made, or the `n`-th of the failure's kind, fails. May be told several
    /// times.
    pub fn fail_at(&self, n: u64, failure: Failure) {
        self.state.lock().faults.fail_at(n, failure);
    }

    /// No operation fails any more.
    pub fn mend(&self) {
        self.state.lock().faults.mend();
    }

    /// From now on every write of more than one byte writes only a part.
    pub fn short_writes(&self, seed: u64) {
        self.state.lock().faults.short_writes(seed);
    }

    /// From now on a write beyond `bytes` in all files together writes what fits, and fails if that is nothing.
    /// `u64::MAX` is no limit.
    pub fn set_capacity(&self, bytes: u64) {
        self.state.lock().capacity = bytes;
    }

    /// The file's bytes as a reader sees them.
    #[must_use]
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        self.state
            .lock()
            .inode(name)
            .ok()
            .map(|inode| inode.live().to_vec())
    }

    /// Puts a durable file there, in place of one that may be there, and makes all names durable. No operation: never
    /// fails, is not counted.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        self.state.lock().put(name, bytes);
    }

    /// Turns one bit of a file over, as decay would: seen and durable. Answers false when the file is not that long.
    #[must_use]
    pub fn flip(&self, name: &str, bit: usize) -> bool {
        self.state
            .lock()
            .inode_mut(name)
            .is_ok_and(|inode| inode.flip(bit))
    }

    /// How often a file was written to or synced after a sync of it had failed, which no process may do.
    #[must_use]
    pub fn misplaced_trust(&self) -> u64 {
        self.state.lock().misplaced_trust
    }

    /// The bytes in all files together, as a reader sees them.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.state.lock().total_bytes()
    }
}

impl Disk for SimulatedDisk {
    fn open(&self, name: &str) -> io::Result<Box<dyn Source>> {
        check_name(name)?;
        let content = self.state.lock().inode(name)?.live();
        let len = content.len() as u64;
        let content = Cursor::new(Bytes(content));
        Ok(Box::new(SimulatedSource { content, len }))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Sink>> {
        check_name(name)?;
        let (inode, open) = self.state.lock().create(name)?;
        let is_renamed_unsynced = planted(planted::Fault::RenameBeforeSync) && name.starts_with("tmp-");
        Ok(Box::new(SimulatedSink {
            disk: self.clone(),
            inode,
            syncs: !planted(planted::Fault::NoSync) && !is_renamed_unsynced,
            _open: open,
        }))
    }

    fn cut(&self, name: &str, len: u64) -> io::Result<()> {
        check_name(name)?;
        let mut state = self.state.lock();
        let inode = state.lookup(name)?;
        state.cut(inode, len)?;
        state.sync(inode)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        check_name(from)?;
        check_name(to)?;
        self.state.lock().rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        check_name(name)?;
        self.state.lock().remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state.lock().list())
    }

    fn sync_dir(&self) -> io::Result<()> {
        if planted(planted::Fault::NoDirectorySync) {
            return Ok(());
        }
        self.state.lock().sync_dir()
    }
}

/// A file's bytes at one moment, shared with the disk until it changes them.
struct Bytes(Arc<Vec<u8>>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Sees the file as it was when it was opened.
struct SimulatedSource {
    content: Cursor<Bytes>,
    len: u64,
}

impl Read for SimulatedSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.content.read(buffer)
    }
}

impl Seek for SimulatedSource {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.content.seek(to)
    }
}

impl Source for SimulatedSource {
    fn len(&self) -> u64 {
        self.len
    }
}

struct SimulatedSink {
    disk: SimulatedDisk,
    inode: InodeId,
    /// False for a planted fault: then a sync does nothing.
    syncs: bool,
    /// Keeps a removed file's inode until this is dropped.
    _open: Arc<()>,
}

impl Sink for SimulatedSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.state.lock().write(self.inode, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        if !self.syncs {
            return Ok(());
        }
        self.disk.state.lock().sync(self.inode)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.disk.state.lock().cut(self.inode, len)
    }
}
