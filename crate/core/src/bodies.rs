//! The variable parts of all sessions: an arena of cells in size classes, for texts too small to be worth an allocation each.

use crate::chunks::Chunks;

/// Bytes of a page, less what the allocator adds: whole pages of the system's in all.
const PAGE: usize = (1 << 18) - 64;
/// Positions are counted in these, and so are the sizes of small cells.
const GRANULE: usize = 8;
/// Cells up to here come in steps of a granule, those up to [`LARGEST`] in steps of two.
const SMALL: usize = 512;
/// Bodies beyond this are allocations of their own.
const LARGEST: usize = 2_048;
const CLASSES: usize = SMALL / GRANULE + (LARGEST - SMALL) / (2 * GRANULE) + 1;
/// Bits of a position that say where in its page a cell begins.
const IN_PAGE: u32 = 15;
/// The length that stands for "an allocation of its own".
const APART: u16 = u16::MAX;
/// Ends the free list of a page.
const NONE: u16 = u16::MAX;
/// Empty pages kept for the next class that needs one.
const SPARE: usize = 1;

/// Memory that was given up, to be dropped where no lock is held.
pub type Garbage = smallvec::SmallVec<[Vec<u8>; 2]>;

/// Where a body is. 7 bytes, a copy of which is of no use once the body was freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    at: [u8; 5],
    len: [u8; 2],
}

impl Spot {
    fn new(at: u64, len: u16) -> Option<Self> {
        let [bytes @ .., 0, 0, 0] = at.to_le_bytes() else {
            return None;
        };
        Some(Self {
            at: bytes,
            len: len.to_le_bytes(),
        })
    }

    fn at(self) -> u64 {
        let mut bytes = [0; size_of::<u64>()];
        bytes.iter_mut().zip(self.at).for_each(|(to, from)| *to = from);
        u64::from_le_bytes(bytes)
    }

    fn len(self) -> u16 {
        u16::from_le_bytes(self.len)
    }

    fn page(self) -> usize {
        index_of(self.at() >> IN_PAGE)
    }

    fn offset(self) -> usize {
        index_of(self.at() & ((1 << IN_PAGE) - 1)) * GRANULE
    }
}

/// The class of cells that a body of `len` bytes, at most [`LARGEST`], goes to.
fn class_of(len: usize) -> usize {
    if len <= SMALL {
        len.div_ceil(GRANULE).max(1)
    } else {
        SMALL / GRANULE + (len - SMALL).div_ceil(2 * GRANULE)
    }
}

/// Bytes of a class's cells.
fn cell_of(class: usize) -> usize {
    if class <= SMALL / GRANULE {
        class * GRANULE
    } else {
        SMALL + (class - SMALL / GRANULE) * 2 * GRANULE
    }
}

/// What is known of a page beside its bytes.
#[derive(Debug, Clone, Copy)]
struct Page {
    class: u16,
    used: u16,
    /// The first free cell, by number; the next one's is written in its first two bytes.
    free: u16,
    /// Where it is in its class's list of pages with room; [`u32::MAX`] if it is full or empty.
    place: u32,
}

/// A body that is too large for a page, or an end that was.
#[derive(Debug)]
enum Apart {
    Body(Vec<u8>),
    /// The next free place.
    Free(u32),
}

/// The bodies. A cell is reused by the next body of its class; a page without any goes back to the system, but for one that is
/// kept. Growing never moves a body.
#[derive(Debug)]
pub struct Bodies {
    /// By page: its cells that were ever used. Apart from `pages`, so that reading touches little.
    bytes: Chunks<Vec<u8>>,
    pages: Chunks<Page>,
    /// Pages with free cells, by class; the last one is filled first.
    roomy: Vec<Vec<u32>>,
    /// Numbers of pages that are not there.
    vacant: Vec<u32>,
    spare: Vec<Vec<u8>>,
    apart: Chunks<Apart>,
    /// The first free place in `apart`.
    free: u32,
}

impl Default for Bodies {
    fn default() -> Self {
        Self {
            bytes: Chunks::default(),
            pages: Chunks::default(),
            roomy: vec![Vec::new(); CLASSES],
            vacant: Vec::new(),
            spare: Vec::new(),
            apart: Chunks::default(),
            free: u32::MAX,
        }
    }
}

