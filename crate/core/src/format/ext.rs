//! The ext field of sessions, snapshots and manifests: tagged values, so that later versions can add fields without a new format.
//!
//! ```text
//! tag u16 | length u16 | value       as often as needed, tags ascending
//! ```
//!
//! No tag is assigned yet. A version that does not know a tag writes it back unchanged.

/// Longest ext field in bytes.
pub const MAX: usize = u16::MAX as usize;

/// The entries of an ext field, each with its tag; `None` if it is malformed.
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

#[cfg(test)]
mod tests {
    use super::*;

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
