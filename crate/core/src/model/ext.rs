//! The ext field of sessions, snapshots and manifests: tagged values, so that later versions can add fields without a new format.
//!
//! ```text
//! tag u16 | length u16 | value       as often as needed, tags ascending
//! ```
//!
//! A session's tags are constants of this file. A version that does not know a tag writes it back unchanged.

/// Of a manifest: the key of the store's tokens.
pub const TOKEN_KEY: u16 = 1;
/// Of a session: see [`crate::model::standing`].
pub const STANDING: u16 = 1;
/// Of a session: the methods of its login; see [`crate::model::standing`].
pub const METHODS: u16 = 2;

/// Longest ext field in bytes.
pub const MAX: usize = u16::MAX as usize;

/// The entries of an ext field, each with its tag; `None` if it is malformed.
#[must_use]
pub fn entries(mut ext: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut entries: Vec<(u16, &[u8])> = Vec::new();
    if ext.len() > MAX {
        return None;
    }
    while !ext.is_empty() {
        let (tag, rest) = ext.split_first_chunk()?;
        let (len, rest) = rest.split_first_chunk()?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
        let tag = u16::from_le_bytes(*tag);
        if entries.last().is_some_and(|&(last, _)| last >= tag) {
            return None;
        }
        entries.push((tag, value));
        ext = rest;
    }
    Some(entries)
}

/// The value of a tag in an ext field that is well-formed.
#[must_use]
pub fn value(mut ext: &[u8], tag: u16) -> Option<&[u8]> {
    while let [a, b, c, d, rest @ ..] = ext {
        let (value, after) = rest.split_at_checked(usize::from(u16::from_le_bytes([*c, *d])))?;
        if u16::from_le_bytes([*a, *b]) == tag {
            return Some(value);
        }
        ext = after;
    }
    None
}

/// A well-formed ext field with another value of a tag; without the tag if the value is empty.
#[must_use]
pub fn with(ext: &[u8], tag: u16, value: &[u8]) -> Vec<u8> {
    let mut entries = entries(ext).unwrap_or_default();
    entries.retain(|&(other, _)| other != tag);
    if !value.is_empty() {
        let at = entries.partition_point(|&(other, _)| other < tag);
        entries.insert(at, (tag, value));
    }
    let mut out = Vec::with_capacity(ext.len() + 2 * size_of::<u16>() + value.len());
    for (tag, value) in entries {
        out.extend_from_slice(&tag.to_le_bytes());
        let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&len.to_le_bytes());
        out.extend_from_slice(value.get(..usize::from(len)).unwrap_or_default());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_and_removes_one_tag_and_keeps_the_others_in_order() {
        let ext = with(&with(&with(&[], 7, b"seven"), 9, b"nine"), 2, b"two");
        assert_eq!(
            entries(&ext),
            Some(vec![(2, &b"two"[..]), (7, b"seven"), (9, b"nine")])
        );
        let ext = with(&with(&ext, 7, b"7"), 2, b"");
        assert_eq!(entries(&ext), Some(vec![(7, &b"7"[..]), (9, b"nine")]));
        assert_eq!(
            (value(&ext, 7), value(&ext, 9), value(&ext, 2)),
            (Some(&b"7"[..]), Some(&b"nine"[..]), None)
        );
        assert_eq!(value(&ext[..ext.len() - 1], 9), None);
    }

    #[test]
    fn entries_are_read_and_anything_malformed_is_refused() {
        assert_eq!(entries(&[]), Some(vec![]));
        let ext = [7, 0, 2, 0, b'a', b'b', 9, 1, 0, 0];
        assert_eq!(entries(&ext), Some(vec![(7, &b"ab"[..]), (0x109, b"")]));
        for end in 1..ext.len() {
            assert_eq!(entries(&ext[..end]).is_some(), end == 6, "cut at {end}");
        }
        assert_eq!(entries(&[7, 0, 0, 0, 7, 0, 0, 0]), None, "a repeated tag");
        assert_eq!(entries(&[8, 0, 0, 0, 7, 0, 0, 0]), None, "a descending tag");
    }
}
