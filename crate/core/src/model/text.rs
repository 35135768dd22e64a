//! Text as JavaScript engines hold it: latin1 if every UTF-16 unit fits in a byte, else UTF-16. Conversions lose nothing.

use encoding_rs::mem;

/// Borrowed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text<'a> {
    /// One byte a unit, U+0000 to U+00FF.
    Latin1(&'a [u8]),
    /// UTF-16 units, lone surrogates included.
    Utf16(&'a [u16]),
}

impl<'a> Text<'a> {
    /// The narrowest form of `units`: latin1, written to `buffer`, if every unit fits in a byte, else `units` as they are.
    pub fn narrow(units: &'a [u16], buffer: &'a mut Vec<u8>) -> Self {
        if !mem::is_utf16_latin1(units) {
            return Self::Utf16(units);
        }
        buffer.resize(units.len(), 0);
        mem::convert_utf16_to_latin1_lossy(units, buffer);
        Self::Latin1(buffer)
    }

    /// Length in UTF-16 units, which is JavaScript's `length`.
    #[must_use]
    pub fn units(&self) -> usize {
        match self {
            Self::Latin1(bytes) => bytes.len(),
            Self::Utf16(units) => units.len(),
        }
    }
}

/// Owned text. A clone copies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnedText {
    Latin1(Box<[u8]>),
    Utf16(Box<[u16]>),
}

impl OwnedText {
    #[must_use]
    pub fn as_text(&self) -> Text<'_> {
        match self {
            Self::Latin1(bytes) => Text::Latin1(bytes),
            Self::Utf16(units) => Text::Utf16(units),
        }
    }

    /// The text for people to read: each lone surrogate becomes U+FFFD.
    #[must_use]
    pub fn to_string_lossy(&self) -> String {
        match self {
            Self::Latin1(bytes) => mem::decode_latin1(bytes).into_owned(),
            Self::Utf16(units) => String::from_utf16_lossy(units),
        }
    }
}

/// A reusable buffer that texts are copied into.
#[derive(Debug, Default)]
pub struct TextBuffer {
    latin1: Vec<u8>,
    utf16: Vec<u16>,
    wide: bool,
}

impl TextBuffer {
    #[must_use]
    pub fn text(&self) -> Text<'_> {
        if self.wide {
            Text::Utf16(&self.utf16)
        } else {
            Text::Latin1(&self.latin1)
        }
    }

    pub(crate) fn set_latin1(&mut self, bytes: &[u8]) {
        self.wide = false;
        refill(&mut self.latin1, bytes.len(), bytes.iter().copied());
    }

    pub(crate) fn append_latin1(&mut self, bytes: &[u8]) {
        if self.wide {
            self.utf16.extend(bytes.iter().map(|&byte| u16::from(byte)));
        } else {
            self.latin1.extend_from_slice(bytes);
        }
    }

    /// Sets the text to UTF-16 units in little-endian bytes, which need not be aligned.
    pub(crate) fn set_utf16_le(&mut self, bytes: &[u8]) {
        self.wide = true;
        refill(&mut self.utf16, bytes.len() / 2, utf16_le(bytes));
    }
}

/// Replaces a buffer's contents. A buffer that a long text enlarged is shrunk by the next short one.
fn refill<T>(buffer: &mut Vec<T>, len: usize, units: impl Iterator<Item = T>) {
    /// Capacity in units that a buffer may keep.
    const KEPT: usize = 1 << 16;
    buffer.clear();
    if len <= KEPT {
        buffer.shrink_to(KEPT);
    }
    buffer.extend(units);
}

/// Decodes little-endian bytes as UTF-16 units.
pub fn utf16_le(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| u16::from_le_bytes(*pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each JavaScript thread's buffer stayed as large as the longest text that it ever held.
    #[test]
    fn a_buffer_is_small_again_after_a_long_text() {
        let mut buffer = TextBuffer::default();
        buffer.set_latin1(&vec![b'x'; 1 << 20]);
        buffer.set_utf16_le(&vec![b'x'; 1 << 20]);
        assert!(buffer.latin1.capacity() >= 1 << 20 && buffer.utf16.capacity() >= 1 << 19);
        buffer.set_latin1(b"short");
        buffer.set_utf16_le(b"s\0");
        assert_eq!(buffer.text(), Text::Utf16(&[u16::from(b's')]));
        assert!(buffer.latin1.capacity() <= 1 << 16 && buffer.utf16.capacity() <= 1 << 16);
    }
}
