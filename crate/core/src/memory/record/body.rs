//! The body of a session: the bytes of variable length, which are its text and, before it, the fields that only some sessions have.

use super::stamp::{STAMP, stamp};
use crate::model::object::scan;
use crate::model::text::{OwnedText, Text, utf16_le};
use crate::model::unit::Unit;

/// The offset of the time when the session was created.
pub const CREATED_AT: usize = 0;
/// The offset of the mark of the activity that was logged last; see [`super::times`].
pub const LOGGED_AT: usize = STAMP;
/// Length of the head that every body begins with: when the session was created, and the mark of the last logged activity.
const HEAD: usize = LOGGED_AT + size_of::<u16>();

/// The bytes that a session takes in memory beyond its text and its times, as measured in docs/internals/figures.md. `maxBytes`
/// counts them.
pub const RECORD_OVERHEAD: u64 = 96;

/// The bytes that a user's session takes in the index by user: its place in its user's list (12), and its user's entry (28), as if the user
/// had no other session.
pub const USER_OVERHEAD: u64 = 40;

/// Which parts a body has, in this order: head, login, timeout, length of the form, ext, text. The text is the user id, then the form, then
/// the places of the data's members, a unit that is 0, and the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout(pub u8);

impl Layout {
    /// The text is UTF-16.
    pub const WIDE: u8 = 1;
    /// The length of the form, in UTF-16 units.
    pub const FORM: u8 = 2;
    /// An idle timeout that the table of [`crate::memory::timeouts`] has no room for.
    pub const TIMEOUT: u8 = 4;
    /// When the user logged in, if that is not when the session was created.
    pub const LOGIN: u8 = 8;
    /// Tagged fields: their length, then tags, lengths and values; see [`crate::model::ext`].
    pub const EXT: u8 = 16;

    pub const LOGIN_AT: usize = HEAD;

    pub fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    pub fn timeout_at(self) -> usize {
        HEAD + if self.has(Self::LOGIN) { STAMP } else { 0 }
    }

    pub fn form_at(self) -> usize {
        self.timeout_at() + if self.has(Self::TIMEOUT) { STAMP } else { 0 }
    }

    pub fn ext_at(self) -> usize {
        self.form_at() + if self.has(Self::FORM) { size_of::<u32>() } else { 0 }
    }
}

/// A text to be written to a body: one that a caller gave, or one that was read from another body.
#[derive(Debug, Clone, Copy)]
pub enum Units<'a> {
    Given(Text<'a>),
    /// UTF-16 read from another body, as little-endian bytes that need not be aligned.
    Utf16Le(&'a [u8]),
}

impl<'a> Units<'a> {
    /// A text read from a body, which stores UTF-16 if it is wide, else latin1.
    pub fn stored(bytes: &'a [u8], wide: bool) -> Self {
        if wide && !bytes.is_empty() {
            Self::Utf16Le(bytes)
        } else {
            Self::Given(Text::Latin1(bytes))
        }
    }

    /// The bytes of a text that was read from a body, as they are stored there.
    ///
    /// # Panics
    /// For UTF-16 that a caller gave, which never was in a body.
    pub fn stored_bytes(self) -> &'a [u8] {
        match self {
            Self::Given(Text::Latin1(bytes)) | Self::Utf16Le(bytes) => bytes,
            Self::Given(Text::Utf16(_)) => panic!("text that is in no body"),
        }
    }

    /// Whether the text needs UTF-16. One may be stored as UTF-16 only because another text of its body needs it.
    fn is_wide(&self) -> bool {
        match self {
            Self::Given(Text::Latin1(_)) => false,
            Self::Given(Text::Utf16(_)) => true,
            Self::Utf16Le(bytes) => utf16_le(bytes).any(|unit| unit > 0xff),
        }
    }

    pub fn units(&self) -> usize {
        match self {
            Self::Given(text) => text.units(),
            Self::Utf16Le(bytes) => bytes.len() / 2,
        }
    }

    /// Whether both are the same text, unit by unit, however each is stored.
    pub fn equals(self, other: Units<'_>) -> bool {
        match (self, other) {
            (Self::Given(Text::Latin1(ours)), Units::Given(Text::Latin1(theirs)))
            | (Self::Utf16Le(ours), Units::Utf16Le(theirs)) => ours == theirs,
            _ => self.units() == other.units() && self.iter().eq(other.iter()),
        }
    }

    /// The UTF-16 units of the text.
    pub fn iter(self) -> impl Iterator<Item = u16> {
        (0..self.units()).map(move |at| match self {
            Self::Given(Text::Latin1(units)) => u16::from(units[at]),
            Self::Given(Text::Utf16(units)) => units[at],
            Self::Utf16Le(bytes) => u16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]]),
        })
    }

    /// The bytes that the text would take if it were stored alone.
    fn bytes(&self) -> usize {
        self.units() << usize::from(self.is_wide())
    }

    /// Appends the text as a body of that width has it.
    pub fn write(&self, wide: bool, body: &mut Vec<u8>) {
        match *self {
            Self::Given(Text::Latin1(units)) => Unit::append(units, wide, body),
            Self::Given(Text::Utf16(units)) => Unit::append(units, wide, body),
            Self::Utf16Le(bytes) => Unit::append(bytes.as_chunks::<2>().0, wide, body),
        }
    }

    /// Replaces the contents of `places` by those of the members, if the text is that of an object; see [`scan`].
    pub fn scan(self, places: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Given(Text::Latin1(units)) => scan(units, places),
            Self::Given(Text::Utf16(units)) => scan(units, places),
            Self::Utf16Le(bytes) => scan(bytes.as_chunks::<2>().0, places),
        }
    }

    /// Where the first unit that is 0 stands, in bytes of a text that was read from a body.
    pub fn find_zero(bytes: &[u8], wide: bool) -> Option<usize> {
        if wide {
            bytes
                .as_chunks::<2>()
                .0
                .iter()
                .position(|pair| *pair == [0, 0])
                .map(|at| 2 * at)
        } else {
            memchr::memchr(0, bytes)
        }
    }

    pub fn to_owned(self) -> OwnedText {
        match self {
            Self::Given(Text::Latin1(bytes)) => OwnedText::Latin1(bytes.into()),
            Self::Given(Text::Utf16(units)) => OwnedText::Utf16(units.into()),
            Self::Utf16Le(bytes) => OwnedText::Utf16(utf16_le(bytes).collect()),
        }
    }
}

