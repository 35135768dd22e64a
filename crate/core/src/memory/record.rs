//! One session as stored: the fixed part, which is in the slab, and how it is read together with the rest.

mod body;
mod times;

pub use body::{Body, Contents, Layout, Parts, Units};
pub use times::shift_back;

use crate::memory::bodies::{Bodies, Spot};
use crate::memory::timeouts::{Timeout, Timeouts};
use crate::model::facts::Facts;
use crate::model::id::SessionKey;
use crate::model::text::{OwnedText, TextBuffer};
use crate::model::time::{NEVER, after};
use std::num::NonZeroU8;

/// What a session costs in memory beyond its text and its times, in bytes; docs/figures.md has the measurement. `maxBytes` counts it.
pub const RECORD_OVERHEAD: u64 = 84;

/// A number below 2^48 in six bytes, so that a record and its links take one line of the processor's cache.
#[derive(Debug, Clone, Copy)]
struct U48([u8; 6]);

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

/// A time as bodies have it.
pub fn stamp(millis: u64) -> [u8; body::STAMP] {
    U48::new(millis).0
}

/// What a session occupies, for `maxBytes`: a body of `len` bytes, and its times as if each were in there.
fn record_bytes(len: usize, layout: Layout, is_user: bool) -> u64 {
    let times = if is_user { 3 } else { 2 } * body::STAMP;
    (len - layout.form_at().min(len) + times) as u64 + RECORD_OVERHEAD
}

/// The part of a stored session that is in its slot: all that finding it, its deadlines and its order of use need.
#[derive(Debug)]
pub struct Record {
    key: SessionKey,
    body: Spot,
    /// [`Layout`], and one more bit that is always set: an empty slot has none.
    flags: NonZeroU8,
    uid_units: u8,
    /// Of use if the body has no timeout of its own.
    timeout: Timeout,
    /// When the log was last told of activity; see [`Record::set_logged`].
    logged: [u8; 2],
    created_at: U48,
    last_seen_at: U48,
    absolute_deadline: U48,
    version: U48,
}

/// The bit of [`Record::flags`] that is always set.
const HELD: NonZeroU8 = NonZeroU8::new(0x80).unwrap();

/// The parts of a new record that are not in its body.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    pub key: SessionKey,
    pub version: u64,
    pub last_seen_at: u64,
    pub absolute_deadline: u64,
}

impl Record {
    /// `spot` and `timeout` are where the body's bytes are and its timeout is, if that is kept.
    pub fn new(frame: Frame, parts: Parts, spot: Spot, timeout: Option<Timeout>) -> Self {
        Self {
            key: frame.key,
            body: spot,
            flags: HELD | parts.layout.0,
            uid_units: parts.uid_units,
            timeout: timeout.unwrap_or_default(),
            logged: [0; 2],
            created_at: U48::new(parts.created_at),
            last_seen_at: U48::new(frame.last_seen_at),
            absolute_deadline: U48::new(frame.absolute_deadline),
            version: U48::new(frame.version),
        }
    }

    pub fn key(&self) -> SessionKey {
        self.key
    }

    pub fn is_user(&self) -> bool {
        self.uid_units > 0
    }

    pub fn layout(&self) -> Layout {
        Layout(self.flags.get() & !HELD.get())
    }

    pub fn frame(&self) -> Frame {
        Frame {
            key: self.key,
            version: self.version.get(),
            last_seen_at: self.last_seen_at.get(),
            absolute_deadline: self.absolute_deadline.get(),
        }
    }

    /// Where the body is.
    pub fn spot(&self) -> Spot {
        self.body
    }

    pub fn set_spot(&mut self, spot: Spot) {
        self.body = spot;
    }

    /// The timeout that is counted as used by this record.
    pub fn timeout(&self) -> Option<Timeout> {
        (!self.layout().has(Layout::TIMEOUT)).then_some(self.timeout)
    }

