//! From a session's key to its slot: a hash table that grows a little at a time.

mod table;

use crate::model::id::SessionKey;
use table::Segment;

/// Mean entries a segment at which one more segment is made. Segments hold from half of this, just split, to twice this, for
/// which they take 8 to 32 lines of the processor's cache.
const LOAD: usize = 100;

/// The hash table, by linear hashing over small tables: when the mean load passes [`LOAD`], the next segment in turn
/// is split in two. No insert ever moves more than one segment's few hundred entries, where one big table that doubles
/// stalls for hundreds of milliseconds at millions of sessions.
///
/// Holds slot indices alone, 12 in 64 bytes; the keys are in the records, and they are hashes already.
#[derive(Debug)]
pub struct Index {
    /// `2^level + split` segments. Those below `split` and their upper halves are told apart by one more bit.
    segments: Vec<Segment>,
    level: u32,
    split: usize,
    len: usize,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            segments: vec![Segment::default()],
            level: 0,
            split: 0,
            len: 0,
        }
    }
}

impl Index {
    #[expect(clippy::cast_possible_truncation, reason = "only low bits choose a segment")]
    fn segment(&self, key: SessionKey) -> usize {
        let bits = key.halves().1 as usize;
        let short = bits & ((1 << self.level) - 1);
        if short < self.split {
            bits & ((2 << self.level) - 1)
        } else {
            short
        }
    }

    /// The slot of `key`; `is` tells whether the record at an index has that key.
    pub fn get(&self, key: SessionKey, is: impl Fn(u32) -> bool) -> Option<u32> {
        self.segments.get(self.segment(key))?.find(key.halves().0, is)
    }

    /// Adds a key that is not there yet; `key_of` tells the key of the record at an index.
    pub fn insert(&mut self, key: SessionKey, index: u32, key_of: impl Fn(u32) -> SessionKey) {
        if self.len >= self.segments.len() * LOAD {
            self.split_next(&key_of);
        }
        let at = self.segment(key);
        if let Some(segment) = self.segments.get_mut(at) {
            segment.insert(key.halves().0, index, |index| key_of(index).halves().0);
            self.len += 1;
        }
    }

    pub fn remove(&mut self, key: SessionKey, is: impl Fn(u32) -> bool) -> Option<u32> {
        let at = self.segment(key);
        let removed = self.segments.get_mut(at)?.remove(key.halves().0, is)?;
        self.len -= 1;
        Some(removed)
    }

    fn split_next(&mut self, key_of: &impl Fn(u32) -> SessionKey) {
        let old = self.split;
        let Some(segment) = self.segments.get_mut(old) else {
            return;
        };
        let entries = std::mem::take(segment);
        self.segments.push(Segment::default());
        self.split += 1;
        if self.split == 1 << self.level {
            self.split = 0;
            self.level += 1;
        }
        for half in [old, self.segments.len() - 1] {
            let belongs = |index: &u32| self.segment(key_of(*index)) == half;
            let mut filled = Segment::with_capacity(entries.iter().filter(belongs).count());
            for index in entries.iter().filter(belongs) {
                filled.insert(key_of(index).halves().0, index, |index| key_of(index).halves().0);
            }
            if let Some(segment) = self.segments.get_mut(half) {
                *segment = filled;
            }
        }
    }

    #[cfg(any(test, feature = "testing"))]
    pub fn validate(&self, key_of: impl Fn(u32) -> SessionKey) {
        assert_eq!(self.segments.len(), (1 << self.level) + self.split);
        assert_eq!(self.len, self.segments.iter().map(Segment::len).sum::<usize>());
        for (at, segment) in self.segments.iter().enumerate() {
            segment.validate(|index| key_of(index).halves().0);
            for index in segment.iter() {
                assert_eq!(
                    self.segment(key_of(index)),
                    at,
                    "every entry is in its key's segment"
                );
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
    fn finds_each_of_many_keys_while_it_grows_and_no_other() {
        let keys: Vec<_> = (0..20_000)
            .map(|_| SessionId::generate(&OsRandom).unwrap().key())
            .collect();
        let mut index = Index::default();
        for (at, &key) in keys.iter().enumerate() {
            assert_eq!(index.get(key, |at| keys[at as usize] == key), None);
            index.insert(key, u32::try_from(at).unwrap(), |at| keys[at as usize]);
            if at % 1_000 == 0 {
                index.validate(|at| keys[at as usize]);
            }
        }
        index.validate(|at| keys[at as usize]);
        assert!(
            index.segments.iter().all(|segment| segment.len() < 3 * LOAD),
            "segments stay small"
        );
        for (at, &key) in keys.iter().enumerate() {
            let is = |at: u32| keys[at as usize] == key;
            assert_eq!(index.get(key, is), Some(u32::try_from(at).unwrap()));
            assert_eq!(index.remove(key, is), Some(u32::try_from(at).unwrap()));
            assert_eq!(index.remove(key, is), None);
        }
        assert_eq!(index.len, 0);
    }
}
