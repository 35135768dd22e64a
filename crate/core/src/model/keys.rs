//! A change of single keys of a session's data.

use crate::model::object::{ObjectText, key_len, members};
use crate::model::text::Text;
use crate::model::unit::Unit;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::ops::Range;

/// Up to so many changed keys are compared with each stored one; more are looked up in a map.
const FEW: usize = 8;

/// A buffer for one key.
pub type KeyBuffer = SmallVec<[u16; 64]>;

/// Changed keys of a session's data. All others keep their values.
///
/// It is made before the store is locked, and has what looking up a stored key needs.
#[derive(Debug)]
pub struct KeyChange<'a> {
    set: ObjectText<'a>,
    removed: ObjectText<'a>,
    /// All changed keys, each with its quotation marks and its colon, one after the other.
    keys: KeyBuffer,
    /// The keys of `set` in their order, and after them those of `removed`.
    changed: SmallVec<[Changed; FEW]>,
    /// The indices of `changed` by key; `None` if there are few.
    by_key: Option<HashMap<Box<[u16]>, usize>>,
}

#[derive(Debug)]
struct Changed {
    /// In `keys`.
    key: Range<usize>,
    /// In the text of `set`; `None` if the key is removed.
    member: Option<Range<usize>>,
}

/// What a change makes of a stored member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Kept,
    /// The member of `set` with this index comes in its place; it is this part of the text.
    Replaced(usize, Range<usize>),
    Removed,
}

impl<'a> KeyChange<'a> {
    /// A change that replaces or adds the keys of `set`, and removes those of `removed`, whose values mean nothing. A key that is in both is
    /// set.
    #[must_use]
    pub fn new(set: ObjectText<'a>, removed: ObjectText<'a>) -> Self {
        let mut change = Self {
            set,
            removed,
            keys: KeyBuffer::new(),
            changed: SmallVec::new(),
            by_key: None,
        };
        for (object, is_set) in [(set, true), (removed, false)] {
            match object.text() {
                Text::Latin1(units) => change.add(units, object.places(), is_set),
                Text::Utf16(units) => change.add(units, object.places(), is_set),
            }
        }
        if change.changed.len() > FEW {
            // The first of two equal keys is put in last, and so it stays.
            let entries = change.changed.iter().enumerate().rev();
            let by_key = entries.map(|(index, changed)| (change.key(changed).into(), index));
            change.by_key = Some(by_key.collect());
        }
        change
    }

    fn add<U: Unit>(&mut self, units: &[U], places: &[u8], is_set: bool) {
        let mut start = 1;
        for member in members(units, places) {
            let key = key_len(member)
                .and_then(|len| member.get(..len))
                .unwrap_or(member);
            let from = self.keys.len();
            self.keys.extend(key.iter().map(|unit| unit.value()));
            let end = start + member.len();
            self.changed.push(Changed {
                key: from..self.keys.len(),
                member: is_set.then_some(start..end),
            });
            start = end + 1;
        }
    }

    fn key(&self, changed: &Changed) -> &[u16] {
        self.keys.get(changed.key.clone()).unwrap_or_default()
    }

    /// The keys that are replaced or added, with their new values.
    #[must_use]
    pub fn set(&self) -> ObjectText<'a> {
        self.set
    }

    /// The keys that are removed.
    #[must_use]
    pub fn removed(&self) -> ObjectText<'a> {
        self.removed
    }

    /// Whether one of the texts is UTF-16.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        let is_wide = |object: &ObjectText<'_>| matches!(object.text(), Text::Utf16(_));
        [self.set, self.removed].iter().any(is_wide)
    }

    /// What becomes of a stored member. Keys are equal if their units are, whatever form they have.
    pub fn fate_of<U: Unit>(&self, member: &[U], buffer: &mut KeyBuffer) -> Fate {
        let index = if let Some(by_key) = &self.by_key {
            buffer.clear();
            let key = member.iter().take(key_len(member).unwrap_or_default());
            buffer.extend(key.map(|unit| unit.value()));
            by_key.get(&buffer[..]).copied()
        } else {
            let is_its = |changed: &Changed| begins_with(member, self.key(changed));
            self.changed.iter().position(is_its)
        };
        match index.and_then(|index| Some((index, self.changed.get(index)?))) {
            None => Fate::Kept,
            Some((index, changed)) => match &changed.member {
                Some(member) => Fate::Replaced(index, member.clone()),
                None => Fate::Removed,
            },
        }
    }

    /// The members of `set` as parts of its text, in their order.
    pub fn members(&self) -> impl Iterator<Item = Range<usize>> {
        self.changed.iter().map_while(|changed| changed.member.clone())
    }

    /// Appends a part of the text of `set` to the bytes of a stored text; see [`Unit::append`].
    pub fn append(&self, part: Range<usize>, wide: bool, out: &mut Vec<u8>) {
        match self.set.text() {
            Text::Latin1(units) => Unit::append(units.get(part).unwrap_or_default(), wide, out),
            Text::Utf16(units) => Unit::append(units.get(part).unwrap_or_default(), wide, out),
        }
    }

    /// Writes a part of the text of `set`, which is latin1, over the bytes of a stored text.
    pub fn overwrite(&self, part: Range<usize>, stored: &mut [u8]) {
        if let Text::Latin1(units) = self.set.text() {
            let part = units.get(part).unwrap_or_default();
            stored.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
        }
    }
}

/// Whether a member begins with a key, which has its colon.
pub fn begins_with<U: Unit, K: Unit>(member: &[U], key: &[K]) -> bool {
    let same = |(ours, theirs): (&U, &K)| ours.value() == theirs.value();
    member.len() >= key.len() && member.iter().zip(key).all(same)
}