impl<'a> From<Text<'a>> for Units<'a> {
    fn from(text: Text<'a>) -> Self {
        Self::Given(text)
    }
}

/// The contents of a body, borrowed. Times are in milliseconds, instants since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Contents<'a> {
    pub created_at: u64,
    pub idle_timeout: u64,
    /// When the user logged in; not stored for a guest.
    pub authenticated_at: u64,
    /// Tagged fields, at most 65,535 bytes; see [`crate::model::ext`].
    pub ext: &'a [u8],
    /// Empty for a guest.
    pub uid: Units<'a>,
    /// The form parameters' JSON text, empty if there are none; never written to the disk.
    pub form: Units<'a>,
    /// Where the members of the data lie; see [`crate::ObjectText`].
    pub places: Units<'a>,
    pub data: Units<'a>,
}

impl Contents<'_> {
    fn is_wide(&self) -> bool {
        self.uid.is_wide() || self.form.is_wide() || self.data.is_wide()
    }

    /// The bytes of the data and of the form if each were stored alone. Together with a text that needs UTF-16 they may take more.
    pub fn data_bytes(&self) -> usize {
        self.data.bytes() + self.form.bytes()
    }
}

/// The facts about a body that its record holds.
#[derive(Debug, Clone, Copy)]
pub struct BodyFacts {
    pub layout: Layout,
    pub uid_units: u8,
    pub idle_timeout: u64,
}

/// An encoded body that is not yet stored.
#[derive(Debug)]
pub struct Body {
    pub bytes: Vec<u8>,
    pub facts: BodyFacts,
}

impl Body {
    /// Encodes contents. With `keeps_timeout` the table of timeouts has the idle timeout, so that the body need not.
    ///
    /// # Panics
    /// When a length that was checked before is beyond its bound.
    #[expect(
        clippy::expect_used,
        reason = "a length cut short would make another session of it"
    )]
    pub fn new(contents: &Contents<'_>, keeps_timeout: bool) -> Self {
        let Contents {
            uid,
            form,
            places,
            data,
            ext,
            ..
        } = contents;
        let form_units = u32::try_from(form.units()).expect("no text of an engine has 2^32 units");
        let ext_len = u16::try_from(ext.len()).expect("checked where it was read");
        let logged_in_later = uid.units() > 0 && contents.authenticated_at != contents.created_at;
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        let wide = contents.is_wide();
        let layout = Layout(
            flag(wide, Layout::WIDE)
                | flag(form_units > 0, Layout::FORM)
                | flag(!keeps_timeout, Layout::TIMEOUT)
                | flag(logged_in_later, Layout::LOGIN)
                | flag(ext_len > 0, Layout::EXT),
        );
        let units = uid.units() + form.units() + places.units() + 1 + data.units();
        let ext_bytes = if ext_len > 0 {
            size_of::<u16>() + ext.len()
        } else {
            0
        };
        let mut bytes = Vec::with_capacity(layout.ext_at() + ext_bytes + (units << usize::from(wide)));
        bytes.extend_from_slice(&stamp(contents.created_at));
        bytes.extend_from_slice(&[0; size_of::<u16>()]);
        if logged_in_later {
            bytes.extend_from_slice(&stamp(contents.authenticated_at));
        }
        if !keeps_timeout {
            bytes.extend_from_slice(&stamp(contents.idle_timeout));
        }
        if form_units > 0 {
            bytes.extend_from_slice(&form_units.to_le_bytes());
        }
        if ext_len > 0 {
            bytes.extend_from_slice(&ext_len.to_le_bytes());
            bytes.extend_from_slice(ext);
        }
        uid.write(wide, &mut bytes);
        form.write(wide, &mut bytes);
        places.write(wide, &mut bytes);
        bytes.extend_from_slice(if wide { &[0, 0] } else { &[0] });
        data.write(wide, &mut bytes);
        Self {
            bytes,
            facts: BodyFacts {
                layout,
                uid_units: u8::try_from(uid.units()).expect("checked where it was given"),
                idle_timeout: contents.idle_timeout,
            },
        }
    }

    /// The bytes that a session with this body counts for `maxBytes`.
    pub fn record_bytes(&self) -> u64 {
        record_bytes(self.bytes.len(), self.facts.layout, self.facts.uid_units > 0)
    }
}

/// The bytes that a session with a body of `len` bytes counts for `maxBytes`. Its times count as if each were in the body, wherever it is.
pub fn record_bytes(len: usize, layout: Layout, is_user: bool) -> u64 {
    let times = if is_user { 3 } else { 2 } * STAMP;
    let of_user = if is_user { USER_OVERHEAD } else { 0 };
    (len - layout.form_at() + times) as u64 + RECORD_OVERHEAD + of_user
}
