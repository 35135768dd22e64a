//! The scanner of a `Cookie` request header (RFC 6265 section 4.2.1), which works on bytes.

use crate::model::id::SessionId;
use memchr::{memchr, memchr_iter};
use smallvec::SmallVec;
use std::iter::once;

/// Longest header scanned, in bytes; a longer one counts as empty. Node refuses header blocks over 16 KiB by default.
pub const MAX_HEADER_LEN: usize = 64 * 1024;
/// Maximum number of pairs scanned in one header. Browsers keep 180 or fewer per site.
pub const MAX_PAIRS: usize = 1_000;
/// Maximum number of cookies of our name in a header. If there are more, none is believed: whoever can plant many would choose the one that
/// counts.
const MAX_CANDIDATES: usize = 64;

/// The values of every cookie named exactly `name`, each with its byte offset in `header`. Linear in the header's length.
///
/// A pair without a name never matches (`=__Host-id=x` is how browsers send one, CVE-2023-23934), names are compared
/// as the bytes they are, undecoded (CVE-2020-8184), and quotes stay part of the value.
pub fn values<'a>(header: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = (usize, &'a [u8])> {
    let header = if header.len() > MAX_HEADER_LEN {
        &[]
    } else {
        header
    };
    pairs(header).take(MAX_PAIRS).filter_map(move |(at, pair)| {
        // Rejects most pairs without searching them for `=`.
        if name.is_empty() || !pair.trim_ascii_start().starts_with(name) {
            return None;
        }
        let equals = memchr(b'=', pair)?;
        let (before, after) = (pair.get(..equals)?, pair.get(equals + 1..)?);
        let skipped = after.len() - after.trim_ascii_start().len();
        (before.trim_ascii() == name).then_some((at + equals + 1 + skipped, after.trim_ascii()))
    })
}

/// The parts between semicolons, each with its byte offset.
fn pairs(header: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    memchr_iter(b';', header)
        .chain(once(header.len()))
        .filter_map(move |end| {
            let at = std::mem::replace(&mut start, end + 1);
            Some((at, header.get(at..end)?))
        })
}

/// The session ids that a header carries under one cookie name.
#[derive(Debug, Default)]
pub struct Brought {
    /// Whether there is any cookie of the name, well-formed or not.
    pub any: bool,
    /// The distinct well-formed ids, with their byte offsets; none if there are more cookies than are looked at.
    pub ids: SmallVec<[(usize, SessionId); 1]>,
}

/// Whether pairs of a header are not scanned, among which may be a cookie of any name.
fn has_too_many_pairs(header: &[u8]) -> bool {
    header.len() >= MAX_PAIRS && memchr_iter(b';', header).count() >= MAX_PAIRS
}

/// Finds the session ids in a header. Linear in the header's length.
#[must_use]
pub fn brought(header: &[u8], name: &[u8]) -> Brought {
    let mut brought = Brought::default();
    for (number, (offset, value)) in values(header, name).enumerate() {
        brought.any = true;
        if number == MAX_CANDIDATES || has_too_many_pairs(header) {
            brought.ids.clear();
            break;
        }
        if let Some(id) = SessionId::parse(value)
            && brought.ids.iter().all(|(_, known)| *known != id)
        {
            brought.ids.push((offset, id));
        }
    }
    brought
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(header: &str, name: &str) -> Vec<(usize, String)> {
        values(header.as_bytes(), name.as_bytes())
            .map(|(at, value)| (at, String::from_utf8_lossy(value).into_owned()))
            .collect()
    }

    #[test]
    fn finds_every_cookie_of_the_name_and_where_its_value_is() {
        assert_eq!(
            texts("a=1; id=x; b=2;id=y ;id = z", "id"),
            [(8, "x".into()), (18, "y".into()), (26, "z".into())]
        );
        assert_eq!(texts("id=", "id"), [(3, String::new())]);
        assert_eq!(texts("id=a=b", "id"), [(3, "a=b".into())]);
    }

    #[test]
    fn nameless_encoded_prefixed_and_differently_cased_names_never_match() {
        for header in [
            "",
            ";;;",
            "id",
            "=id=x",
            " =id=x",
            "%69d=x",
            "ID=x",
            "xid=x",
            "idx=x",
            "\"id\"=x",
            "__Host-id=x",
            "id;=x",
        ] {
            assert_eq!(texts(header, "id"), [], "{header}");
        }
        assert_eq!(texts("=x", ""), []);
    }

    #[test]
    fn looks_at_a_bounded_number_of_pairs_in_a_bounded_header() {
        assert_eq!(texts(&"id=x;".repeat(5_000), "id").len(), MAX_PAIRS);
        assert_eq!(texts(&"id=x;".repeat(20_000), "id").len(), 0);
    }

    #[test]
    fn an_id_that_comes_twice_is_one_id() {
        let id = "A".repeat(43);
        assert_eq!(
            brought(format!("id={id}; id=junk; id={id}").as_bytes(), b"id")
                .ids
                .len(),
            1
        );
        assert_eq!(
            brought(format!("id={id}; id=B{}", &id[1..]).as_bytes(), b"id")
                .ids
                .len(),
            2
        );
    }

    /// Once the first eight were tried: `id=ATTACKER; id=x` seven times, and then the victim's own, logged the victim in as the attacker.
    #[test]
    fn beyond_the_bound_no_cookie_is_believed() {
        let [own, planted] = ["A".repeat(43), "B".repeat(42) + "A"];
        let found = |header: &str| {
            let Brought { any, ids } = brought(header.as_bytes(), b"id");
            (any, ids.len())
        };
        let junk = |count| "id=x; ".repeat(count);
        assert_eq!(found(&format!("id={planted}; {}id={own}", junk(7))), (true, 2));
        assert_eq!(found(&format!("id={planted}; {}id={own}", junk(62))), (true, 2));
        assert_eq!(found(&format!("id={planted}; {}id={own}", junk(63))), (true, 0));
        assert_eq!(found(&format!("{}id={own}", "a=b; ".repeat(999))), (true, 1));
        let beyond = format!("id={planted}; {}id={own}", "a=b; ".repeat(999));
        assert_eq!(found(&beyond), (true, 0), "the last one is not scanned");
        let distinct: Vec<_> = (0..64).map(|n| format!("id={n:0>42}A")).collect();
        assert_eq!(found(&distinct.join("; ")), (true, 64));
    }

    proptest! {
        #[test]
        fn finds_what_the_grammar_says(header in "[a-c=; \t\"]{0,60}", name in "[a-c]{1,2}") {
            let is_space = |c: char| c.is_ascii_whitespace();
            let plain: Vec<_> = header
                .split(';')
                .filter_map(|pair| pair.split_once('='))
                .filter(|(before, _)| before.trim_matches(is_space) == name)
                .map(|(_, after)| after.trim_matches(is_space).to_owned())
                .collect();
            let found: Vec<_> = texts(&header, &name).into_iter().map(|(_, value)| value).collect();
            prop_assert_eq!(found, plain);
        }

        #[test]
        fn an_offset_always_points_at_its_value(header in "[a-c=; \t\"]{0,60}", name in "[a-c]{1,2}") {
            for (at, value) in values(header.as_bytes(), name.as_bytes()) {
                prop_assert_eq!(&header.as_bytes()[at..at + value.len()], value);
            }
        }
    }
}
