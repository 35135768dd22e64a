//! The LRU list: slots in the order of their use, as a doubly linked list whose links are in the slab.

use crate::memory::slab::{NIL, Slab};

/// The two ends of one LRU list. The links are in the slab, so that one slab can carry several lists. Every operation is O(1).
#[derive(Debug)]
pub struct Lru {
    newest: u32,
    oldest: u32,
    len: u32,
}

impl Default for Lru {
    fn default() -> Self {
        Self {
            newest: NIL,
            oldest: NIL,
            len: 0,
        }
    }
}

impl Lru {
    pub fn len(&self) -> u32 {
        self.len
    }

    /// The least recently used index.
    pub fn oldest(&self) -> Option<u32> {
        (self.oldest != NIL).then_some(self.oldest)
    }

    /// Adds `index`, which is in no list, as the most recently used.
    pub fn insert<T>(&mut self, slab: &mut Slab<T>, index: u32) {
        let link = slab.link_mut(index);
        link.prev = NIL;
        link.next = self.newest;
        if self.newest == NIL {
            self.oldest = index;
        } else {
            slab.link_mut(self.newest).prev = index;
        }
        self.newest = index;
        self.len += 1;
    }

    /// Removes `index`, which is in this list.
    pub fn remove<T>(&mut self, slab: &mut Slab<T>, index: u32) {
        let link = *slab.link(index);
        if link.prev == NIL {
            self.newest = link.next;
        } else {
            slab.link_mut(link.prev).next = link.next;
        }
        if link.next == NIL {
            self.oldest = link.prev;
        } else {
            slab.link_mut(link.next).prev = link.prev;
        }
        self.len -= 1;
    }

    /// Makes `index`, which is in this list, the most recently used.
    pub fn promote<T>(&mut self, slab: &mut Slab<T>, index: u32) {
        if self.newest != index {
            self.remove(slab, index);
            self.insert(slab, index);
        }
    }

    /// Checks the links, and returns the indices from the oldest to the newest.
    #[cfg(any(test, feature = "testing"))]
    pub fn validate<T>(&self, slab: &Slab<T>) -> Vec<u32> {
        let mut seen = Vec::new();
        let (mut at, mut before) = (self.oldest, NIL);
        while at != NIL {
            seen.push(at);
            assert!(seen.len() <= self.len as usize, "the list has no cycle");
            assert_eq!(slab.link(at).next, before, "both directions agree");
            (before, at) = (at, slab.link(at).prev);
        }
        assert_eq!(before, self.newest, "the walk from the oldest ends at the newest");
        assert_eq!(seen.len(), self.len as usize);
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::slab::Slab;

    #[test]
    fn two_lists_share_one_slab_and_keep_their_own_order() {
        let mut slab = Slab::default();
        let (mut even, mut odd) = (Lru::default(), Lru::default());
        for n in 0..6u32 {
            let slot = slab.insert(n).unwrap();
            let list = if n % 2 == 0 { &mut even } else { &mut odd };
            list.insert(&mut slab, slot);
        }
        even.promote(&mut slab, 0);
        even.promote(&mut slab, 0);
        odd.remove(&mut slab, 3);
        assert_eq!(even.validate(&slab), [2, 4, 0]);
        assert_eq!(odd.validate(&slab), [1, 5]);
        assert_eq!(even.oldest(), Some(2));
        for index in [2, 4, 0] {
            even.remove(&mut slab, index);
        }
        assert_eq!((even.oldest(), even.len()), (None, 0));
    }
}
