//! The arena of bodies: pages cut into equal cells, one size of cell per page. Most bodies are too small for an allocation each.

#![expect(
    clippy::indexing_slicing,
    reason = "positions are this arena's own; a wrong one must panic, not read as an empty body"
)]

mod compact;
#[cfg(any(test, feature = "testing"))]
mod validate;

use crate::memory::chunks::Chunks;

/// Bytes of a page. With the 64 bytes that the allocator may add it is 256 KiB, a whole number of the operating system's pages.
const PAGE: usize = (1 << 18) - 64;
/// Bytes of a granule, the unit of positions and of the sizes of small cells.
const GRANULE: usize = 8;
/// Bytes of the largest small cell. Sizes go up to it in steps of one granule, and on to [`LARGEST`] in steps of two.
const SMALL: usize = 512;
/// Bytes of the largest cell. A larger body is an allocation of its own.
const LARGEST: usize = 2_048;
const CLASSES: usize = SMALL / GRANULE + (LARGEST - SMALL) / (2 * GRANULE) + 1;
/// Bits of a position that hold the offset in the page, in granules.
const IN_PAGE: u32 = 15;
/// The length in a [`Spot`] that means "an allocation of its own".
const APART: u16 = u16::MAX;
/// The cell number that ends the free list of a page.
const NONE: u16 = u16::MAX;
/// The value of [`Page::listed_at`] for a page that is in no list.
const UNLISTED: u32 = u32::MAX;
/// Maximum number of empty pages kept for the next size class that needs one.
const SPARE: usize = 1;

/// Freed memory, to be dropped after unlocking.
pub type Garbage = smallvec::SmallVec<[Vec<u8>; 2]>;

/// The address of a body, in 7 bytes. Invalid once the body is freed or relocated.
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

/// The size class of a body of `len` bytes, at most [`LARGEST`].
fn class_of(len: usize) -> usize {
    if len <= SMALL {
        len.div_ceil(GRANULE).max(1)
    } else {
        SMALL / GRANULE + (len - SMALL).div_ceil(2 * GRANULE)
    }
}

/// Bytes of a cell of a class.
fn cell_of(class: usize) -> usize {
    if class <= SMALL / GRANULE {
        class * GRANULE
    } else {
        SMALL + (class - SMALL / GRANULE) * 2 * GRANULE
    }
}

/// The bookkeeping of a page; its bytes are in [`Bodies::bytes`].
#[derive(Debug, Clone, Copy)]
struct Page {
    class: u16,
    /// The number of used cells.
    used: u16,
    /// The number of the first free cell, or [`NONE`]. A free cell holds the number of the next one in its first two bytes.
    free: u16,
    /// The page takes no more bodies: those it has are being relocated, so that it can be freed.
    leaving: bool,
    /// Its position in its class's list of pages with free cells; [`UNLISTED`] if it is full, empty or leaving.
    listed_at: u32,
}

/// An entry of [`Bodies::apart`]: a body that is too large for a page, or a free place.
#[derive(Debug)]
enum Apart {
    Body(Vec<u8>),
    /// The number of the next free place.
    Free(u32),
}

/// The pages of a size class.
#[derive(Debug, Clone, Default)]
struct SizeClass {
    pages: u32,
    /// The numbers of the pages with free cells; the last one is filled first.
    roomy: Vec<u32>,
}

/// The arena of bodies. A freed cell is reused by the next body of its class; a page without bodies is freed, except one that is kept as
/// a spare. Only [`Bodies::relocate`] moves a body.
#[derive(Debug)]
pub struct Bodies {
    /// By page number: the bytes of the cells that were ever used. Separate from `pages`, so that reading touches little memory.
    bytes: Chunks<Vec<u8>>,
    pages: Chunks<Page>,
    classes: Vec<SizeClass>,
    /// The number of pages beyond the first of each class.
    more_pages: usize,
    /// The bytes of all used cells.
    used: usize,
    /// Free page numbers.
    vacant: Vec<u32>,
    spare: Vec<Vec<u8>>,
    apart: Chunks<Apart>,
    /// The first free place in `apart`, or `u32::MAX`.
    free: u32,
}

