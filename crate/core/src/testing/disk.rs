//! A disk in memory that keeps live and durable bytes apart, and loses power, fails or fills up on command.
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

/// A simulated disk, at first without a limit and without faults. A clone is the same disk.
#[derive(Clone, Default)]
pub struct SimulatedDisk {
    state: Arc<Mutex<DiskState>>,
}

impl SimulatedDisk {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The disk as the next process finds it after a crash. This one is unchanged; the new one has its capacity, but no
    /// faults and no open files, and counts its operations from zero.
    #[must_use]
    pub fn crash(&self, seed: u64, how: Crash) -> Self {
        let state = self.state.lock().crash(seed, how);
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// The number of operations tried so far, failed ones included. [`Disk::cut`] counts as two, a cut and a sync.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state.lock().faults.operations()
    }

    /// The number of operations of one kind tried so far.
    #[must_use]
    pub fn operations_of(&self, kind: Operation) -> u64 {
        self.state.lock().faults.operations_of(kind)
    }

    /// Stops the disk at the `n`-th operation since it was made, counted from 1: it fails, and all later ones do, without
    /// an effect except that of [`Stop::Within`].
    pub fn stop_at(&self, n: u64, stop: Stop) {
        self.state.lock().faults.stop_at(n, stop);
    }

    /// Makes the `n`-th operation since the disk was made, or the `n`-th of the failure's kind, fail. Failures add up.
    pub fn fail_at(&self, n: u64, failure: Failure) {
        self.state.lock().faults.fail_at(n, failure);
    }

    /// Removes all failures.
    pub fn clear_failures(&self) {
        self.state.lock().faults.clear_failures();
    }

    /// Makes every later write of more than one byte write only a part.
    pub fn short_writes(&self, seed: u64) {
        self.state.lock().faults.short_writes(seed);
    }

    /// Limits the bytes in all files together: a write beyond that writes what fits, and fails if that is nothing.
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

    /// Creates or replaces a durable file, and makes all names durable. Never fails, and does not count as an operation.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        self.state.lock().put(name, bytes);
    }

    /// Flips one bit of a file, live and durable, as bit rot would. False if the file is not that long.
    #[must_use]
    pub fn flip(&self, name: &str, bit: usize) -> bool {
        self.state
            .lock()
            .inode_mut(name)
            .is_ok_and(|inode| inode.flip(bit))
    }

    /// The number of writes to and syncs of a file after a sync of it had failed, which no process may do.
    #[must_use]
    pub fn uses_after_failed_sync(&self) -> u64 {
        self.state.lock().uses_after_failed_sync
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

/// A file being read, as it was when it was opened.
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

/// A file being appended to.
struct SimulatedSink {
    disk: SimulatedDisk,
    inode: InodeId,
    /// False if a planted fault makes its syncs do nothing.
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
