//! A change is applied to a session's contents, key by key if it names keys.

use super::body::{Contents, Units};
use crate::memory::bodies::Garbage;
use crate::model::change::Change;
use crate::model::keys::{Fate, KeyBuffer, KeyChange};
use crate::model::object::{members, push_len};
use crate::model::text::Text;
use crate::model::unit::Unit;
use smallvec::SmallVec;
use std::ops::Range;

/// Members that take the place of stored ones in their bytes: where each begins in the stored data, and which part of the text of
/// [`KeyChange::set`] it is.
pub type Overwrites = SmallVec<[(usize, Range<usize>); 4]>;

/// The members to overwrite, if that is all a change does: as a counter or a time mostly does, it gives stored keys values of the same length,
/// in latin1. Nothing else of the session has to be copied then.
pub fn overwrites(contents: &Contents<'_>, change: &Change<'_>) -> Option<Overwrites> {
    let Change {
        data: None,
        keys: Some(keys),
        form: None,
        idle_timeout: None,
    } = change
    else {
        return None;
    };
    let Units::Given(Text::Latin1(data)) = contents.data else {
        return None;
    };
    if keys.is_wide() || !keys.removed().is_empty() {
        return None;
    }
    let mut found = Overwrites::new();
    let mut buffer = KeyBuffer::new();
    let mut at = 1;
    for member in members(data, contents.places.stored_bytes()) {
        if let Fate::Replaced(_, part) = keys.fate_of(member, &mut buffer) {
            if part.len() != member.len() {
                return None;
            }
            found.push((at, part));
        }
        at += member.len() + 1;
    }
    (found.len() == keys.members().count()).then_some(found)
}

/// Bytes of a buffer that it may keep.
const KEPT: usize = 1 << 16;

/// Applies changes to the contents of sessions. Its buffers, which hold data with changed keys, are used again and again.
#[derive(Debug, Default)]
pub struct Splicer {
    places: Vec<u8>,
    /// As it is stored: latin1, or UTF-16 as little-endian bytes.
    data: Vec<u8>,
    wide: bool,
    /// For each key that is set: 1 once its member is in `data`.
    done: Vec<u8>,
}

