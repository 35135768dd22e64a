//! The directory: the names a reader sees, the durable ones, and the changes between the two.

use super::state::InodeId;
use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) type Name = Arc<str>;
pub(super) type Queue = BTreeMap<Name, InodeId>;

#[derive(Clone)]
enum Change {
    Create { name: Name, inode: InodeId },
    Rename { from: Name, to: Name, inode: InodeId },
    Remove { name: Name },
}

impl Change {
    fn apply(&self, entries: &mut Queue) {
        match self {
            Self::Create { name, inode } => {
                entries.insert(Name::clone(name), *inode);
            }
            Self::Rename { from, to, inode } => {
                entries.remove(from);
                entries.insert(Name::clone(to), *inode);
            }
            Self::Remove { name } => {
                entries.remove(name);
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = &Name> {
        let (first, second) = match self {
            Self::Create { name, .. } | Self::Remove { name } => (name, None),
            Self::Rename { from, to, .. } => (from, Some(to)),
        };
        std::iter::once(first).chain(second)
    }
}

#[derive(Clone, Default)]
pub(super) struct Names {
    live: Queue,
    durable: Queue,
    /// In order.
    pending: Vec<Change>,
}

impl Names {
    /// After a power cut that left these.
    pub fn survived(entries: Queue) -> Self {
        Self {
            live: entries.clone(),
            durable: entries,
            pending: Vec::new(),
        }
    }

    pub fn live(&self) -> &Queue {
        &self.live
    }

    pub fn durable(&self) -> &Queue {
        &self.durable
    }

    pub fn create(&mut self, name: &str, inode: InodeId) {
        let name = Name::from(name);
        self.change(Change::Create { name, inode });
    }

    pub fn rename(&mut self, from: &str, to: &str, inode: InodeId) {
        let (from, to) = (Name::from(from), Name::from(to));
        self.change(Change::Rename { from, to, inode });
    }

    pub fn remove(&mut self, name: &str) {
        let name = Name::from(name);
        self.change(Change::Remove { name });
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.live);
        self.pending.push(change);
    }

    pub fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// As with a file: the changes stay seen, and nothing will write them again.
    pub fn sync_failed(&mut self) {
        self.pending.clear();
    }

    /// Every inode that some name leads to, or may lead to after a power cut.
    pub fn reachable(&self) -> BTreeSet<InodeId> {
        let pending = self.pending.iter().filter_map(|change| match change {
            Change::Create { inode, .. } | Change::Rename { inode, .. } => Some(*inode),
            Change::Remove { .. } => None,
        });
        self.live
            .values()
            .chain(self.durable.values())
            .copied()
            .chain(pending)
            .collect()
    }

    /// The durable names and all that are pending.
    pub fn written_back(&self) -> Queue {
        let mut entries = self.durable.clone();
        for change in &self.pending {
            change.apply(&mut entries);
        }
        entries
    }

    /// The durable names and any pending changes: one that survives brings with it the earlier ones to the names it
    /// touches, as a directory entry has one history. Changes to other names survive apart from each other.
    pub fn after_power_cut(&self, rng: &mut Rng) -> Queue {
        let mut needed = BTreeSet::new();
        let mut surviving = Vec::new();
        for change in self.pending.iter().rev() {
            if rng.bool() || change.names().any(|name| needed.contains(name)) {
                needed.extend(change.names());
                surviving.push(change);
            }
        }
        let mut entries = self.durable.clone();
        for change in surviving.into_iter().rev() {
            change.apply(&mut entries);
        }
        entries
    }
}
