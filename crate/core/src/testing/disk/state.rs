//! The state of a simulated disk, behind its mutex: inodes, names, capacity and faults.

use super::check_cut;
use super::fault::{DiskFault, DiskFaults, Operation};
use super::inode::Inode;
use super::names::Names;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct InodeId(u64);

pub(super) struct DiskState {
    /// The inodes with a live, pending or durable name, and those that are open.
    pub inodes: BTreeMap<InodeId, Inode>,
    pub names: Names,
    /// The next inode's number. Numbers are never reused, so that a durable name cannot lead to a later file.
    pub next: u64,
    pub capacity: u64,
    pub faults: DiskFaults,
    /// Writes to and syncs of files after a sync of them had failed.
    pub uses_after_failed_sync: u64,
}

impl Default for DiskState {
    fn default() -> Self {
        Self {
            inodes: BTreeMap::new(),
            names: Names::default(),
            next: 0,
            capacity: u64::MAX,
            faults: DiskFaults::default(),
            uses_after_failed_sync: 0,
        }
    }
}

impl DiskState {
    pub fn lookup(&self, name: &str) -> io::Result<InodeId> {
        let found = self.names.live().get(name).copied();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub fn inode(&self, name: &str) -> io::Result<&Inode> {
        let id = self.lookup(name)?;
        self.inodes.get(&id).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub fn inode_mut(&mut self, name: &str) -> io::Result<&mut Inode> {
        let id = self.lookup(name)?;
        self.opened(id)
    }

    fn opened(&mut self, id: InodeId) -> io::Result<&mut Inode> {
        self.inodes
            .get_mut(&id)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn admit(&mut self, kind: Operation) -> io::Result<()> {
        self.faults.admit(kind).map_err(|refusal| refusal.error)
    }

    fn add(&mut self, inode: Inode) -> InodeId {
        let id = InodeId(self.next);
        self.next += 1;
        self.inodes.insert(id, inode);
        id
    }

    pub fn create(&mut self, name: &str) -> io::Result<(InodeId, Arc<()>)> {
        self.admit(Operation::Create)?;
        if self.names.live().contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = Inode::default();
        let open = inode.open();
        let id = self.add(inode);
        self.names.create(name, id);
        Ok((id, open))
    }

    /// Counts a write to or sync of a file if a sync of it has failed before. Called before the operation can fail.
    fn note_use(&mut self, id: InodeId) {
        let is_distrusted = self.inodes.get(&id).is_some_and(Inode::is_distrusted);
        self.uses_after_failed_sync += u64::from(is_distrusted);
    }

    pub fn write(&mut self, id: InodeId, bytes: &[u8]) -> io::Result<usize> {
        self.note_use(id);
        let admitted = self.faults.admit(Operation::Write);
        let wanted = match &admitted {
            Ok(()) => self.faults.shorten(bytes.len()),
            Err(refusal) => {
                let torn = refusal.torn.clone();
                torn.map_or(0, |mut rng| rng.usize(..=bytes.len()))
            }
        };
        let taken = wanted.min(self.room());
        let part = bytes.get(..taken).unwrap_or_default();
        if !part.is_empty() {
            self.opened(id)?.append(part);
        }
        admitted.map_err(|refusal| refusal.error)?;
        if taken == 0 && wanted > 0 {
            return Err(DiskFault::NoSpace.error());
        }
        Ok(taken)
    }

    fn room(&self) -> usize {
        if self.capacity == u64::MAX {
            return usize::MAX;
        }
        let used = self.inodes.iter().map(|(id, inode)| {
            let occupies = inode.is_open() || self.names.live().values().any(|named| named == id);
            if occupies { inode.len() as u64 } else { 0 }
        });
        let room = self.capacity.saturating_sub(used.sum());
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    pub fn sync(&mut self, id: InodeId) -> io::Result<()> {
        self.note_use(id);
        let admitted = self.faults.admit(Operation::Sync);
        let inode = self.opened(id)?;
        match admitted {
            Ok(()) => inode.sync(),
            Err(refusal) => {
                if !refusal.stopped {
                    inode.sync_failed();
                }
                return Err(refusal.error);
            }
        }
        Ok(())
    }

    pub fn cut(&mut self, id: InodeId, len: u64) -> io::Result<()> {
        self.admit(Operation::Cut)?;
        let inode = self.opened(id)?;
        check_cut(len, inode.len() as u64)?;
        inode.cut(usize::try_from(len).unwrap_or(usize::MAX));
        Ok(())
    }

    pub fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.admit(Operation::Rename)?;
        let id = self.lookup(from)?;
        if from != to {
            self.names.rename(from, to, id);
        }
        Ok(())
    }

    pub fn remove(&mut self, name: &str) -> io::Result<()> {
        self.admit(Operation::Remove)?;
        self.lookup(name)?;
        self.names.remove(name);
        Ok(())
    }

    pub fn sync_dir(&mut self) -> io::Result<()> {
        match self.faults.admit(Operation::SyncDir) {
            Ok(()) => {
                self.names.sync();
                self.forget_unreachable();
                Ok(())
            }
            Err(refusal) => {
                if !refusal.stopped {
                    self.names.sync_failed();
                }
                Err(refusal.error)
            }
        }
    }

    fn forget_unreachable(&mut self) {
        let reachable = self.names.reachable();
        self.inodes
            .retain(|id, inode| reachable.contains(id) || inode.is_open());
    }

    pub fn list(&self) -> Vec<String> {
        self.names.live().keys().map(ToString::to_string).collect()
    }

    pub fn put(&mut self, name: &str, bytes: &[u8]) {
        let id = self.add(Inode::durable_with(bytes.to_vec()));
        self.names.create(name, id);
        self.names.sync();
        self.forget_unreachable();
    }

    pub fn total_bytes(&self) -> u64 {
        let named = self.names.live().values();
        named
            .filter_map(|id| self.inodes.get(id))
            .map(|inode| inode.len() as u64)
            .sum()
    }
}
