//! The names in the directory: live ones, durable ones, and the changes between the two.

use super::state::InodeId;
use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) type Name = Arc<str>;
pub(super) type Entries = BTreeMap<Name, InodeId>;

/// A change of the directory that is not durable yet.
#[derive(Clone)]
enum Change {
    Create { name: Name, inode: InodeId },
    Rename { from: Name, to: Name, inode: InodeId },
    Remove { name: Name },
}

impl Change {
    fn apply(&self, entries: &mut Entries) {
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
    live: Entries,
    durable: Entries,
    /// In order.
    pending: Vec<Change>,
}

impl Names {
    /// The directory of which a power cut left these names.
    pub fn survived(entries: Entries) -> Self {
        Self {
            live: entries.clone(),
            durable: entries,
            pending: Vec::new(),
        }
    }

    pub fn live(&self) -> &Entries {
        &self.live
    }

    pub fn durable(&self) -> &Entries {
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

    /// Drops the pending changes, as for a file: they stay visible, but never become durable.
    pub fn sync_failed(&mut self) {
        self.pending.clear();
    }

    /// Every inode that a name leads to, or may lead to after a power cut.
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

    /// The durable names with all pending changes applied.
    pub fn written_back(&self) -> Entries {
        let mut entries = self.durable.clone();
        for change in &self.pending {
            change.apply(&mut entries);
        }
        entries
    }

    /// The durable names with some of the pending changes applied. A change that survives brings with it the earlier ones
    /// to the names it touches, as each name has one history; changes to different names survive independently.
    pub fn after_power_cut(&self, rng: &mut Rng) -> Entries {
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
