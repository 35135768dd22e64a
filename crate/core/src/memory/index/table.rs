//! One of the index's many small hash tables. A bucket is one cache line, so that a lookup waits for memory once.

#![expect(
    clippy::indexing_slicing,
    reason = "positions come from the probe sequence; a wrong one must panic"
)]

/// Entries that one line of 64 bytes holds.
const ENTRIES: usize = 12;
/// Mean entries per line at which the number of lines doubles.
const FULL: usize = 10;

/// A bucket: one cache line of entries. An entry that finds it full goes to the next line.
#[derive(Debug, Clone, Default)]
#[repr(align(64))]
struct Line {
    /// A byte of each entry's hash, so that few records of other entries are read; 0 where there is no entry.
    tags: [u8; ENTRIES],
    /// The number of entries that found this line full and are in a later one. Exact, so removals need no tombstones.
    passed: u32,
    indices: [u32; ENTRIES],
}

const _: () = assert!(size_of::<Line>() == 64);

impl Line {
    /// The entries, as tag and slot index.
    fn entries(&self) -> impl Iterator<Item = (u8, u32)> + use<> {
        self.tags
            .into_iter()
            .zip(self.indices)
            .filter(|&(tag, _)| tag != 0)
    }
}

/// A hash table of slot indices. The keys and their hashes are in the slots.
#[derive(Debug, Default)]
pub struct Table {
    /// Their number is a power of two, or 0.
    lines: Box<[Line]>,
    len: usize,
}

impl Table {
    pub fn with_capacity(entries: usize) -> Self {
        let lines = if entries == 0 {
            0
        } else {
            entries.div_ceil(FULL).next_power_of_two()
        };
        Self {
            lines: vec![Line::default(); lines].into(),
            len: 0,
        }
    }

    #[cfg(any(test, feature = "testing"))]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The slot index stored under `hash` for which `is` returns true.
    pub fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let (at, entry) = self.position(hash, is)?;
        Some(self.lines[at].indices[entry])
    }

    /// Adds a slot index that is not in the table; `hash_of` returns the hash of one that is.
    pub fn insert(&mut self, hash: u64, index: u32, hash_of: impl Fn(u32) -> u64) {
        if self.len >= self.lines.len() * FULL {
            let mut larger = Self::with_capacity(self.len + 1);
            for index in self.iter() {
                larger.put(hash_of(index), index);
            }
            *self = larger;
        }
        self.put(hash, index);
    }

    pub fn remove(&mut self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let (found, entry) = self.position(hash, is)?;
        for at in self.probe(hash).take_while(|&at| at != found) {
            self.lines[at].passed -= 1;
        }
        let line = &mut self.lines[found];
        line.tags[entry] = 0;
        self.len -= 1;
        Some(line.indices[entry])
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.lines.iter().flat_map(Line::entries).map(|(_, index)| index)
    }

    /// The lines that an entry with this hash may be in, in probing order.
    fn probe(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        #[expect(clippy::cast_possible_truncation, reason = "low bits choose a line")]
        let home = hash as usize;
        let lines = self.lines.len();
        (0..lines).map(move |step| home.wrapping_add(step) & (lines - 1))
    }

    /// The line of an entry, and its position in the line.
    fn position(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<(usize, usize)> {
        let tag = tag(hash);
        for at in self.probe(hash) {
            let line = &self.lines[at];
            let mut entries = line.tags.iter().zip(&line.indices);
            if let Some(entry) = entries.position(|(&other, &index)| other == tag && is(index)) {
                return Some((at, entry));
            }
            if line.passed == 0 {
                return None;
            }
        }
        None
    }

    fn put(&mut self, hash: u64, index: u32) {
        for at in self.probe(hash) {
            let line = &mut self.lines[at];
            if let Some(entry) = line.tags.iter().position(|&tag| tag == 0) {
                (line.indices[entry], line.tags[entry]) = (index, tag(hash));
                self.len += 1;
                return;
            }
            line.passed += 1;
        }
        panic!("a table that has room has no line with a free entry");
    }

    #[cfg(any(test, feature = "testing"))]
    pub fn validate(&self, hash_of: impl Fn(u32) -> u64) {
        assert_eq!(self.len, self.iter().count());
        let mut passed = vec![0; self.lines.len()];
        for (at, line) in self.lines.iter().enumerate() {
            for (own, index) in line.entries() {
                assert_eq!(own, tag(hash_of(index)), "each entry has the tag of its hash");
                for before in self.probe(hash_of(index)).take_while(|&before| before != at) {
                    if let Some(passed) = passed.get_mut(before) {
                        *passed += 1;
                    }
                }
            }
        }
        let counted: Vec<_> = self.lines.iter().map(|line| line.passed).collect();
        assert_eq!(counted, passed, "each line counts the entries that went past it");
    }
}

/// The tag of a hash: bits that choose neither the table nor the line, never 0.
fn tag(hash: u64) -> u8 {
    hash.to_le_bytes()[7].max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entries_beyond_a_full_line_go_to_the_next_one_and_are_found_there() {
        let mut table = Table::with_capacity(20);
        // All hash to one line and one tag.
        for index in 0..19 {
            table.insert(0, index, |_| 0);
            table.validate(|_| 0);
        }
        assert_eq!(table.lines.len(), 2);
        for index in 0..19 {
            assert_eq!(table.find(0, |at| at == index), Some(index));
        }
        assert_eq!(table.find(0, |at| at == 19), None);
        for index in 0..19 {
            assert_eq!(table.remove(0, |at| at == index), Some(index));
            table.validate(|_| 0);
        }
        assert!(
            table.lines.iter().all(|line| line.passed == 0),
            "removals are counted back"
        );
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_set(steps in prop::collection::vec((0u32..60, any::<bool>()), 0..400), bits in 0u32..6) {
            // So few distinct hashes that lines fill up, and with few distinct tags.
            let hash_of = |index: u32| u64::from(index & ((1 << bits) - 1)) * 0x0100_0000_0000_0001;
            let (mut table, mut plain) = (Table::default(), std::collections::BTreeSet::new());
            for (index, add) in steps {
                if add && plain.insert(index) {
                    table.insert(hash_of(index), index, hash_of);
                } else if !add {
                    let removed = table.remove(hash_of(index), |at| at == index);
                    prop_assert_eq!(removed, plain.remove(&index).then_some(index));
                }
                table.validate(hash_of);
                prop_assert_eq!(table.len(), plain.len());
            }
            for index in 0..60 {
                let found = table.find(hash_of(index), |at| at == index);
                prop_assert_eq!(found, plain.contains(&index).then_some(index));
            }
        }
    }
}
