//! The variable parts of all sessions: an arena of cells in size classes, for texts too small to be worth an allocation each.

mod compact;
#[cfg(any(test, feature = "testing"))]
mod validate;

use crate::memory::chunks::Chunks;

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
/// The place of a page that is in no list.
const UNLISTED: u32 = u32::MAX;
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

    fn is_in_page(self) -> bool {
        self.len() != APART
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
    /// Its bodies are to move to others, so that it can go.
    leaving: bool,
    /// Where it is in its class's list of pages with room; [`UNLISTED`] if it is full, empty or leaving.
    place: u32,
}

/// A body that is too large for a page, or an end that was.
#[derive(Debug)]
enum Apart {
    Body(Vec<u8>),
    /// The next free place.
    Free(u32),
}

/// The pages of a class.
#[derive(Debug, Clone, Default)]
struct Class {
    pages: u32,
    /// Those with free cells; the last one is filled first.
    roomy: Vec<u32>,
}

/// The bodies. A cell is reused by the next body of its class; a page without any goes back to the system, but for one that is
/// kept. Growing never moves a body; [`Bodies::relocate`] does.
#[derive(Debug)]
pub struct Bodies {
    /// By page: its cells that were ever used. Apart from `pages`, so that reading touches little.
    bytes: Chunks<Vec<u8>>,
    pages: Chunks<Page>,
    classes: Vec<Class>,
    /// Pages, but for one of each class.
    more_pages: usize,
    /// Bytes of all cells that are used.
    used: usize,
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
            classes: vec![Class::default(); CLASSES],
            more_pages: 0,
            used: 0,
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
        let number = match self.classes.get(class)?.roomy.last() {
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
        self.used += cell;
        if page.free == NONE && bytes.len() + cell > PAGE {
            self.unlist(number);
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
        let page = Page {
            class: u16::try_from(class).ok()?,
            used: 0,
            free: NONE,
            leaving: false,
            place: UNLISTED,
        };
        let class = self.classes.get_mut(class)?;
        class.pages += 1;
        self.more_pages += usize::from(class.pages > 1);
        if self.vacant.pop().is_some() {
            *self.bytes.get_mut(number as usize)? = bytes;
            *self.pages.get_mut(number as usize)? = page;
        } else {
            self.bytes.push(bytes);
            self.pages.push(page);
        }
        self.list(number);
        Some(number)
    }

    /// Has a page's free cells be found.
    fn list(&mut self, number: u32) {
        if let Some(page) = self.pages.get_mut(number as usize)
            && let Some(class) = self.classes.get_mut(usize::from(page.class))
        {
            page.place = u32::try_from(class.roomy.len()).unwrap_or(UNLISTED);
            class.roomy.push(number);
        }
    }

    /// The reverse of [`Bodies::list`].
    fn unlist(&mut self, number: u32) {
        let Some(page) = self.pages.get_mut(number as usize) else {
            return;
        };
        let place = std::mem::replace(&mut page.place, UNLISTED);
        let Some(class) = self.classes.get_mut(usize::from(page.class)) else {
            return;
        };
        class.roomy.swap_remove(place as usize);
        let moved = class.roomy.get(place as usize);
        if let Some(moved) = moved.and_then(|&moved| self.pages.get_mut(moved as usize)) {
            moved.place = place;
        }
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
        let Ok(number) = u32::try_from(spot.page()) else {
            return;
        };
        let (Some(page), Some(bytes)) = (self.pages.get_mut(spot.page()), self.bytes.get_mut(spot.page()))
        else {
            return;
        };
        let cell = cell_of(usize::from(page.class));
        page.used -= 1;
        self.used -= cell;
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
        let Page {
            used, leaving, place, ..
        } = *page;
        if used == 0 {
            if place != UNLISTED {
                self.unlist(number);
            }
            self.give_back(number, garbage);
        } else if place == UNLISTED && !leaving {
            self.list(number);
        }
    }

    /// Gives back a page that has no body any more, and is in no list.
    fn give_back(&mut self, number: u32, garbage: &mut Garbage) {
        let at = number as usize;
        let class = self.pages.get(at).map_or(CLASSES, |page| usize::from(page.class));
        if let Some(class) = self.classes.get_mut(class) {
            self.more_pages -= usize::from(class.pages > 1);
            class.pages -= 1;
        }
        self.vacant.push(number);
        let mut bytes = self.bytes.get_mut(at).map(std::mem::take).unwrap_or_default();
        if self.spare.len() < SPARE {
            bytes.clear();
            self.spare.push(bytes);
        } else {
            garbage.push(bytes);
        }
    }
}

fn index_of(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