    pub fn set_timeout(&mut self, timeout: Timeout) {
        self.timeout = timeout;
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

    pub fn set_last_seen(&mut self, now: u64) {
        self.last_seen_at = U48::new(now);
    }

    pub fn set_absolute_deadline(&mut self, deadline: u64) {
        self.absolute_deadline = U48::new(deadline);
    }
}

/// A stored session, whole.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    record: &'a Record,
    bodies: &'a Bodies,
    timeouts: &'a Timeouts,
}

impl<'a> Stored<'a> {
    pub fn new(record: &'a Record, bodies: &'a Bodies, timeouts: &'a Timeouts) -> Self {
        Self {
            record,
            bodies,
            timeouts,
        }
    }

    pub fn key(&self) -> SessionKey {
        self.record.key
    }

    pub fn version(&self) -> u64 {
        self.record.version()
    }

    pub fn is_user(&self) -> bool {
        self.record.is_user()
    }

    pub fn frame(&self) -> Frame {
        self.record.frame()
    }

    /// What the session occupies, for `maxBytes`.
    pub fn bytes(&self) -> u64 {
        record_bytes(
            self.bodies.len_of(self.record.body),
            self.record.layout(),
            self.is_user(),
        )
    }

    fn body(&self) -> &'a [u8] {
        self.bodies.get(self.record.body)
    }

    fn stamp(&self, at: usize) -> u64 {
        let bytes = self.body().get(at..).and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |bytes| U48(*bytes).get())
    }

    pub fn idle_timeout(&self) -> u64 {
        let layout = self.record.layout();
        if layout.has(Layout::TIMEOUT) {
            self.stamp(layout.timeout_at())
        } else {
            self.timeouts.get(self.record.timeout)
        }
    }

    fn authenticated_at(&self) -> u64 {
        if !self.is_user() {
            0
        } else if self.record.layout().has(Layout::LOGIN) {
            self.stamp(0)
        } else {
            self.record.created_at.get()
        }
    }

    fn form_units(&self) -> usize {
        let layout = self.record.layout();
        if !layout.has(Layout::FORM) {
            return 0;
        }
        let bytes = self
            .body()
            .get(layout.form_at()..)
            .and_then(|rest| rest.first_chunk());
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes)) as usize
    }

    /// The text and whether it is UTF-16.
    fn text(&self) -> (&'a [u8], bool) {
        let layout = self.record.layout();
        let text = self.body().get(layout.text_at()..).unwrap_or_default();
        (text, layout.has(Layout::WIDE))
    }

    /// Whether the text is stored as UTF-16.
    pub fn is_wide(&self) -> bool {
        self.record.layout().has(Layout::WIDE)
    }

    pub fn facts(&self) -> Facts {
        Facts {
            version: self.version(),
            created_at: self.record.created_at.get(),
            last_seen_at: self.record.last_seen_at.get(),
            idle_timeout: self.idle_timeout(),
            absolute_deadline: self.record.absolute_deadline.get(),
            authenticated_at: self.authenticated_at(),
            uid_units: usize::from(self.record.uid_units),
            form_units: self.form_units(),
        }
    }

    /// When the session dies, as of now.
    pub fn deadline(&self) -> u64 {
        self.idle_deadline().min(self.record.absolute_deadline.get())
    }

    pub fn idle_deadline(&self) -> u64 {
        after(self.record.last_seen_at.get(), self.idle_timeout())
    }

    pub fn contents(&self) -> Contents<'a> {
        let (text, wide) = self.text();
        let shift = usize::from(wide);
        let (uid, rest) = text
            .split_at_checked(usize::from(self.record.uid_units) << shift)
            .unwrap_or_default();
        let (form, data) = rest
            .split_at_checked(self.form_units() << shift)
            .unwrap_or_default();
        Contents {
            created_at: self.record.created_at.get(),
            idle_timeout: self.idle_timeout(),
            authenticated_at: self.authenticated_at(),
            uid: Units::stored(uid, wide),
            form: Units::stored(form, wide),
            data: Units::stored(data, wide),
        }
    }

    pub fn uid(&self) -> Option<OwnedText> {
        self.is_user().then(|| self.contents().uid.to_owned())
    }

    /// True if the session is of this user.
    pub fn has_uid(&self, uid: &str) -> bool {
        self.uid().is_some_and(|text| text.to_string_lossy() == uid)
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
