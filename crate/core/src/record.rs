//! One session as stored: the fixed facts beside the slab, everything else in one allocation.

mod restore;

use crate::id::SessionKey;
use crate::text::{OwnedText, Text, TextBuffer, utf16_le};

/// The instant that never comes: a deadline or a duration without end. All times are milliseconds below 2^48.
pub const NEVER: u64 = (1 << 48) - 1;
/// Longest user id kept, in UTF-16 units.
pub const MAX_UID_UNITS: usize = 255;
/// What a session costs in memory beyond its body, in bytes: its slot (68), its heap entry and place (16), its share of the
/// index (8) and the allocator's header (16). `maxBytes` counts it; docs/figures.md has the measurement.
pub const RECORD_OVERHEAD: u64 = 108;

const WIDE: u8 = 1;
const FORM: u8 = 2;
const STAMP: usize = 6;

/// A number below 2^48 in six bytes: a record of 56 bytes instead of 64.
#[derive(Debug, Clone, Copy)]
struct U48([u8; STAMP]);

impl U48 {
    fn new(value: u64) -> Self {
        let bytes = value.min(NEVER).to_le_bytes();
        Self(bytes.first_chunk().copied().unwrap_or_default())
    }

    fn get(self) -> u64 {
        let mut bytes = [0; size_of::<u64>()];
        bytes.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        u64::from_le_bytes(bytes)
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
    fn stored(bytes: &'a [u8], wide: bool) -> Self {
        if wide && !bytes.is_empty() {
            Self::Utf16Le(bytes)
        } else {
            Self::Given(Text::Latin1(bytes))
        }
    }

    /// The bytes as they are in the body they came out of.
    fn stored_bytes(self) -> &'a [u8] {
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

    /// Bytes that the whole body will take.
    pub fn body_bytes(&self) -> usize {
        let units = self.uid.units() + self.form.units() + self.data.units();
        text_at(self.uid.units() > 0, self.form.units() > 0) + (units << usize::from(self.is_wide()))
    }
}

/// Where a body's text begins, behind the stamps and the form's length.
fn text_at(has_user: bool, has_form: bool) -> usize {
    2 * STAMP + if has_user { STAMP } else { 0 } + if has_form { size_of::<u32>() } else { 0 }
}

/// What is known of a session without reading its data. Times are milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    pub version: u64,
    pub created_at: u64,
    pub last_seen_at: u64,
    pub idle_timeout: u64,
    pub absolute_deadline: u64,
    /// 0 for a guest.
    pub authenticated_at: u64,
    /// The session's text is the user id, then the form parameters, then the data: these are the first two's lengths
    /// in UTF-16 units.
    pub uid_units: usize,
    pub form_units: usize,
}

impl Facts {
    #[must_use]
    pub fn idle_deadline(&self) -> u64 {
        after(self.last_seen_at, self.idle_timeout)
    }

    /// The earlier of both deadlines.
    #[must_use]
    pub fn deadline(&self) -> u64 {
        self.idle_deadline().min(self.absolute_deadline)
    }
}

/// Whether a deadline has passed. What has no end never does, wherever the clock is.
pub fn is_over(deadline: u64, now: u64) -> bool {
    deadline <= now && deadline < NEVER
}

/// The instant `duration` after `start`; never, if either has no end.
pub fn after(start: u64, duration: u64) -> u64 {
    if duration >= NEVER {
        NEVER
    } else {
        start.saturating_add(duration).min(NEVER)
    }
}

/// Contents written down, not yet part of a record.
#[derive(Debug)]
pub struct Body {
    bytes: Box<[u8]>,
    flags: u8,
    uid_units: u8,
}

impl Body {
    pub fn new(contents: &Contents<'_>) -> Self {
        let wide = contents.is_wide();
        let mut bytes = Vec::with_capacity(contents.body_bytes());
        bytes.extend_from_slice(&U48::new(contents.created_at).0);
        bytes.extend_from_slice(&U48::new(contents.idle_timeout).0);
        if contents.uid.units() > 0 {
            bytes.extend_from_slice(&U48::new(contents.authenticated_at).0);
        }
        let form_units = u32::try_from(contents.form.units()).unwrap_or(0);
        if form_units > 0 {
            bytes.extend_from_slice(&form_units.to_le_bytes());
        }
        contents.uid.write(wide, &mut bytes);
        contents.form.write(wide, &mut bytes);
        contents.data.write(wide, &mut bytes);
        Self {
            bytes: bytes.into_boxed_slice(),
            flags: if wide { WIDE } else { 0 } | if form_units > 0 { FORM } else { 0 },
            uid_units: u8::try_from(contents.uid.units()).unwrap_or(0),
        }
    }

    /// What a record with this body occupies, for `maxBytes`.
    pub fn record_bytes(&self) -> u64 {
        self.bytes.len() as u64 + RECORD_OVERHEAD
    }

    pub fn into_bytes(self) -> Box<[u8]> {
        self.bytes
    }
}