impl Bodies {
    pub fn get(&self, spot: Spot) -> &[u8] {
        let len = spot.len();
        if len == APART {
            return match self.apart.get(index_of(spot.at())) {
                Some(Apart::Body(body)) => body,
                _ => &[],
            };
        }
        let page = self.bytes.get(spot.page());
        let cell = page.and_then(|page| page.get(spot.offset()..)?.get(..usize::from(len)));
        cell.unwrap_or_default()
    }

    pub fn get_mut(&mut self, spot: Spot) -> &mut [u8] {
        let len = spot.len();
        if len == APART {
            return match self.apart.get_mut(index_of(spot.at())) {
                Some(Apart::Body(body)) => body,
                _ => &mut [],
            };
        }
        let page = self.bytes.get_mut(spot.page());
        let cell = page.and_then(|page| page.get_mut(spot.offset()..)?.get_mut(..usize::from(len)));
        cell.unwrap_or_default()
    }

    pub fn len_of(&self, spot: Spot) -> usize {
        match spot.len() {
            APART => self.get(spot).len(),
            len => usize::from(len),
        }
    }

    /// Takes a body in. `None` when there is no position left to name it by, at 2^43 bytes or 2^32 large ones.
    pub fn insert(&mut self, body: Vec<u8>, garbage: &mut Garbage) -> Option<Spot> {
        match u16::try_from(body.len()) {
            Ok(len) if body.len() <= LARGEST => {
                let spot = self.insert_small(&body, len);
                garbage.push(body);
                spot
            }
            _ => self.insert_apart(body),
        }
    }

    fn insert_small(&mut self, body: &[u8], len: u16) -> Option<Spot> {
        let class = class_of(body.len());
        let cell = cell_of(class);
        let number = match self.roomy.get(class).and_then(|pages| pages.last()) {
            Some(&number) => number,
            None => self.add_page(class)?,
        };
        let page = self.pages.get_mut(number as usize)?;
        let bytes = self.bytes.get_mut(number as usize)?;
        let offset = if page.free == NONE {
            let offset = bytes.len();
            bytes.extend_from_slice(body);
            bytes.resize(offset + cell, 0);
            offset
        } else {
            let offset = usize::from(page.free) * cell;
            let bytes = bytes.get_mut(offset..)?;
            page.free = bytes.first_chunk().map_or(NONE, |next| u16::from_le_bytes(*next));
            bytes.get_mut(..body.len())?.copy_from_slice(body);
            offset
        };
        page.used += 1;
        if page.free == NONE && bytes.len() + cell > PAGE {
            page.place = u32::MAX;
            self.roomy.get_mut(class)?.pop();
        }
        Spot::new(u64::from(number) << IN_PAGE | (offset / GRANULE) as u64, len)
    }

