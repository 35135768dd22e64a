//! Texts of objects for tests, and a naive object to compare them with.

use crate::model::change::{AtUserLimit, Change, Commit, NewSession, Options, UNLIMITED};
use crate::model::facts::Facts;
use crate::model::id::SessionId;
use crate::model::keys::KeyChange;
use crate::model::object::{ObjectText, key_len, members};
use crate::model::standing::Assurance;
use crate::model::text::{OwnedText, Text, TextBuffer};
use crate::model::time::NEVER;
use crate::model::unit::Unit;
use crate::store::Store;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::fmt;

/// The places that were found so far. A test's objects have few different ones, so these are kept for ever.
static PLACES: Mutex<BTreeSet<&'static [u8]>> = Mutex::new(BTreeSet::new());

/// The object of a text, without a buffer for its places.
///
/// # Panics
/// If the text is not that of an object.
#[must_use]
pub fn object_of(text: Text<'_>) -> ObjectText<'_> {
    let mut buffer = Vec::new();
    let scanned = ObjectText::scan(text, &mut buffer);
    let object = scanned.unwrap_or_else(|| panic!("no text of an object: {text:?}"));
    let mut known = PLACES.lock();
    let places = known.get(object.places()).copied().unwrap_or_else(|| {
        let places: &'static [u8] = object.places().to_vec().leak();
        known.insert(places);
        places
    });
    ObjectText::of(text, places)
}

/// The object of an ASCII text.
///
/// # Panics
/// If the text is not that of an object.
#[must_use]
pub fn object(text: &str) -> ObjectText<'_> {
    assert!(text.is_ascii(), "{text} is not latin1 as it stands");
    object_of(Text::Latin1(text.as_bytes()))
}

/// The text as the store takes it: latin1 if it fits, else UTF-16.
#[must_use]
pub fn owned(text: &str) -> OwnedText {
    let units: Vec<u16> = text.encode_utf16().collect();
    let narrow: Result<Box<[u8]>, _> = units.iter().map(|&unit| u8::try_from(unit)).collect();
    narrow.map_or_else(|_| OwnedText::Utf16(units.into()), OwnedText::Latin1)
}

/// The data in a session's text: what comes after the user id, the form, the places and a unit 0, and before the methods of the login.
#[must_use]
pub fn data_in<'a, U: Unit>(units: &'a [U], facts: &Facts) -> &'a [U] {
    let after_form = units
        .get(facts.uid_units + facts.form_units..units.len() - facts.methods_units)
        .unwrap_or_default();
    let mut parts = after_form.splitn(2, |unit| unit.value() == 0);
    parts.nth(1).unwrap_or_default()
}

/// A session's text as tests compare it: user id, form and data, without the places.
///
/// # Panics
/// If it is no UTF-16 text.
#[must_use]
pub fn contents_in(text: Text<'_>, facts: &Facts) -> String {
    let units: Vec<u16> = match text {
        Text::Latin1(bytes) => bytes.iter().map(|&byte| byte.into()).collect(),
        Text::Utf16(units) => units.to_vec(),
    };
    let before = units
        .get(..facts.uid_units + facts.form_units)
        .unwrap_or_default();
    let text = [before, data_in(&units, facts)].concat();
    String::from_utf16(&text).unwrap_or_else(|error| panic!("{error}"))
}

/// A naive object: its members in their order, each a key with its quotes and the text of a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members(pub Vec<(String, String)>);

impl Members {
    /// The members of a latin1 text.
    ///
    /// # Panics
    /// If they do not make up the text, or a key is there twice.
    #[must_use]
    pub fn of(text: &[u8], places: &[u8]) -> Self {
        let latin1 = |units: &[u8]| units.iter().map(|&byte| char::from(byte)).collect::<String>();
        let split = |member| {
            let len = key_len(member).unwrap_or_else(|| panic!("a member without a key"));
            let (key, value) = member.split_at(len);
            (latin1(key).trim_end_matches(':').to_owned(), latin1(value))
        };
        let members = Self(members(text, places).map(split).collect());
        assert_eq!(members.to_string(), latin1(text));
        let keys: BTreeSet<_> = members.0.iter().map(|(key, _)| key).collect();
        assert_eq!(keys.len(), members.0.len(), "a key is there twice");
        members
    }

    /// Members with the last value of each key.
    #[must_use]
    pub fn distinct(members: Vec<(impl Into<String>, String)>) -> Self {
        let mut distinct = Self::default();
        for (key, value) in members {
            distinct.merge(&Self(vec![(key.into(), value)]), &Self::default());
        }
        distinct
    }

