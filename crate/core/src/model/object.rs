//! The text of a JSON object, with where its members lie.

use crate::model::text::Text;
use crate::model::unit::Unit;
use smallvec::SmallVec;
use std::collections::HashSet;
use std::ops::RangeInclusive;

/// The text of a JSON object as `JSON.stringify` writes it: no white space between the members, no key twice, and each key with the escapes
/// that it needs and no others, so that equal keys are equal texts.
///
/// Its places are the lengths of its members, `"key":value` each, without the comma: in units of the text, each as bytes of seven bits,
/// the low ones first; the eighth bit says that more follow. No byte is 0, because no member is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectText<'a> {
    text: Text<'a>,
    places: &'a [u8],
}

impl<'a> ObjectText<'a> {
    /// `{}`
    pub const EMPTY: ObjectText<'static> = ObjectText {
        text: Text::Latin1(b"{}"),
        places: &[],
    };

    /// Finds the members of a text, and writes their places to `places`; `None` for any other text. Values are followed to their end,
    /// not checked. Linear in the text.
    pub fn scan(text: Text<'a>, places: &'a mut Vec<u8>) -> Option<Self> {
        match text {
            Text::Latin1(bytes) => scan(bytes, places)?,
            Text::Utf16(units) => scan(units, places)?,
        }
        Some(Self { text, places })
    }

    /// A text whose places are known.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn of(text: Text<'a>, places: &'a [u8]) -> Self {
        Self { text, places }
    }

    #[must_use]
    pub fn text(self) -> Text<'a> {
        self.text
    }

    #[must_use]
    pub fn places(self) -> &'a [u8] {
        self.places
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self.places.is_empty()
    }
}

const HIGH: RangeInclusive<u16> = 0xd800..=0xdbff;
const LOW: RangeInclusive<u16> = 0xdc00..=0xdfff;

/// Up to so many keys are compared by their sums; whether more are distinct is found with a set.
const FEW: usize = 256;

/// Replaces the contents of `places` by those of the members of an object's text; `None` if the text is none.
pub fn scan<U: Unit>(units: &[U], places: &mut Vec<u8>) -> Option<()> {
    places.clear();
    let at = |index: usize| units.get(index).map(|unit| unit.byte());
    if at(0) != Some(b'{') {
        return None;
    }
    if at(1) == Some(b'}') {
        return (units.len() == 2).then_some(());
    }
    let mut keys: SmallVec<[&[U]; 16]> = SmallVec::new();
    let mut start = 1;
    loop {
        let key_len = key_len(units.get(start..)?)?;
        let key = units.get(start..start + key_len)?;
        if !has_needed_escapes(key) {
            return None;
        }
        keys.push(key);
        let end = value_end(units, start + key_len)?;
        push_len(places, end - start);
        match at(end)? {
            b',' => start = end + 1,
            b'}' if end + 1 == units.len() => return are_distinct(&keys).then_some(()),
            _ => return None,
        }
    }
}

/// Whether no key is there twice.
fn are_distinct<U: Unit>(keys: &[&[U]]) -> bool {
    // One key changes at a time, mostly.
    if keys.len() < 2 {
        return true;
    }
    if keys.len() <= FEW {
        // Sums in place of keys: those of different keys nearly always differ, and a few hundred are compared in no time.
        let sum = |key: &&[U]| {
            let add = |sum: u64, unit: &U| sum.rotate_left(7) ^ u64::from(unit.value());
            key.iter().fold(key.len() as u64, add)
        };
        let sums: SmallVec<[u64; 16]> = keys.iter().map(sum).collect();
        // Counted to the end, which is faster than to stop at the first.
        let is_new = |(at, sum)| sums.iter().take(at).filter(|&other| other == sum).count() == 0;
        if sums.iter().enumerate().all(is_new) {
            return true;
        }
    }
    let mut seen = HashSet::with_capacity(keys.len());
    keys.iter().all(|key| seen.insert(key))
}

/// The length of the quoted key with its colon that a member begins with.
pub fn key_len<U: Unit>(member: &[U]) -> Option<usize> {
    if member.first()?.byte() != b'"' {
        return None;
    }
    let end = string_end(member, 1)?;
    (member.get(end)?.byte() == b':').then_some(end + 1)
}