impl Default for Bodies {
    fn default() -> Self {
        Self {
            bytes: Chunks::default(),
            pages: Chunks::default(),
            classes: vec![SizeClass::default(); CLASSES],
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
    /// The bytes of a body.
    ///
    /// # Panics
    /// If there is none at `spot`: the store's structures contradict each other.
    pub fn get(&self, spot: Spot) -> &[u8] {
        match spot.len() {
            APART => match &self.apart[index_of(spot.at())] {
                Apart::Body(body) => body,
                Apart::Free(_) => panic!("a freed body is read"),
            },
            len => &self.bytes[spot.page()][spot.offset()..][..usize::from(len)],
        }
    }

    /// The bytes of a body, to be changed in place.
    ///
    /// # Panics
    /// As [`Bodies::get`].
    pub fn get_mut(&mut self, spot: Spot) -> &mut [u8] {
        match spot.len() {
            APART => match &mut self.apart[index_of(spot.at())] {
                Apart::Body(body) => body,
                Apart::Free(_) => panic!("a freed body is written"),
            },
            len => &mut self.bytes[spot.page()][spot.offset()..][..usize::from(len)],
        }
    }

    pub fn len_of(&self, spot: Spot) -> usize {
        match spot.len() {
            APART => self.get(spot).len(),
            len => usize::from(len),
        }
    }

    /// Stores a body and returns its address; `None` if no address is left, at 2^43 bytes or 2^32 large bodies. A small body is copied
    /// to a cell, and its own memory is moved to `garbage`.
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

    /// Replaces a body by another one and returns its address. It takes the same cell if it fits there, which frees nothing. `None`, and
    /// the old body is unchanged, if no address is left.
    pub fn replace(&mut self, old: Spot, body: Vec<u8>, garbage: &mut Garbage) -> Option<Spot> {
        if self.fits(old, body.len())
            && let Ok(len) = u16::try_from(body.len())
        {
            self.bytes[old.page()][old.offset()..][..body.len()].copy_from_slice(&body);
            garbage.push(body);
            return Spot::new(old.at(), len);
        }
        let new = self.insert(body, garbage)?;
        self.free(old, garbage);
        Some(new)
    }

    /// Whether a body of `len` bytes is of the size class of the cell at `spot`, in a page that is not to be freed.
    fn fits(&self, spot: Spot, len: usize) -> bool {
        if !spot.is_in_page() || len > LARGEST {
            return false;
        }
        let page = self.pages[spot.page()];
        !page.leaving && usize::from(page.class) == class_of(len)
    }

    fn insert_small(&mut self, body: &[u8], len: u16) -> Option<Spot> {
        let class = class_of(body.len());
        let cell = cell_of(class);
        let number = match self.classes[class].roomy.last() {
            Some(&number) => number,
            None => self.add_page(class)?,
        };
        let page = &mut self.pages[number as usize];
        let bytes = &mut self.bytes[number as usize];
        let offset = if page.free == NONE {
            let offset = bytes.len();
            bytes.extend_from_slice(body);
            bytes.resize(offset + cell, 0);
            offset
        } else {
            let offset = usize::from(page.free) * cell;
            page.free = u16::from_le_bytes([bytes[offset], bytes[offset + 1]]);
            bytes[offset..][..body.len()].copy_from_slice(body);
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
            listed_at: UNLISTED,
        };
        let class = &mut self.classes[class];
        class.pages += 1;
        self.more_pages += usize::from(class.pages > 1);
        if self.vacant.pop().is_some() {
            self.bytes[number as usize] = bytes;
            self.pages[number as usize] = page;
        } else {
            self.bytes.push(bytes);
            self.pages.push(page);
        }
        self.list(number);
        Some(number)
    }

    /// Adds a page to its class's list of pages with free cells.
    fn list(&mut self, number: u32) {
        let page = &mut self.pages[number as usize];
        let class = &mut self.classes[usize::from(page.class)];
        page.listed_at = u32::try_from(class.roomy.len()).unwrap_or(UNLISTED);
        class.roomy.push(number);
    }

    /// Removes a page from the list that [`Bodies::list`] added it to.
    fn unlist(&mut self, number: u32) {
        let page = &mut self.pages[number as usize];
        let at = std::mem::replace(&mut page.listed_at, UNLISTED);
        let class = &mut self.classes[usize::from(page.class)];
        class.roomy.swap_remove(at as usize);
        if let Some(&moved) = class.roomy.get(at as usize) {
            self.pages[moved as usize].listed_at = at;
        }
    }

    fn insert_apart(&mut self, body: Vec<u8>) -> Option<Spot> {
        let at = self.free;
        if at == u32::MAX {
            let at = u32::try_from(self.apart.len()).ok().filter(|&at| at < u32::MAX)?;
            self.apart.push(Apart::Body(body));
            return Spot::new(at.into(), APART);
        }
        let place = &mut self.apart[at as usize];
        let Apart::Free(next) = *place else {
            panic!("the list of free places names one that is used");
        };
        self.free = next;
        *place = Apart::Body(body);
        Spot::new(at.into(), APART)
    }

    /// Frees a body. Its cell is for the next body of its class; memory that is no longer needed is moved to `garbage`.
    pub fn free(&mut self, spot: Spot, garbage: &mut Garbage) {
        if spot.len() == APART {
            let place = &mut self.apart[index_of(spot.at())];
            let Apart::Body(body) = std::mem::replace(place, Apart::Free(self.free)) else {
                panic!("a body is freed twice");
            };
            self.free = u32::try_from(spot.at()).unwrap_or(self.free);
            garbage.push(body);
            return;
        }
        let page = &mut self.pages[spot.page()];
        let bytes = &mut self.bytes[spot.page()];
        let number = u32::try_from(spot.page()).unwrap_or(UNLISTED);
        let cell = cell_of(usize::from(page.class));
        page.used -= 1;
        self.used -= cell;
        bytes[spot.offset()..][..size_of::<u16>()].copy_from_slice(&page.free.to_le_bytes());
        page.free = u16::try_from(spot.offset() / cell).unwrap_or(NONE);
        let Page {
            used,
            leaving,
            listed_at,
            ..
        } = *page;
        if used == 0 {
            if listed_at != UNLISTED {
                self.unlist(number);
            }
            self.free_page(number, garbage);
        } else if listed_at == UNLISTED && !leaving {
            self.list(number);
        }
    }

    /// Frees a page that has no body left and is in no list.
    fn free_page(&mut self, number: u32, garbage: &mut Garbage) {
        let at = number as usize;
        let class = &mut self.classes[usize::from(self.pages[at].class)];
        self.more_pages -= usize::from(class.pages > 1);
        class.pages -= 1;
        self.vacant.push(number);
        let mut bytes = std::mem::take(&mut self.bytes[at]);
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