    /// Replaces the members that `set` has too where they are, appends the others, and removes keys that `set` does not have.
    pub fn merge(&mut self, set: &Self, removed: &Self) {
        let in_set = |key: &String| set.0.iter().find(|(other, _)| other == key);
        let is_removed = |key: &String| removed.0.iter().any(|(other, _)| other == key);
        self.0
            .retain(|(key, _)| in_set(key).is_some() || !is_removed(key));
        for (key, value) in &mut self.0 {
            if let Some((_, new)) = in_set(key) {
                value.clone_from(new);
            }
        }
        for (key, value) in &set.0 {
            if self.0.iter().all(|(other, _)| other != key) {
                self.0.push((key.clone(), value.clone()));
            }
        }
    }

    /// The length of the object's places, in units.
    #[must_use]
    pub fn places(&self) -> usize {
        let length = |text: &String| text.encode_utf16().count();
        let bytes = |(key, value): &(String, String)| match length(key) + 1 + length(value) {
            0..0x80 => 1,
            0x80..0x4000 => 2,
            _ => 3,
        };
        self.0.iter().map(bytes).sum()
    }
}

/// The object's text.
impl fmt::Display for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members: Vec<_> = self
            .0
            .iter()
            .map(|(key, value)| format!("{key}:{value}"))
            .collect();
        write!(f, "{{{}}}", members.join(","))
    }
}

/// A write of a session's data: of the whole, or of keys.
#[derive(Debug, Clone)]
pub enum DataWrite {
    Whole(Members),
    Keys { set: Members, removed: Members },
}

impl DataWrite {
    /// The data after the write.
    #[must_use]
    pub fn applied_to(&self, before: &Members) -> Members {
        match self {
            Self::Whole(data) => data.clone(),
            Self::Keys { set, removed } => {
                let mut after = before.clone();
                after.merge(set, removed);
                after
            }
        }
    }

    /// The text that a session has after the write, beside a user id.
    ///
    /// # Panics
    /// If the store does not write it.
    #[must_use]
    pub fn spliced_into(&self, before: &Members) -> String {
        const ROOMY: Options = Options {
            max_sessions: 1,
            max_bytes: u64::MAX,
            max_session_bytes: usize::MAX,
            idle_timeout: NEVER,
            guest_idle_timeout: NEVER,
            absolute_timeout: NEVER,
            max_sessions_per_user: UNLIMITED,
            at_user_limit: AtUserLimit::EvictOldest,
        };
        let mut store = Store::new(ROOMY);
        let id = SessionId::parse(&[b'A'; SessionId::TEXT_LEN]).unwrap_or_else(|| panic!("an id"));
        let data = owned(&before.to_string());
        let new = NewSession {
            uid: Text::Latin1(b"ann"),
            form: Text::Latin1(b""),
            data: object_of(data.as_text()),
            idle_timeout: None,
            absolute_timeout: None,
            assurance: Assurance::PLAIN,
        };
        let created = store.create(&id, 0, &new);
        assert!(matches!(created, Ok(Some(_))));
        let committed = self.with(|change| store.commit(&id, 0, None, &change));
        assert!(matches!(committed, Ok(Commit::Done(_))));
        store.validate();
        let mut buffer = TextBuffer::default();
        let facts = store.load(&id, 0, false, &mut buffer);
        let facts = facts.unwrap_or_else(|| panic!("it was written"));
        let data = match buffer.text() {
            Text::Latin1(units) => OwnedText::Latin1(data_in(units, &facts).into()),
            Text::Utf16(units) => OwnedText::Utf16(data_in(units, &facts).into()),
        };
        let _ = object_of(data.as_text());
        data.to_string_lossy()
    }

    /// Passes the change of a session that makes this write.
    pub fn with<T>(&self, run: impl FnOnce(Change<'_>) -> T) -> T {
        match self {
            Self::Whole(data) => {
                let data = owned(&data.to_string());
                run(Change {
                    data: Some(object_of(data.as_text())),
                    ..Change::default()
                })
            }
            Self::Keys { set, removed } => {
                let [set, removed] = [set, removed].map(|members| owned(&members.to_string()));
                let keys = KeyChange::new(object_of(set.as_text()), object_of(removed.as_text()));
                run(Change {
                    keys: Some(&keys),
                    ..Change::default()
                })
            }
        }
    }
}
