//! A growable array that never moves its elements.

use std::ops::{Index, IndexMut};

const BITS: u32 = 12;
/// Elements a chunk holds.
pub const CHUNK: usize = 1 << BITS;
const MASK: usize = CHUNK - 1;

/// A growable array in chunks of [`CHUNK`] elements.
///
/// A `Vec` doubles by moving everything, which stalls for milliseconds at millions of elements; here a push allocates
/// at most one chunk. Chunks that were emptied by `pop` are freed, except one spare.
#[derive(Debug)]
pub struct Chunks<T> {
    /// All chunks before the last used one are full; at most one empty chunk follows it.
    chunks: Vec<Vec<T>>,
    len: usize,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
        }
    }
}

impl<T> Chunks<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn push(&mut self, value: T) {
        let chunk = self.len >> BITS;
        if chunk == self.chunks.len() {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        if let Some(chunk) = self.chunks.get_mut(chunk) {
            chunk.push(value);
            self.len += 1;
        }
    }

    pub fn pop(&mut self) -> Option<T> {
        let last = self.len.checked_sub(1)?;
        let chunk = last >> BITS;
        let value = self.chunks.get_mut(chunk)?.pop();
        self.len = last;
        self.chunks.truncate(last.div_ceil(CHUNK) + 1);
        value
    }

    pub fn get(&self, at: usize) -> Option<&T> {
        self.chunks.get(at >> BITS)?.get(at & MASK)
    }

    pub fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.chunks.get_mut(at >> BITS)?.get_mut(at & MASK)
    }
}

/// # Panics
/// When `at` is not below the length, as slices do.
#[expect(
    clippy::indexing_slicing,
    reason = "the one place that indexes; callers hold positions they were given"
)]
impl<T> Index<usize> for Chunks<T> {
    type Output = T;
    fn index(&self, at: usize) -> &T {
        &self.chunks[at >> BITS][at & MASK]
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "the one place that indexes; callers hold positions they were given"
)]
impl<T> IndexMut<usize> for Chunks<T> {
    fn index_mut(&mut self, at: usize) -> &mut T {
        &mut self.chunks[at >> BITS][at & MASK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_across_chunk_borders_and_one_spare_chunk_is_kept() {
        let mut chunks = Chunks::default();
        for n in 0..=CHUNK * 3 {
            chunks.push(n);
        }
        assert_eq!(chunks.len(), CHUNK * 3 + 1);
        assert_eq!(chunks[CHUNK], CHUNK);
        chunks[CHUNK] = 7;
        assert_eq!(chunks.get(CHUNK), Some(&7));
        assert_eq!(chunks.get(CHUNK * 3 + 1), None);
        for _ in 0..=CHUNK * 2 {
            assert!(chunks.pop().is_some());
        }
        assert_eq!(chunks.len(), CHUNK);
        assert_eq!(chunks.chunks.len(), 2, "one full chunk and one spare");
        while chunks.pop().is_some() {}
        assert_eq!(chunks.len(), 0);
        chunks.push(1);
        assert_eq!(chunks[0], 1);
    }
}
