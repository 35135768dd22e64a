//! An arena of slots with a free list; each has the links of an intrusive list beside its value.

#![expect(
    clippy::indexing_slicing,
    reason = "indices come from the slab itself; a wrong one must be loud"
)]

use crate::memory::chunks::Chunks;

/// "No slot": ends lists and marks absence.
pub const NIL: u32 = u32::MAX;

/// Names one occupancy of one place in a [`Slab`]: a place that was freed and filled again has another generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot {
    pub index: u32,
    pub generation: u32,
}

/// The neighbours of a slot: in a list when it is occupied, in the free list (`next` only) when it is not.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    pub prev: u32,
    pub next: u32,
    generation: u32,
}

impl Link {
    fn new(generation: u32) -> Self {
        Self {
            prev: NIL,
            next: NIL,
            generation,
        }
    }
}

/// One place: a value and its neighbours, in the same line of the processor's cache, for whoever needs one needs both.
#[derive(Debug)]
#[repr(align(64))]
pub struct Place<T> {
    value: Option<T>,
    link: Link,
}

/// An arena. Inserting and removing are O(1) and never move another value.
#[derive(Debug)]
pub struct Slab<T> {
    places: Chunks<Place<T>>,
    /// The first free place; the rest follow through `Link::next`.
    free: u32,
    /// The first and the last empty place that is not filled again as long as there is this limit.
    parked: Option<(u32, u32)>,
    /// The newest generation under which a place is filled again.
    limit: u32,
    len: u32,
    first_generation: u32,
    newest_generation: u32,
}

impl<T> Slab<T> {
    /// A slab whose slots start at `first_generation`: one that replaces another must not repeat its slots.
    pub fn new(first_generation: u32) -> Self {
        let first_generation = first_generation.max(1);
        Self {
            places: Chunks::default(),
            free: NIL,
            parked: None,
            limit: u32::MAX,
            len: 0,
            first_generation,
            newest_generation: first_generation,
        }
    }

    /// The generation with which a slab that replaces this one must start.
    pub fn next_generation(&self) -> u32 {
        self.newest_generation.wrapping_add(1).max(1)
    }

    pub fn len(&self) -> u32 {
        self.len
    }

    /// Places ever used, occupied or free: every occupied index is below it.
    pub fn capacity(&self) -> u32 {
        u32::try_from(self.places.len()).unwrap_or(NIL)
    }

    /// Puts `value` in a free place, or returns it when all 2^32 - 1 places are taken.
    pub fn insert(&mut self, value: T) -> Result<Slot, T> {
        let index = self.free;
        if index == NIL {
            let index = self.capacity();
            if index == NIL {
                return Err(value);
            }
            self.places.push(Place {
                value: Some(value),
                link: Link::new(self.first_generation),
            });
            self.len += 1;
            return Ok(Slot {
                index,
                generation: self.first_generation,
            });
        }
        let place = &mut self.places[index as usize];
        self.free = place.link.next;
        let generation = place.link.generation;
        place.link = Link::new(generation);
        place.value = Some(value);
        self.len += 1;
        Ok(Slot { index, generation })
    }

    /// Takes the value out and frees its place. The slot must have left every list before.
    pub fn remove(&mut self, index: u32) -> Option<T> {
        let first = self.first_generation;
        let Place { value, link } = self.places.get_mut(index as usize)?;
        let value = value.take()?;
        // What was placed here is of an earlier life, of which nobody may know how far it went.
        link.generation = if link.generation < first {
            first
        } else {
            link.generation.wrapping_add(1).max(1)
        };
        self.newest_generation = self.newest_generation.max(link.generation);
        if link.generation > self.limit {
            let (first, last) = self.parked.map_or((NIL, index), |parked| parked);
            link.next = first;
            self.parked = Some((index, last));
        } else {
            link.next = self.free;
            self.free = index;
        }
        self.len -= 1;
        Some(value)
    }

    /// Sets the newest generation under which a place is filled again. Those that wait for it can be filled from now on.
    pub fn limit(&mut self, newest: u32) {
        self.limit = newest;
        if self.newest_generation <= newest
            && let Some((first, last)) = self.parked.take()
        {
            self.link_mut(last).next = self.free;
            self.free = first;
        }
    }

    pub fn get(&self, index: u32) -> Option<&T> {
        self.places.get(index as usize)?.value.as_ref()
    }