/// Whether a key is written as `JSON.stringify` would: a backslash before a quotation mark or a backslash, the short escapes of the
/// control characters that have one, four hexadecimal digits in lower case for the others and for surrogates that are alone, and nothing else
/// escaped.
fn has_needed_escapes<U: Unit>(key: &[U]) -> bool {
    let is_plain = |unit: &U| {
        let value = unit.value();
        value >= 0x20 && value != 0x5c && !(U::IS_WIDE && (0xd800..0xe000).contains(&value))
    };
    key.iter().fold(true, |all, unit| all & is_plain(unit)) || has_right_escapes(key)
}

/// The same for a key with escapes, surrogates or what should be escaped.
fn has_right_escapes<U: Unit>(key: &[U]) -> bool {
    /// The unit before the one that is looked at.
    #[derive(PartialEq)]
    enum Before {
        High,
        EscapedHigh,
        Other,
    }
    let mut units = key.iter().copied();
    let mut before = Before::Other;
    while let Some(unit) = units.next() {
        if (before == Before::High) != LOW.contains(&unit.value()) {
            return false;
        }
        let was_escaped_high = before == Before::EscapedHigh;
        before = if HIGH.contains(&unit.value()) {
            Before::High
        } else {
            Before::Other
        };
        let is_right = match unit.byte() {
            ..0x20 => false,
            b'\\' => match units.next().map(Unit::byte) {
                Some(b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't') => true,
                Some(b'u') => match needed_code(&mut units) {
                    // Two surrogates that make up a character are never escaped.
                    Some(code) if was_escaped_high && LOW.contains(&code) => false,
                    Some(code) => {
                        if HIGH.contains(&code) {
                            before = Before::EscapedHigh;
                        }
                        true
                    }
                    None => false,
                },
                _ => false,
            },
            _ => true,
        };
        if !is_right {
            return false;
        }
    }
    before != Before::High
}

/// Reads four hexadecimal digits; the unit that they mean, if it must be written so.
fn needed_code<U: Unit>(units: &mut impl Iterator<Item = U>) -> Option<u16> {
    let mut code = 0;
    for _ in 0..4 {
        let digit = match units.next().map(Unit::byte) {
            Some(digit @ b'0'..=b'9') => digit - b'0',
            Some(letter @ b'a'..=b'f') => letter - b'a' + 10,
            _ => return None,
        };
        code = code << 4 | u16::from(digit);
    }
    let is_needed = match code {
        0x08 | 0x09 | 0x0a | 0x0c | 0x0d => false,
        _ => code < 0x20 || HIGH.contains(&code) || LOW.contains(&code),
    };
    is_needed.then_some(code)
}

