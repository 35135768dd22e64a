//! The code units of a text, in each of the forms in which texts are held, and the search for what ends a JSON string or value.

use memchr::memchr2;
use std::hash::Hash;

/// Bytes that are looked at together, as one number.
const WORD: usize = 8;
/// Words in which a string's end is searched for before the search that is faster for long strings, and slower to begin.
const SHORT: usize = 4;

/// A UTF-16 unit: a byte of latin1, a `u16`, or the two little-endian bytes of a stored text, which need not be aligned.
pub trait Unit: Copy + Eq + Hash {
    /// Whether it can hold units beyond latin1.
    const IS_WIDE: bool;

    fn value(self) -> u16;

    /// The unit as a byte; 0xff stands for all units beyond latin1.
    fn byte(self) -> u8 {
        u8::try_from(self.value()).unwrap_or(u8::MAX)
    }

    /// The index of the first quotation mark or backslash.
    fn find_quote(units: &[Self]) -> Option<usize> {
        /// Units that are looked at without a branch: the compiler makes vector instructions of that.
        const AT_ONCE: usize = 16;
        let is_one = |unit: &Self| matches!(unit.byte(), b'"' | b'\\');
        let (chunks, _) = units.as_chunks::<AT_ONCE>();
        let has_none = |chunk: &&[Self; AT_ONCE]| !chunk.iter().fold(false, |any, unit| any | is_one(unit));
        let skipped = chunks.iter().take_while(has_none).count() * AT_ONCE;
        let found = units.get(skipped..)?.iter().position(is_one);
        found.map(|at| skipped + at)
    }

    /// The length of an object or array, at whose opening bracket `units` begin.
    fn nested_len(units: &[Self]) -> Option<usize> {
        Nesting::default().end_in(units)
    }

    /// Appends units to the bytes of a stored text: two bytes for each if that is `wide`, else one, which must be enough.
    fn append(units: &[Self], wide: bool, out: &mut Vec<u8>);
}

impl Unit for u8 {
    const IS_WIDE: bool = false;

    fn value(self) -> u16 {
        self.into()
    }

    fn byte(self) -> u8 {
        self
    }

    fn find_quote(units: &[Self]) -> Option<usize> {
        let (words, _) = units.as_chunks::<WORD>();
        for (at, word) in words.iter().take(SHORT).enumerate() {
            let word = u64::from_le_bytes(*word);
            let found = are(word, b'"') | are(word, b'\\');
            if found != 0 {
                return Some(at * WORD + found.trailing_zeros() as usize / WORD);
            }
        }
        let skipped = words.len().min(SHORT) * WORD;
        memchr2(b'"', b'\\', units.get(skipped..)?).map(|at| skipped + at)
    }

    fn nested_len(units: &[Self]) -> Option<usize> {
        let mut nesting = Nesting::default();
        let (words, _) = units.as_chunks::<WORD>();
        for (at, word) in words.iter().enumerate() {
            if !nesting.take_word(*word)
                && let Some(len) = nesting.end_in(word)
            {
                return Some(at * WORD + len);
            }
        }
        let read = words.len() * WORD;
        nesting.end_in(units.get(read..)?).map(|len| read + len)
    }

    fn append(units: &[Self], wide: bool, out: &mut Vec<u8>) {
        if wide {
            out.extend(units.iter().flat_map(|&byte| [byte, 0]));
        } else {
            out.extend_from_slice(units);
        }
    }
}

impl Unit for u16 {
    const IS_WIDE: bool = true;

    fn value(self) -> u16 {
        self
    }

    fn append(units: &[Self], wide: bool, out: &mut Vec<u8>) {
        if wide {
            out.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        } else {
            out.extend(units.iter().map(|unit| unit.to_le_bytes()[0]));
        }
    }
}

impl Unit for [u8; 2] {
    const IS_WIDE: bool = true;

    fn value(self) -> u16 {
        u16::from_le_bytes(self)
    }

    fn append(units: &[Self], wide: bool, out: &mut Vec<u8>) {
        if wide {
            out.extend_from_slice(units.as_flattened());
        } else {
            out.extend(units.iter().map(|&[low, _]| low));
        }
    }
}

/// A byte in each byte of a word.
const fn all(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; WORD])
}