    pub fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.places.get_mut(index as usize)?.value.as_mut()
    }

    /// The slot of an index that is occupied.
    pub fn slot(&self, index: u32) -> Slot {
        Slot {
            index,
            generation: self.link(index).generation,
        }
    }

    /// Whether `slot` is occupied by the value it named when it was given out.
    pub fn holds(&self, slot: Slot) -> bool {
        self.get(slot.index).is_some() && self.slot(slot.index) == slot
    }

    /// The links of a place, for the list that it is in.
    pub fn link(&self, index: u32) -> &Link {
        &self.places[index as usize].link
    }

    pub fn link_mut(&mut self, index: u32) -> &mut Link {
        &mut self.places[index as usize].link
    }

    /// Fills a place as it was in another life of the slab, and answers what was there. [`Slab::settle`] must follow before anything else is inserted.
    pub fn place(&mut self, slot: Slot, value: T) -> Option<T> {
        while self.capacity() <= slot.index {
            self.places.push(Place {
                value: None,
                link: Link::new(0),
            });
        }
        let place = &mut self.places[slot.index as usize];
        place.link.generation = slot.generation;
        let old = place.value.replace(value);
        if old.is_none() {
            self.len += 1;
        }
        old
    }

    /// Empties a place that [`Slab::place`] filled.
    pub fn take(&mut self, index: u32) -> Option<T> {
        let value = self.places.get_mut(index as usize)?.value.take()?;
        self.len -= 1;
        Some(value)
    }

    /// Ends the placing: empty places can be filled, under generations that start behind `newest`, the newest one ever given.
    pub fn settle(&mut self, newest: u32) {
        self.newest_generation = newest;
        self.first_generation = self.next_generation();
        self.newest_generation = self.first_generation;
        self.free = NIL;
        self.parked = None;
        for index in (0..self.capacity()).rev() {
            let place = &mut self.places[index as usize];
            if place.value.is_none() {
                place.link = Link::new(self.first_generation);
                place.link.next = self.free;
                self.free = index;
            }
        }
    }

    /// The newest generation of any slot, dead ones included.
    pub fn newest_generation(&self) -> u32 {
        self.newest_generation
    }

    /// Takes the last value out with its place; for a slab that was replaced and is emptied by this alone.
    pub fn pop(&mut self) -> Option<(Slot, T)> {
        while let Some(Place { value, link }) = self.places.pop() {
            if let Some(value) = value {
                self.len -= 1;
                let slot = Slot {
                    index: self.capacity(),
                    generation: link.generation,
                };
                return Some((slot, value));
            }
        }
        None
    }

    #[cfg(any(test, feature = "testing"))]
    pub fn validate(&self) {
        let mut free = 0;
        for mut at in [self.free, self.parked.map_or(NIL, |(first, _)| first)] {
            while at != NIL {
                assert!(self.get(at).is_none(), "a free place is empty");
                free += 1;
                assert!(free <= self.capacity(), "the free list has no cycle");
                at = self.link(at).next;
            }
        }
        let occupied = (0..self.capacity())
            .filter(|&index| self.get(index).is_some())
            .count();
        assert_eq!(occupied, self.len as usize, "len counts the occupied places");
        assert_eq!(
            free + self.len,
            self.capacity(),
            "every place is free, parked or occupied"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freed_place_is_used_again_under_another_generation() {
        let mut slab = Slab::new(1);
        let a = slab.insert("a").unwrap();
        let b = slab.insert("b").unwrap();
        assert_eq!(slab.remove(a.index), Some("a"));
        assert_eq!(slab.remove(a.index), None, "removing twice is harmless");
        assert!(!slab.holds(a));
        let c = slab.insert("c").unwrap();
        assert_eq!(c.index, a.index);
        assert_ne!(c, a);
        assert!(slab.holds(b) && slab.holds(c));
        slab.validate();
    }

    #[test]
    fn a_place_is_not_filled_beyond_the_limit_until_that_is_raised() {
        let mut slab = Slab::new(1);
        slab.limit(2);
        let mut given = Vec::new();
        for n in 0..7 {
            let slot = slab.insert(n).unwrap();
            slab.validate();
            assert!(slot.generation <= 2 && !given.contains(&slot));
            given.push(slot);
            slab.remove(slot.index);
            slab.validate();
        }
        assert_eq!(slab.capacity(), 4, "each place is filled twice");
        slab.limit(3);
        slab.validate();
        for n in 0..4 {
            let slot = slab.insert(n).unwrap();
            assert!(slot.generation <= 3 && !given.contains(&slot));
        }
        slab.validate();
        assert_eq!(slab.capacity(), 4, "those that waited are filled");
    }

    #[test]
    fn a_slab_put_back_keeps_its_slots_and_repeats_none() {
        let mut slab = Slab::new(1);
        let slot = |index, generation| Slot { index, generation };
        slab.place(slot(5, 3), "five");
        slab.place(slot(2, 9), "two");
        slab.place(slot(1, 4), "one");
        assert_eq!(slab.take(1), Some("one"));
        slab.settle(9);
        slab.validate();
        assert!(slab.holds(slot(5, 3)) && slab.holds(slot(2, 9)));
        for _ in 0..5 {
            assert!(slab.insert("new").is_ok_and(|slot| slot.generation > 9));
        }
        slab.validate();
        // What follows the five in its place is behind the newest as well.
        slab.remove(5);
        assert!(
            slab.insert("six")
                .is_ok_and(|slot| slot.index == 5 && slot.generation > 9)
        );
        slab.validate();
        assert_eq!((slab.len(), slab.capacity()), (7, 7));
    }

    #[test]
    fn generations_begin_again_at_their_end() {
        let mut slab = Slab::new(1);
        slab.place(
            Slot {
                index: 1,
                generation: u32::MAX,
            },
            "last",
        );
        slab.settle(u32::MAX);
        slab.limit(u32::MAX);
        assert_eq!(slab.insert("first").map(|slot| slot.generation), Ok(1));
        slab.remove(1);
        assert_eq!(slab.insert("second").map(|slot| slot.generation), Ok(1));
        slab.validate();
    }

    #[test]
    fn a_slab_that_replaces_another_repeats_none_of_its_slots() {
        let mut old = Slab::new(1);
        let a = old.insert(1).unwrap();
        old.remove(a.index);
        let b = old.insert(2).unwrap();
        let mut new = Slab::new(old.next_generation());
        let c = new.insert(3).unwrap();
        assert!(c != a && c != b && c.index == b.index);
        assert_eq!((old.pop(), old.pop()), (Some((b, 2)), None));
    }
}