    fn add_page(&mut self, class: usize) -> Option<u32> {
        let number = match self.vacant.last() {
            Some(&number) => number,
            None => u32::try_from(self.pages.len())
                .ok()
                .filter(|number| number >> (40 - IN_PAGE) == 0)?,
        };
        let bytes = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(PAGE));
        let roomy = self.roomy.get_mut(class)?;
        let page = Page {
            class: u16::try_from(class).ok()?,
            used: 0,
            free: NONE,
            place: u32::try_from(roomy.len()).ok()?,
        };
        roomy.push(number);
        if self.vacant.pop().is_some() {
            *self.bytes.get_mut(number as usize)? = bytes;
            *self.pages.get_mut(number as usize)? = page;
        } else {
            self.bytes.push(bytes);
            self.pages.push(page);
        }
        Some(number)
    }

    fn insert_apart(&mut self, body: Vec<u8>) -> Option<Spot> {
        let at = self.free;
        if at == u32::MAX {
            let at = u32::try_from(self.apart.len()).ok().filter(|&at| at < u32::MAX)?;
            self.apart.push(Apart::Body(body));
            return Spot::new(at.into(), APART);
        }
        if let Some(place) = self.apart.get_mut(at as usize)
            && let Apart::Free(next) = *place
        {
            self.free = next;
            *place = Apart::Body(body);
        }
        Spot::new(at.into(), APART)
    }

    /// Gives a body's cell to the next one of its class. Memory that nobody needs goes to `garbage`.
    pub fn free(&mut self, spot: Spot, garbage: &mut Garbage) {
        if spot.len() == APART {
            let free = self.free;
            if let Some(place) = self.apart.get_mut(index_of(spot.at()))
                && let Apart::Body(body) = std::mem::replace(place, Apart::Free(free))
            {
                self.free = u32::try_from(spot.at()).unwrap_or(free);
                garbage.push(body);
            }
            return;
        }
        let number = spot.page();
        let (Some(page), Some(bytes)) = (self.pages.get_mut(number), self.bytes.get_mut(number)) else {
            return;
        };
        let cell = cell_of(usize::from(page.class));
        let was_full = page.place == u32::MAX;
        page.used -= 1;
        if let Some(link) = bytes
            .get_mut(spot.offset()..)
            .and_then(|cell| cell.first_chunk_mut())
        {
            *link = page.free.to_le_bytes();
        }
        page.free = spot
            .offset()
            .checked_div(cell)
            .map_or(NONE, |at| u16::try_from(at).unwrap_or(NONE));
        let (class, used, place) = (usize::from(page.class), page.used, page.place);
        let Some(roomy) = self.roomy.get_mut(class) else {
            return;
        };
        if was_full {
            page.place = u32::try_from(roomy.len()).unwrap_or(u32::MAX);
            roomy.push(u32::try_from(number).unwrap_or(u32::MAX));
        }
        if used == 0 {
            let place = if was_full { roomy.len() - 1 } else { place as usize };
            roomy.swap_remove(place);
            let moved = roomy.get(place).copied();
            if let Some(moved) = moved.and_then(|moved| self.pages.get_mut(moved as usize)) {
                moved.place = u32::try_from(place).unwrap_or(u32::MAX);
            }
            let mut bytes = self.bytes.get_mut(number).map(std::mem::take).unwrap_or_default();
            self.vacant.extend(u32::try_from(number));
            if self.spare.len() < SPARE {
                bytes.clear();
                self.spare.push(bytes);
            } else {
                garbage.push(bytes);
            }
        }
    }

    /// Checks that exactly the bodies `at` these places are there.
    #[cfg(any(test, fuzzing, feature = "simulation"))]
    pub fn validate(&self, at: impl Iterator<Item = Spot>) {
        let mut used = vec![std::collections::BTreeSet::new(); self.pages.len()];
        let mut apart = 0;
        for spot in at {
            if spot.len() == APART {
                apart += 1;
                let place = self.apart.get(index_of(spot.at()));
                assert!(matches!(place, Some(Apart::Body(_))), "a large body is there");
                continue;
            }
            let page = used.get_mut(spot.page());
            assert!(
                page.is_some_and(|page| page.insert(spot.offset())),
                "no two bodies share a cell"
            );
        }
        let bodies = (0..self.apart.len()).filter(|&at| matches!(self.apart.get(at), Some(Apart::Body(_))));
        assert_eq!(bodies.count(), apart, "no large body is lost");
        let mut roomy = 0;
        for (number, used) in used.iter().enumerate() {
            let (Some(page), Some(bytes)) = (self.pages.get(number), self.bytes.get(number)) else {
                panic!("each page has both parts");
            };
            if used.is_empty() {
                assert!(bytes.capacity() == 0, "an empty page is not kept");
                continue;
            }
            let class = usize::from(page.class);
            let cell = cell_of(class);
            let mut free = std::collections::BTreeSet::new();
            let mut at = page.free;
            while at != NONE {
                let offset = usize::from(at) * cell;
                assert!(
                    !used.contains(&offset) && free.insert(offset),
                    "a free cell is free, once"
                );
                at = bytes
                    .get(offset..)
                    .and_then(|cell| cell.first_chunk())
                    .map_or(NONE, |next| u16::from_le_bytes(*next));
            }
            assert!(
                used.iter().all(|offset| offset.is_multiple_of(cell)),
                "bodies begin where cells do"
            );
            assert_eq!(used.len(), usize::from(page.used));
            assert_eq!(
                (used.len() + free.len()) * cell,
                bytes.len(),
                "each cell is free or used"
            );
            let has_room = !free.is_empty() || bytes.len() + cell <= PAGE;
            roomy += usize::from(has_room);
            let listed = self
                .roomy
                .get(class)
                .and_then(|pages| pages.get(page.place as usize));
            assert_eq!(
                listed.map(|&listed| listed as usize),
                has_room.then_some(number),
                "a page with room is listed"
            );
        }
        assert_eq!(
            self.roomy.iter().map(Vec::len).sum::<usize>(),
            roomy,
            "and no other"
        );
    }
}

fn index_of(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