/// A stored session.
#[derive(Debug)]
pub struct Record {
    key: SessionKey,
    /// `created_at`, `idle_timeout`, then `authenticated_at` if there is a user, then the form's length if there is a form, then
    /// the text: user id, form, data. Written once; a commit makes a new one.
    body: Box<[u8]>,
    last_seen_at: U48,
    absolute_deadline: U48,
    version: U48,
    flags: u8,
    uid_units: u8,
    /// Milliseconds by which `last_seen_at` is ahead of what the log has. Of use with a log alone; it fits in the padding.
    unlogged: u32,
}

impl Record {
    pub fn new(key: SessionKey, body: Body, version: u64, now: u64, absolute_deadline: u64) -> Self {
        Self {
            key,
            body: body.bytes,
            last_seen_at: U48::new(now),
            absolute_deadline: U48::new(absolute_deadline),
            version: U48::new(version),
            flags: body.flags,
            uid_units: body.uid_units,
            unlogged: 0,
        }
    }

    /// Takes a new body and returns the old one, to be dropped where no lock is held.
    pub fn replace(&mut self, body: Body) -> Box<[u8]> {
        self.uid_units = body.uid_units;
        self.flags = body.flags;
        std::mem::replace(&mut self.body, body.bytes)
    }

    pub fn key(&self) -> SessionKey {
        self.key
    }

    pub fn rename(&mut self, key: SessionKey) {
        self.key = key;
    }

    pub fn version(&self) -> u64 {
        self.version.get()
    }

    pub fn set_version(&mut self, version: u64) {
        self.version = U48::new(version);
    }

    pub fn is_user(&self) -> bool {
        self.uid_units > 0
    }

    pub fn set_last_seen(&mut self, now: u64) {
        self.last_seen_at = U48::new(now);
    }

    pub fn set_absolute_deadline(&mut self, deadline: u64) {
        self.absolute_deadline = U48::new(deadline);
    }

    pub fn set_idle_timeout(&mut self, timeout: u64) {
        if let Some(stamp) = self.body.get_mut(STAMP..2 * STAMP) {
            stamp.copy_from_slice(&U48::new(timeout).0);
        }
    }

    /// What the session occupies, for `maxBytes`.
    pub fn bytes(&self) -> u64 {
        self.body.len() as u64 + RECORD_OVERHEAD
    }

    pub fn into_body(self) -> Box<[u8]> {
        self.body
    }

    fn stamp(&self, at: usize) -> u64 {
        self.body
            .get(at..)
            .and_then(|rest| rest.first_chunk())
            .map_or(0, |bytes| U48(*bytes).get())
    }

    fn form_units(&self) -> usize {
        if self.flags & FORM == 0 {
            return 0;
        }
        // Where the text would begin without it.
        let at = text_at(self.is_user(), false);
        let units = self
            .body
            .get(at..)
            .and_then(|rest| rest.first_chunk())
            .map_or(0, |bytes| u32::from_le_bytes(*bytes));
        units as usize
    }

    /// The text and whether it is UTF-16.
    fn text(&self) -> (&[u8], bool) {
        let at = text_at(self.is_user(), self.flags & FORM != 0);
        (self.body.get(at..).unwrap_or_default(), self.flags & WIDE != 0)
    }

    pub fn facts(&self) -> Facts {
        Facts {
            version: self.version(),
            created_at: self.stamp(0),
            last_seen_at: self.last_seen_at.get(),
            idle_timeout: self.stamp(STAMP),
            absolute_deadline: self.absolute_deadline.get(),
            authenticated_at: if self.is_user() { self.stamp(2 * STAMP) } else { 0 },
            uid_units: usize::from(self.uid_units),
            form_units: self.form_units(),
        }
    }

    /// When the session dies, as of now.
    pub fn deadline(&self) -> u64 {
        self.idle_deadline().min(self.absolute_deadline.get())
    }

    pub fn idle_deadline(&self) -> u64 {
        after(self.last_seen_at.get(), self.stamp(STAMP))
    }

    pub fn contents(&self) -> Contents<'_> {
        let (text, wide) = self.text();
        let shift = usize::from(wide);
        let (uid, rest) = text
            .split_at_checked(usize::from(self.uid_units) << shift)
            .unwrap_or_default();
        let (form, data) = rest
            .split_at_checked(self.form_units() << shift)
            .unwrap_or_default();
        Contents {
            created_at: self.stamp(0),
            idle_timeout: self.stamp(STAMP),
            authenticated_at: if self.is_user() { self.stamp(2 * STAMP) } else { 0 },
            uid: Units::stored(uid, wide),
            form: Units::stored(form, wide),
            data: Units::stored(data, wide),
        }
    }

    pub fn uid(&self) -> Option<OwnedText> {
        self.is_user().then(|| self.contents().uid.to_owned())
    }

    /// Copies the whole text out: user id, form, data.
    pub fn read_into(&self, buffer: &mut TextBuffer) {
        match self.text() {
            (bytes, true) => buffer.set_utf16_le(bytes),
            (bytes, false) => buffer.set_latin1(bytes),
        }
    }
}

#[cfg(test)]
mod tests;
