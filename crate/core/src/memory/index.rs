//! The hash map from a key to a number: from a session's handle to its slot, from a user's hash to its entry. It grows a little at a time.

#![expect(
    clippy::indexing_slicing,
    reason = "table numbers are this map's own; a wrong one must panic"
)]

mod table;

use crate::model::id::Handle;
use std::marker::PhantomData;
use table::Table;

/// A key of an index.
pub trait Key: Copy {
    /// Two independent, uniform hashes.
    fn hashes(self) -> (u64, u32);
}

impl Key for Handle {
    fn hashes(self) -> (u64, u32) {
        self.hashes()
    }
}

/// One more table is made when the tables have more entries than this on average. A single table has half as many just after it was
/// split and up to twice as many just before, which is 8 to 32 cache lines.
const LOAD: usize = 100;

/// The hash map, by linear hashing over small tables: when the mean load reaches [`LOAD`], the next table in turn
/// is split in two. No insert moves more than one table's few hundred entries, where one big table that doubles
/// stalls for hundreds of milliseconds at millions of sessions. It never shrinks.
///
/// It holds the numbers only, 12 in 64 bytes: the keys are where the numbers point. A handle is in its record, and as it is random it needs no
/// hashing.
#[derive(Debug)]
pub struct Index<K = Handle> {
    /// There are `2^level + split` of them. The low `level` bits of a hash are the number of its table; if that number is below `split`,
    /// the table has been split and one bit more is used.
    tables: Vec<Table>,
    level: u32,
    split: usize,
    len: usize,
    keys: PhantomData<fn(K)>,
}

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self {
            tables: vec![Table::default()],
            level: 0,
            split: 0,
            len: 0,
            keys: PhantomData,
        }
    }
}

impl<K: Key> Index<K> {
    /// The number of the table that a key belongs to.
    fn table(&self, key: K) -> usize {
        let bits = key.hashes().1 as usize;
        let short = bits & ((1 << self.level) - 1);
        if short < self.split {
            bits & ((2 << self.level) - 1)
        } else {
            short
        }
    }

    /// The number of a key; `is` returns whether a number is that of the key.
    pub fn get(&self, key: K, is: impl Fn(u32) -> bool) -> Option<u32> {
        self.tables[self.table(key)].find(key.hashes().0, is)
    }

    /// Adds a key that is not in the map; `key_of` returns the key of a number.
    pub fn insert(&mut self, key: K, index: u32, key_of: impl Fn(u32) -> K) {
        if self.len >= self.tables.len() * LOAD {
            self.split_next(&key_of);
        }
        let at = self.table(key);
        self.tables[at].insert(key.hashes().0, index, |index| key_of(index).hashes().0);
        self.len += 1;
    }

    pub fn remove(&mut self, key: K, is: impl Fn(u32) -> bool) -> Option<u32> {
        let at = self.table(key);
        let removed = self.tables[at].remove(key.hashes().0, is)?;
        self.len -= 1;
        Some(removed)
    }

    fn split_next(&mut self, key_of: &impl Fn(u32) -> K) {
        let old = self.split;
        let entries = std::mem::take(&mut self.tables[old]);
        self.tables.push(Table::default());
        self.split += 1;
        if self.split == 1 << self.level {
            self.split = 0;
            self.level += 1;
        }
        for half in [old, self.tables.len() - 1] {
            let belongs = |index: &u32| self.table(key_of(*index)) == half;
            let mut filled = Table::with_capacity(entries.iter().filter(belongs).count());
            for index in entries.iter().filter(belongs) {
                filled.insert(key_of(index).hashes().0, index, |index| key_of(index).hashes().0);
            }
            self.tables[half] = filled;
        }
    }

    #[cfg(any(test, feature = "testing"))]
    pub fn validate(&self, key_of: impl Fn(u32) -> K) {
        assert_eq!(self.tables.len(), (1 << self.level) + self.split);
        assert_eq!(self.len, self.tables.iter().map(Table::len).sum::<usize>());
        for (at, table) in self.tables.iter().enumerate() {
            table.validate(|index| key_of(index).hashes().0);
            for index in table.iter() {
                assert_eq!(self.table(key_of(index)), at, "every entry is in its key's table");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::SessionId;
    use crate::model::random::OsRandom;

    #[test]
    fn each_of_many_handles_is_found_while_the_map_grows_and_no_other() {
        let handles: Vec<_> = (0..20_000)
            .map(|_| SessionId::generate(&OsRandom).unwrap().handle())
            .collect();
        let mut index = Index::<Handle>::default();
        for (at, &handle) in handles.iter().enumerate() {
            assert_eq!(index.get(handle, |at| handles[at as usize] == handle), None);
            index.insert(handle, u32::try_from(at).unwrap(), |at| handles[at as usize]);
            if at % 1_000 == 0 {
                index.validate(|at| handles[at as usize]);
            }
        }
        index.validate(|at| handles[at as usize]);
        assert!(
            index.tables.iter().all(|table| table.len() < 3 * LOAD),
            "tables stay small"
        );
        for (at, &handle) in handles.iter().enumerate() {
            let is = |at: u32| handles[at as usize] == handle;
            assert_eq!(index.get(handle, is), Some(u32::try_from(at).unwrap()));
            assert_eq!(index.remove(handle, is), Some(u32::try_from(at).unwrap()));
            assert_eq!(index.remove(handle, is), None);
        }
        assert_eq!(index.len, 0);
    }
}