/// The bytes of a word that are `byte`, as a 1 each; the others are 0.
fn are(word: u64, byte: u8) -> u64 {
    let different = word ^ all(byte);
    // The highest bit of each byte that is not 0; no carry leaves its byte.
    let is_different = ((different & all(0x7f)) + all(0x7f)) | different;
    !is_different >> 7 & all(1)
}

/// How far a walk through the brackets and strings of a value has come.
#[derive(Debug, Default)]
struct Nesting {
    /// Brackets that are open.
    depth: u64,
    /// Whether a string is open.
    in_string: bool,
    /// Whether the next unit is the one that a backslash escapes.
    is_escaped: bool,
}

impl Nesting {
    /// Walks until the bracket that closes the first one; the index after it.
    fn end_in<U: Unit>(&mut self, units: &[U]) -> Option<usize> {
        units
            .iter()
            .position(|unit| self.ends_with(unit.byte()))
            .map(|at| at + 1)
    }

    /// Takes one step; true if that is the bracket that closes the first one.
    fn ends_with(&mut self, byte: u8) -> bool {
        if self.in_string {
            self.in_string = self.is_escaped || byte != b'"';
            self.is_escaped = !self.is_escaped && byte == b'\\';
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth -= 1;
                return self.depth == 0;
            }
            _ => (),
        }
        false
    }

    /// Takes the steps of a whole word, unless it has a backslash or the end may be in it: then it takes none, and returns false.
    fn take_word(&mut self, word: [u8; WORD]) -> bool {
        /// The bit in which `[` differs from `{`, and `]` from `}`.
        const CASE: u64 = all(0x20);
        let word = u64::from_le_bytes(word);
        // A mark for each byte of a string, the opening quotation mark included and the closing one not.
        let mut strings = are(word, b'"');
        strings ^= strings << 8;
        strings ^= strings << 16;
        strings ^= strings << 32;
        strings ^= all(self.in_string.into());
        let count = |marks: u64| (marks & !strings).wrapping_mul(all(1)) >> (u64::BITS - 8);
        let opened = count(are(word | CASE, b'{'));
        let closed = count(are(word | CASE, b'}'));
        if self.is_escaped || are(word, b'\\') != 0 || self.depth <= closed {
            return false;
        }
        self.depth = self.depth + opened - closed;
        self.in_string = strings >> (u64::BITS - 8) != 0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Units of which some mean something in JSON.
    fn units() -> impl Strategy<Value = Vec<u8>> {
        let unit = prop_oneof![
            10 => b'a'..=b'z',
            3 => prop::sample::select(&b"\"\"[]{}[]{}\\;}|z\x1b\x1d\xfb\xfd\xdc\xa2"[..]),
            1 => any::<u8>(),
        ];
        prop::collection::vec(unit, 0..120)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn all_forms_find_the_same_ends_and_append_the_same_units(text in units()) {
            let wide: Vec<u16> = text.iter().map(|&byte| byte.into()).collect();
            let stored: Vec<[u8; 2]> = wide.iter().map(|unit| unit.to_le_bytes()).collect();
            let quote = text.iter().position(|byte| matches!(byte, b'"' | b'\\'));
            prop_assert_eq!(u8::find_quote(&text), quote);
            prop_assert_eq!(u16::find_quote(&wide), quote);
            prop_assert_eq!(<[u8; 2]>::find_quote(&stored), quote);
            let nested = [b"[", &text[..]].concat();
            let wide_nested: Vec<u16> = nested.iter().map(|&byte| byte.into()).collect();
            prop_assert_eq!(u8::nested_len(&nested), u16::nested_len(&wide_nested));
            for is_wide in [false, true] {
                let mut appended = [Vec::new(), Vec::new(), Vec::new()];
                u8::append(&text, is_wide, &mut appended[0]);
                u16::append(&wide, is_wide, &mut appended[1]);
                <[u8; 2]>::append(&stored, is_wide, &mut appended[2]);
                let expected = if is_wide { stored.concat() } else { text.clone() };
                prop_assert!(appended.iter().all(|bytes| *bytes == expected));
            }
        }
    }

    #[test]
    fn a_unit_whose_low_byte_is_a_quotation_mark_is_none() {
        let units = [0x2022, 0x5c22, 0x225c, 0x0122, 0x22];
        assert_eq!(u16::find_quote(&units), Some(4));
        assert_eq!(u16::nested_len(&[0x5b, 0x015d, 0x2022, 0x5d]), Some(4));
    }
}
