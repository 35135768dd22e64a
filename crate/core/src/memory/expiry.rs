//! The expiry heap: a binary min-heap of (deadline, slot index) that knows where each slot's entry is.

#![expect(
    clippy::indexing_slicing,
    reason = "positions and slot indices are this heap's own and below its length; `validate` checks them"
)]

use crate::memory::chunks::Chunks;
use crate::memory::slab::NIL;

/// An entry of the heap. Its deadline is split in two so that it takes 12 bytes, without padding.
#[derive(Debug, Clone, Copy)]
struct HeapEntry {
    deadline: [u32; 2],
    index: u32,
}

impl HeapEntry {
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of the number")]
    fn new(deadline: u64, index: u32) -> Self {
        Self {
            deadline: [(deadline >> 32) as u32, deadline as u32],
            index,
        }
    }

    fn deadline(&self) -> u64 {
        let [high, low] = self.deadline;
        u64::from(high) << 32 | u64::from(low)
    }
}

/// The expiry heap. Every armed slot has exactly one entry, whose deadline is **at or before** the slot's true one:
/// moving a deadline later, which each touch does, costs nothing, and the entry is re-armed when it reaches the top.
///
/// Each slot's position in the heap is stored, so that disarming removes the entry at once, in O(log n). With stale entries left in the
/// heap instead, many logouts would make it grow until a compaction that stalls all callers.
#[derive(Debug, Default)]
pub struct Expiry {
    heap: Chunks<HeapEntry>,
    /// By slot index: the position of its entry in `heap`, or [`NIL`].
    place: Chunks<u32>,
}

impl Expiry {
    /// The number of armed slots.
    #[cfg(any(test, feature = "testing"))]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// The earliest entry, as deadline and slot index. The slot's true deadline may be later. O(1).
    pub fn earliest(&self) -> Option<(u64, u32)> {
        self.heap.get(0).map(|entry| (entry.deadline(), entry.index))
    }

    /// Adds an entry for `index`, or moves its entry earlier, so that its deadline is `deadline` or before. O(1) if it already is, else
    /// O(log n).
    pub fn arm(&mut self, index: u32, deadline: u64) {
        while self.place.len() <= index as usize {
            self.place.push(NIL);
        }
        let place = self.place[index as usize];
        if place == NIL {
            let at = self.heap.len();
            self.heap.push(HeapEntry::new(deadline, index));
            self.sift_up(at);
        } else if deadline < self.heap[place as usize].deadline() {
            self.heap[place as usize] = HeapEntry::new(deadline, index);
            self.sift_up(place as usize);
        }
    }

    /// Moves the earliest entry to its slot's true deadline. O(log n).
    pub fn rearm_earliest(&mut self, deadline: u64) {
        if let Some((_, index)) = self.earliest() {
            self.heap[0] = HeapEntry::new(deadline, index);
            self.sift_down(0);
        }
    }

    /// Removes the entry of `index`, if it has one.
    pub fn disarm(&mut self, index: u32) {
        let Some(place) = self.place.get_mut(index as usize) else {
            return;
        };
        let at = std::mem::replace(place, NIL) as usize;
        if at == NIL as usize {
            return;
        }
        let Some(last) = self.heap.pop() else { return };
        if at < self.heap.len() {
            self.heap[at] = last;
            if at > 0 && last.deadline() < self.heap[(at - 1) / 2].deadline() {
                self.sift_up(at);
            } else {
                self.sift_down(at);
            }
        }
    }

    fn put(&mut self, at: usize, entry: HeapEntry) {
        self.heap[at] = entry;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "there are no more entries than slots, which a u32 numbers"
        )]
        let place = at as u32;
        self.place[entry.index as usize] = place;
    }

    fn sift_up(&mut self, mut at: usize) {
        let entry = self.heap[at];
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.heap[parent].deadline() <= entry.deadline() {
                break;
            }
            self.put(at, self.heap[parent]);
            at = parent;
        }
        self.put(at, entry);
    }

    fn sift_down(&mut self, mut at: usize) {
        let entry = self.heap[at];
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            let Some(mut child) = self.heap.get(left).copied() else {
                break;
            };
            let mut from = left;
            if let Some(other) = self.heap.get(right)
                && other.deadline() < child.deadline()
            {
                (child, from) = (*other, right);
            }
            if entry.deadline() <= child.deadline() {
                break;
            }
            self.put(at, child);
            at = from;
        }
        self.put(at, entry);
    }

    /// Checks the heap order and the positions; `true_deadline` returns the deadline of the session at an index.
    #[cfg(any(test, feature = "testing"))]
    pub fn validate(&self, true_deadline: impl Fn(u32) -> Option<u64>) {
        for at in 0..self.heap.len() {
            let entry = self.heap[at];
            assert_eq!(
                self.place[entry.index as usize] as usize, at,
                "each slot knows the position of its entry"
            );
            assert!(
                at == 0 || self.heap[(at - 1) / 2].deadline() <= entry.deadline(),
                "heap order"
            );
            let truth = true_deadline(entry.index);
            assert!(
                truth.is_some_and(|truth| entry.deadline() <= truth),
                "a live slot's entry is no later than its deadline"
            );
        }
        let placed = (0..self.place.len())
            .filter(|&index| self.place[index] != NIL)
            .count();
        assert_eq!(
            placed,
            self.heap.len(),
            "each position of a slot is that of an entry"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// The model is a map from slot index to the deadline that its entry must have.
        #[test]
        fn agrees_with_a_sorted_map(steps in prop::collection::vec((0u8..4, 0u32..24, 0u64..u64::from(u32::MAX) * 8), 0..400)) {
            let mut expiry = Expiry::default();
            let mut model: BTreeMap<u32, u64> = BTreeMap::new();
            for (what, index, deadline) in steps {
                match what {
                    0 | 1 => {
                        expiry.arm(index, deadline);
                        let armed = model.entry(index).or_insert(deadline);
                        *armed = deadline.min(*armed);
                    }
                    2 => {
                        expiry.disarm(index);
                        model.remove(&index);
                    }
                    _ => if let Some((surfaced, index)) = expiry.earliest() {
                        let later = surfaced.saturating_add(deadline);
                        expiry.rearm_earliest(later);
                        model.insert(index, later);
                    },
                }
                expiry.validate(|index| model.get(&index).copied());
                prop_assert_eq!(expiry.len(), model.len());
                prop_assert_eq!(expiry.earliest().map(|(deadline, _)| deadline), model.values().min().copied());
            }
        }
    }

    #[test]
    fn a_hundred_thousand_touches_leave_one_entry() {
        let mut expiry = Expiry::default();
        for touch in 0..100_000 {
            expiry.arm(3, 1_000 + touch);
        }
        assert_eq!((expiry.len(), expiry.earliest()), (1, Some((1_000, 3))));
    }
}