impl Splicer {
    /// Applies a change. Where it names keys, the contents must be those of a stored session.
    pub fn apply<'a>(&'a mut self, contents: &mut Contents<'a>, change: &Change<'a>) {
        if let Some(data) = change.data {
            contents.data = data.text().into();
            contents.places = Text::Latin1(data.places()).into();
        } else if let Some(keys) = change.keys {
            let places = contents.places.stored_bytes();
            match contents.data {
                Units::Utf16Le(data) => self.splice(data.as_chunks::<2>().0, places.as_chunks::<2>().0, keys),
                data @ Units::Given(_) => self.splice(data.stored_bytes(), places, keys),
            }
            contents.data = Units::stored(&self.data, self.wide);
            contents.places = Units::stored(&self.places, false);
        }
        if let Some(form) = change.form {
            contents.form = form.into();
        }
        if let Some(timeout) = change.idle_timeout {
            contents.idle_timeout = timeout;
        }
    }

    /// Moves buffers that have become large to the garbage.
    pub fn shed(&mut self, garbage: &mut Garbage) {
        let buffers = [&mut self.places, &mut self.data, &mut self.done];
        let large = buffers.into_iter().filter(|buffer| buffer.capacity() > KEPT);
        garbage.extend(large.map(std::mem::take));
    }

    /// Makes the new data. One pass over the stored members: each is kept, replaced in place or left out; new ones follow in their order.
    fn splice<U: Unit>(&mut self, stored: &[U], places: &[U], keys: &KeyChange<'_>) {
        let set = keys.set();
        self.wide = U::IS_WIDE || matches!(set.text(), Text::Utf16(_));
        for buffer in [&mut self.places, &mut self.data, &mut self.done] {
            buffer.clear();
        }
        let units = stored.len() + set.text().units();
        self.data.reserve(units << usize::from(self.wide));
        self.places.reserve(places.len() + set.places().len());
        u8::append(b"{", self.wide, &mut self.data);
        let mut buffer = KeyBuffer::new();
        // Members that are kept are copied together: those from `from` on wait.
        let (mut at, mut from) = (1, 1);
        for member in members(stored, places) {
            let fate = keys.fate_of(member, &mut buffer);
            let next = at + member.len() + 1;
            if fate == Fate::Kept {
                push_len(&mut self.places, member.len());
            } else {
                self.keep(&stored[from..at]);
                from = next;
            }
            if let Fate::Replaced(index, member) = fate {
                self.note_done(index);
                self.set(keys, member);
            }
            at = next;
        }
        self.keep(&stored[from..at]);
        for (index, member) in keys.members().enumerate() {
            if self.done.get(index).is_none_or(|&done| done == 0) {
                self.set(keys, member);
            }
        }
        u8::append(b"}", self.wide, &mut self.data);
    }

    /// Appends stored members, each of which has a comma or the last bracket after it.
    fn keep<U: Unit>(&mut self, members: &[U]) {
        if let [members @ .., _] = members {
            self.separate();
            U::append(members, self.wide, &mut self.data);
        }
    }

    /// Appends a member that is set.
    fn set(&mut self, keys: &KeyChange<'_>, member: Range<usize>) {
        self.separate();
        push_len(&mut self.places, member.len());
        keys.append(member, self.wide, &mut self.data);
    }

    fn note_done(&mut self, index: usize) {
        if self.done.len() <= index {
            self.done.resize(index + 1, 0);
        }
        self.done[index] = 1;
    }

    /// Appends a comma, unless no member is before it.
    fn separate(&mut self) {
        if self.data.len() > 1 << usize::from(self.wide) {
            u8::append(b",", self.wide, &mut self.data);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::record::{Body, Layout};
    use crate::model::object::ObjectText;
    use crate::testing::objects::{object_of, owned};
    use proptest::prelude::*;

    /// Splices texts, whose forms are the narrowest, into stored data that stands beside a form.
    fn spliced(stored: &str, set: &str, removed: &str, beside: &str) -> String {
        let [stored, set, removed, beside] = [stored, set, removed, beside].map(owned);
        let data = object_of(stored.as_text());
        let contents = Contents {
            created_at: 0,
            idle_timeout: 0,
            authenticated_at: 0,
            ext: &[],
            uid: Text::Latin1(b"").into(),
            form: beside.as_text().into(),
            places: Text::Latin1(data.places()).into(),
            data: data.text().into(),
        };
        let body = Body::new(&contents, true);
        // As in the body, where all texts have the width of the widest.
        let wide = body.facts.layout.has(Layout::WIDE);
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        contents.data.write(wide, &mut bytes);
        contents.places.write(wide, &mut places);
        let mut contents = Contents {
            data: Units::stored(&bytes, wide),
            places: Units::stored(&places, wide),
            ..contents
        };
        let keys = KeyChange::new(object_of(set.as_text()), object_of(removed.as_text()));
        let change = Change {
            keys: Some(&keys),
            ..Change::default()
        };
        let overwritten = overwrites(&contents, &change).map(|parts| {
            let mut data = contents.data.stored_bytes().to_vec();
            for (at, part) in parts {
                keys.overwrite(part, &mut data[at..]);
            }
            data
        });
        let mut splicer = Splicer::default();
        splicer.apply(&mut contents, &change);
        if let Some(overwritten) = overwritten {
            assert_eq!(
                overwritten,
                contents.data.stored_bytes(),
                "overwritten or made anew, it is the same"
            );
        }
        let data = contents.data.to_owned();
        assert_eq!(
            object_of(data.as_text()).places(),
            contents.places.stored_bytes(),
            "its places are those of its text"
        );
        data.to_string_lossy()
    }

    #[test]
    fn replaces_in_place_appends_and_removes() {
        let stored = r#"{"a":1,"b":{"a":[2]},"c":"x"}"#;
        for (set, removed, expected) in [
            ("{}", "{}", stored),
            (r#"{"a":2}"#, "{}", r#"{"a":2,"b":{"a":[2]},"c":"x"}"#),
            (r#"{"d":4,"b":0}"#, "{}", r#"{"a":1,"b":0,"c":"x","d":4}"#),
            ("{}", r#"{"a":0,"c":0,"never":0}"#, r#"{"b":{"a":[2]}}"#),
            ("{}", r#"{"a":0,"b":0,"c":0}"#, "{}"),
            (r#"{"a":"kept"}"#, r#"{"a":0,"b":0,"c":0}"#, r#"{"a":"kept"}"#),
            (r#"{"b":"漢"}"#, "{}", r#"{"a":1,"b":"漢","c":"x"}"#),
            (r#"{"漢":1}"#, r#"{"a":0}"#, r#"{"b":{"a":[2]},"c":"x","漢":1}"#),
        ] {
            for beside in ["", "form", "漢字"] {
                assert_eq!(spliced(stored, set, removed, beside), expected);
            }
        }
        assert_eq!(spliced("{}", r#"{"a":1}"#, "{}", ""), r#"{"a":1}"#);
        assert_eq!(
            spliced(r#"{"漢":1,"é":2}"#, "{}", r#"{"漢":0}"#, ""),
            r#"{"é":2}"#
        );
    }

    #[test]
    fn overwrites_values_that_are_as_long_as_before_and_nothing_else() {
        let stored = object_of(Text::Latin1(br#"{"a":1,"b":{"a":[2]},"c":"y"}"#));
        let narrow = |text| Units::stored(text, false);
        let contents = |data: &ObjectText<'static>| Contents {
            created_at: 0,
            idle_timeout: 0,
            authenticated_at: 0,
            ext: &[],
            uid: narrow(b""),
            form: narrow(b""),
            places: Text::Latin1(data.places()).into(),
            data: data.text().into(),
        };
        let none = ObjectText::EMPTY;
        let found = |set: &'static str, removed: ObjectText<'static>, form: Option<Text<'static>>| {
            let set = owned(set);
            let keys = KeyChange::new(object_of(set.as_text()), removed);
            let change = Change {
                keys: Some(&keys),
                form,
                ..Change::default()
            };
            overwrites(&contents(&stored), &change).map(|parts| parts.to_vec())
        };
        assert_eq!(found(r#"{"a":2}"#, none, None), Some(vec![(1, 1..6)]));
        assert_eq!(
            found(r#"{"c":"x","a":7}"#, none, None),
            Some(vec![(1, 9..14), (21, 1..8)])
        );
        assert_eq!(found("{}", none, None), Some(vec![]));
        assert_eq!(found(r#"{"a":12}"#, none, None), None, "longer");
        assert_eq!(found(r#"{"a":2,"d":1}"#, none, None), None, "a new key");
        assert_eq!(found(r#"{"c":"漢"}"#, none, None), None, "as long, but wide");
        assert_eq!(
            found(r#"{"a":2}"#, object_of(Text::Latin1(br#"{"c":0}"#)), None),
            None
        );
        assert_eq!(found(r#"{"a":2}"#, none, Some(Text::Latin1(b""))), None);
    }

    proptest! {
        /// Also with many keys, which are looked up in a map.
        #[test]
        fn equals_what_a_list_of_keys_would_be(
            stored in proptest::collection::btree_map("[a-e漢\"]{0,2}", "[0-9]{1,200}", 0..40),
            set in proptest::collection::btree_map("[a-e漢\"]{0,2}", "[0-9]{1,200}", 0..40),
            removed in proptest::collection::btree_map("[a-e漢\"]{0,2}", "[0-9]", 0..20),
        ) {
            use std::collections::BTreeMap;
            let quoted = |key: &str| format!("\"{}\"", key.replace('"', "\\\""));
            let text = |map: &BTreeMap<String, String>| {
                let members: Vec<_> = map.iter().map(|(key, value)| format!("{}:{value}", quoted(key))).collect();
                format!("{{{}}}", members.join(","))
            };
            let mut expected: Vec<(&String, &String)> = stored.iter().collect();
            expected.retain(|(key, _)| set.contains_key(*key) || !removed.contains_key(*key));
            for (key, value) in &set {
                match expected.iter_mut().find(|(at, _)| *at == key) {
                    Some(found) => found.1 = value,
                    None => expected.push((key, value)),
                }
            }
            let members: Vec<_> = expected.iter().map(|(key, value)| format!("{}:{value}", quoted(key))).collect();
            let expected = format!("{{{}}}", members.join(","));
            prop_assert_eq!(spliced(&text(&stored), &text(&set), &text(&removed), ""), expected);
        }
    }
}
