//! What is variable of a session: its text, and before it what only some sessions have.

use super::stamp;
use crate::model::text::{OwnedText, Text, utf16_le};

/// Bytes of a time.
pub const STAMP: usize = 6;

/// What a body has; its text is the user id, then the form, then the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout(pub u8);

impl Layout {
    /// The text is UTF-16.
    pub const WIDE: u8 = 1;
    /// In front of the text: the form's length.
    pub const FORM: u8 = 2;
    /// Before that: an idle timeout that [`crate::memory::timeouts`] has no room for.
    pub const TIMEOUT: u8 = 4;
    /// Before that: when the user logged in, if not when the session was created.
    pub const LOGIN: u8 = 8;

    pub fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }

    pub fn timeout_at(self) -> usize {
        if self.has(Self::LOGIN) { STAMP } else { 0 }
    }

    pub fn form_at(self) -> usize {
        self.timeout_at() + if self.has(Self::TIMEOUT) { STAMP } else { 0 }
    }

    pub fn text_at(self) -> usize {
        self.form_at() + if self.has(Self::FORM) { size_of::<u32>() } else { 0 }
    }
}

/// Text to be put in a body, from wherever it is now.
#[derive(Debug, Clone, Copy)]
pub enum Units<'a> {
    Given(Text<'a>),
    /// Out of another body: bytes that need not be aligned.
    Utf16Le(&'a [u8]),
}

impl<'a> Units<'a> {
    /// Out of a body that is wide or not.
    pub fn stored(bytes: &'a [u8], wide: bool) -> Self {
        if wide && !bytes.is_empty() {
            Self::Utf16Le(bytes)
        } else {
            Self::Given(Text::Latin1(bytes))
        }
    }

    /// The bytes as they are in the body they came out of.
    pub fn stored_bytes(self) -> &'a [u8] {
        match self {
            Self::Given(Text::Latin1(bytes)) | Self::Utf16Le(bytes) => bytes,
            Self::Given(Text::Utf16(_)) => &[],
        }
    }

    /// A text that was stored wide only because its neighbour was is not wide itself.
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

    fn write(&self, wide: bool, body: &mut Vec<u8>) {
        match *self {
            Self::Given(Text::Latin1(bytes)) if wide => body.extend(bytes.iter().flat_map(|&byte| [byte, 0])),
            Self::Utf16Le(bytes) if !wide => body.extend(bytes.iter().step_by(2)),
            Self::Given(Text::Latin1(bytes)) | Self::Utf16Le(bytes) => body.extend_from_slice(bytes),
            Self::Given(Text::Utf16(units)) => body.extend(units.iter().flat_map(|unit| unit.to_le_bytes())),
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

/// Everything a body holds, borrowed: what is read from one record is written to the next.
#[derive(Debug, Clone, Copy)]
pub struct Contents<'a> {
    pub created_at: u64,
    pub idle_timeout: u64,
    /// When the user logged in; kept only if there is one.
    pub authenticated_at: u64,
    /// Empty for a guest.
    pub uid: Units<'a>,
    /// The form parameters' JSON text, empty when there are none; never written to a disk.
    pub form: Units<'a>,
    pub data: Units<'a>,
}

impl Contents<'_> {
    fn is_wide(&self) -> bool {
        self.uid.is_wide() || self.form.is_wide() || self.data.is_wide()
    }

    /// Bytes of the application's data by itself. It may be stored wider, beside a user id that is.
    pub fn data_bytes(&self) -> usize {
        self.data.units() << usize::from(self.data.is_wide())
    }
}

/// What is told of a body beside its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Parts {
    pub layout: Layout,
    pub uid_units: u8,
    pub created_at: u64,
    pub idle_timeout: u64,
}

/// Contents written down, not yet part of a record.
#[derive(Debug)]
pub struct Body {
    pub bytes: Vec<u8>,
    pub parts: Parts,
}

impl Body {
    /// `keeps_timeout`: the idle timeout need not be in it.
    pub fn new(contents: &Contents<'_>, keeps_timeout: bool) -> Self {
        let Contents { uid, form, data, .. } = contents;
        let form_units = u32::try_from(form.units()).unwrap_or(0);
        let logged_in_later = uid.units() > 0 && contents.authenticated_at != contents.created_at;
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        let wide = contents.is_wide();
        let layout = Layout(
            flag(wide, Layout::WIDE)
                | flag(form_units > 0, Layout::FORM)
                | flag(!keeps_timeout, Layout::TIMEOUT)
                | flag(logged_in_later, Layout::LOGIN),
        );
        let units = uid.units() + form.units() + data.units();
        let mut bytes = Vec::with_capacity(layout.text_at() + (units << usize::from(wide)));
        if logged_in_later {
            bytes.extend_from_slice(&stamp(contents.authenticated_at));
        }
        if !keeps_timeout {
            bytes.extend_from_slice(&stamp(contents.idle_timeout));
        }
        if form_units > 0 {
            bytes.extend_from_slice(&form_units.to_le_bytes());
        }
        uid.write(wide, &mut bytes);
        form.write(wide, &mut bytes);
        data.write(wide, &mut bytes);
        Self {
            bytes,
            parts: Parts {
                layout,
                uid_units: u8::try_from(uid.units()).unwrap_or(0),
                created_at: contents.created_at,
                idle_timeout: contents.idle_timeout,
            },
        }
    }

    /// What a record with this body occupies, for `maxBytes`.
    pub fn record_bytes(&self) -> u64 {
        super::record_bytes(self.bytes.len(), self.parts.layout, self.parts.uid_units > 0)
    }
}
