//! The slab: an arena of slots with a free list. Each slot holds the links of an intrusive list beside its value.

#![expect(
    clippy::indexing_slicing,
    reason = "indices come from the slab itself; a wrong one must panic"
)]

use crate::memory::chunks::Chunks;

/// The slot index that stands for "none".
pub const NIL: u32 = u32::MAX;

/// The neighbours of a slot in the list it is in: a list of sessions by use, or the list of free slots, which uses `next` alone.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    pub prev: u32,
    pub next: u32,
}

impl Link {
    const NONE: Self = Self { prev: NIL, next: NIL };
}

/// A slot: a value and its links, in the same cache line because they are used together.
#[derive(Debug)]
#[repr(align(64))]
pub struct Slot<T> {
    value: Option<T>,
    link: Link,
}

/// The arena. Inserting and removing are O(1) and never move a value.
#[derive(Debug)]
pub struct Slab<T> {
    slots: Chunks<Slot<T>>,
    /// The first free slot; the others follow through `Link::next`.
    free: u32,
    len: u32,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            slots: Chunks::default(),
            free: NIL,
            len: 0,
        }
    }
}

impl<T> Slab<T> {
    /// The number of occupied slots.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// The number of slots, occupied or free; every index is below it.
    pub fn capacity(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap_or(NIL)
    }

    /// Puts `value` in a free slot and returns the slot's index, or `value` itself if all 2^32 - 1 slots are occupied.
    pub fn insert(&mut self, value: T) -> Result<u32, T> {
        let is_reused = self.free != NIL;
        let index = if is_reused { self.free } else { self.capacity() };
        if index == NIL {
            return Err(value);
        }
        let slot = Slot {
            value: Some(value),
            link: Link::NONE,
        };
        if is_reused {
            self.free = std::mem::replace(&mut self.slots[index as usize], slot).link.next;
        } else {
            self.slots.push(slot);
        }
        self.len += 1;
        Ok(index)
    }

    /// Removes a value and frees its slot, which must not be in any list.
    pub fn remove(&mut self, index: u32) -> Option<T> {
        let Slot { value, link } = self.slots.get_mut(index as usize)?;
        let value = value.take()?;
        link.next = self.free;
        self.free = index;
        self.len -= 1;
        Some(value)
    }

    pub fn get(&self, index: u32) -> Option<&T> {
        self.slots.get(index as usize)?.value.as_ref()
    }

    pub fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.slots.get_mut(index as usize)?.value.as_mut()
    }

    /// The links of a slot, for the list that it is in.
    pub fn link(&self, index: u32) -> &Link {
        &self.slots[index as usize].link
    }

    pub fn link_mut(&mut self, index: u32) -> &mut Link {
        &mut self.slots[index as usize].link
    }

    /// Removes the last occupied slot, and all slots after it, and returns its value. The free list and other lists are void from then on:
    /// only for emptying a slab.
    pub fn pop(&mut self) -> Option<T> {
        while let Some(Slot { value, .. }) = self.slots.pop() {
            if value.is_some() {
                self.len -= 1;
                return value;
            }
        }
        None
    }

    #[cfg(any(test, feature = "testing"))]
    pub fn validate(&self) {
        let mut free = 0;
        let mut at = self.free;
        while at != NIL {
            assert!(self.get(at).is_none(), "a free slot is empty");
            free += 1;
            assert!(free <= self.capacity(), "the free list has no cycle");
            at = self.link(at).next;
        }
        let occupied = (0..self.capacity())
            .filter(|&index| self.get(index).is_some())
            .count();
        assert_eq!(occupied, self.len as usize, "len counts the occupied slots");
        assert_eq!(free + self.len, self.capacity(), "every slot is free or occupied");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_slot_is_reused() {
        let mut slab = Slab::default();
        let a = slab.insert("a").unwrap();
        let b = slab.insert("b").unwrap();
        assert_eq!(slab.remove(a), Some("a"));
        assert_eq!(slab.remove(a), None, "removing twice is harmless");
        slab.validate();
        assert_eq!(slab.insert("c"), Ok(a));
        assert_eq!((slab.get(a), slab.get(b)), (Some(&"c"), Some(&"b")));
        slab.validate();
    }

    #[test]
    fn popping_returns_every_value_and_skips_free_slots() {
        let mut slab = Slab::default();
        for n in 0..5 {
            slab.insert(n).unwrap();
        }
        slab.remove(1);
        slab.remove(4);
        let all: Vec<_> = std::iter::from_fn(|| slab.pop()).collect();
        assert_eq!((all, slab.len()), (vec![3, 2, 0], 0));
    }
}