/// The index after the string whose contents begin at `at`.
fn string_end<U: Unit>(units: &[U], mut at: usize) -> Option<usize> {
    loop {
        at += U::find_quote(units.get(at..)?)?;
        if units.get(at)?.byte() == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The index after the value that begins at `at`.
fn value_end<U: Unit>(units: &[U], at: usize) -> Option<usize> {
    match units.get(at)?.byte() {
        b'"' => string_end(units, at + 1),
        b'{' | b'[' => U::nested_len(units.get(at..)?).map(|len| at + len),
        _ => {
            let is_end = |unit: &U| !matches!(unit.byte(), b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'+' | b'.');
            let len = units.get(at..)?.iter().position(is_end)?;
            (len > 0).then_some(at + len)
        }
    }
}

/// Appends the length of a member to places.
#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
pub fn push_len(places: &mut Vec<u8>, mut len: usize) {
    while len > 0x7f {
        places.push(0x80 | len as u8);
        len >>= 7;
    }
    places.push(len as u8);
}

/// The members of an object's text by their places, in order. Stored places are as wide as the text.
///
/// # Panics
/// While it is iterated, if the places are not those of the text: the store's structures contradict each other.
pub fn members<'a, U: Unit, P: Unit>(units: &'a [U], places: &'a [P]) -> impl Iterator<Item = &'a [U]> {
    let mut at = 1;
    let mut lens = places.iter().map(|unit| unit.byte());
    std::iter::from_fn(move || {
        let mut byte = lens.next()?;
        let mut len = usize::from(byte & 0x7f);
        let mut shift = 7;
        while byte > 0x7f {
            byte = lens.next().unwrap_or_default();
            len |= usize::from(byte & 0x7f) << shift;
            shift += 7;
        }
        #[expect(
            clippy::indexing_slicing,
            reason = "places that are not the text's must panic"
        )]
        let member = &units[at..at + len];
        at += len + 1;
        Some(member)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    /// The members that a scan finds, if it finds any, the same in both forms of the text.
    fn found(text: &str) -> Option<Vec<String>> {
        let wide = units(text);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let object = ObjectText::scan(Text::Utf16(&wide), &mut a);
        let members_of = |object: ObjectText<'_>| {
            members(&wide, object.places())
                .map(String::from_utf16_lossy)
                .collect()
        };
        let found: Option<Vec<String>> = object.map(members_of);
        if text.is_ascii() {
            let latin1 = ObjectText::scan(Text::Latin1(text.as_bytes()), &mut b);
            assert_eq!(latin1.map(ObjectText::places), object.map(ObjectText::places));
        }
        found
    }

    #[test]
    fn finds_the_members_of_what_json_stringify_writes() {
        for (text, expected) in [
            ("{}", &[][..]),
            (r#"{"a":1}"#, &[r#""a":1"#]),
            (r#"{"":null,"b":-1.5e+30}"#, &[r#""":null"#, r#""b":-1.5e+30"#]),
            (
                r#"{"a":"}","b":["{",{"c":"\\\""}],"d":{}}"#,
                &[r#""a":"}""#, r#""b":["{",{"c":"\\\""}]"#, r#""d":{}"#],
            ),
            (
                r#"{"q\"\\":[],"__proto__":true}"#,
                &[r#""q\"\\":[]"#, r#""__proto__":true"#],
            ),
            (
                r#"{"\u001f\n\ud800":1,"𝄞":2,"\ude00\ud83d":3}"#,
                &[r#""\u001f\n\ud800":1"#, r#""𝄞":2"#, r#""\ude00\ud83d":3"#],
            ),
            (r#"{"漢字":"é"}"#, &[r#""漢字":"é""#]),
        ] {
            assert_eq!(found(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "{",
            "}",
            "[]",
            "null",
            "1",
            "\"{}\"",
            "{}x",
            "{} ",
            " {}",
            "{ }",
            r#"{"a":1"#,
            r#"{"a":}"#,
            r#"{"a"}"#,
            "{a:1}",
            r#"{"a":1,}"#,
            r#"{,"a":1}"#,
            r#"{"a": 1}"#,
            r#"{"a" :1}"#,
            r#"{"a":1 }"#,
            r#"{ "a":1}"#,
            r#"{"a":1, "b":2}"#,
            r#"{"a":"x}"#,
            r#"{"a":[1}"#,
            r#"{"a":1}{"b":2}"#,
            r#"{"a":1,"b":2,"a":3}"#,
            r#"{"a\":1}"#,
            "{3}",
            r#"{"\u0061":1}"#,
            r#"{"\u000a":1}"#,
            r#"{"\u001F":1}"#,
            r#"{"\u00":1}"#,
            r#"{"\ud83d\ude00":1}"#,
            r#"{"\ud83d\ud83d\ude00":1}"#,
            r#"{"\/":1}"#,
            r#"{"\x":1}"#,
            "{\"\n\":1}",
            "{\"a\":é}",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
        let many: Vec<_> = (0..100).map(|n| format!("\"k{n}\":{n}")).collect();
        assert_eq!(found(&format!("{{{}}}", many.join(","))).unwrap(), many);
        assert_eq!(found(&format!("{{{},\"k99\":1}}", many.join(","))), None);
        assert_eq!(found(&format!("{{{},\"k0\":1}}", many.join(","))), None);
    }

    #[test]
    fn places_take_a_byte_for_seven_bits_of_a_length() {
        for (value, expected) in [(121, 1), (122, 2), (16_000, 2), (17_000, 3), (3_000_000, 4)] {
            let text = format!("{{\"a\":\"{}\"}}", "x".repeat(value));
            let mut places = Vec::new();
            let object = ObjectText::scan(Text::Latin1(text.as_bytes()), &mut places).unwrap();
            assert_eq!(object.places().len(), expected);
            assert!(!object.places().contains(&0));
            let all: Vec<_> = members(text.as_bytes(), object.places()).collect();
            assert_eq!(all, [&text.as_bytes()[1..text.len() - 1]]);
        }
    }

    proptest! {
        /// Whatever a scan accepts, its members make up the text.
        #[test]
        fn any_text_is_refused_or_made_up_of_its_members(text in r#"\{("(a|b|\\"|\\\\|é)*":(1|"[}\],:{\\\\"]*"|\[\]|\{"a":1\}|x| )?,?){0,5}\}?"#) {
            if let Some(members) = found(&text) {
                prop_assert_eq!(format!("{{{}}}", members.join(",")), text);
            }
        }
    }
}
