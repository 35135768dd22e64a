//! A session as stored: the record, which is in its slot, and the view of a record together with its body.

#![expect(
    clippy::indexing_slicing,
    reason = "a body that is not laid out as its record says must panic, not read as an empty session"
)]

mod body;
mod splice;
mod stamp;
mod times;

use body::CREATED_AT;
pub use body::{Body, BodyFacts, Contents, LOGGED_AT, Layout, RECORD_OVERHEAD, USER_OVERHEAD, Units};
pub use splice::{Overwrites, Splicer, overwrites};
pub use times::{cap, is_log_due, mark, shift_back};

use crate::memory::bodies::{Bodies, Spot};
use crate::memory::timeouts::{Timeout, Timeouts};
use crate::model::facts::Facts;
use crate::model::id::{Handle, SecretHash};
use crate::model::keys::begins_with;
use crate::model::object::members;
use crate::model::standing::Standing;
use crate::model::text::{OwnedText, Text, TextBuffer};
use crate::model::time::after;
use crate::model::unit::Unit;
use body::record_bytes;
use stamp::U48;
use std::num::NonZeroU8;
use std::ops::Deref;

/// The part of a stored session that is in its slot: what finding it, checking its secret and deadlines, and ordering it by use need.
///
/// | bytes of the slot | field |
/// | --- | --- |
/// | 12 | handle |
/// | 16 | hash of the secret |
/// | 7 | where the body is |
/// | 1 | flags |
/// | 1 | length of the user id |
/// | 1 | idle timeout, by its number in the table of timeouts |
/// | 6 | last seen at |
/// | 6 | absolute deadline |
/// | 6 | version |
/// | 8 | links to the next and the previous slot of the LRU list or the free list |
///
/// It cannot be cloned; [`crate::memory::records::Records`] owns the body and frees it with the record.
#[derive(Debug)]
pub struct Record {
    handle: Handle,
    secret: SecretHash,
    body: Spot,
    /// The body's [`Layout`], with the bit [`HELD`] set: it is never zero, so an `Option` of a record needs no byte more. The bit 0x40 is reserved for sessions whose id
    /// the caller chose, which have no secret and must never be found by a cookie.
    flags: NonZeroU8,
    uid_units: u8,
    /// Meaningless if the body has the timeout.
    timeout: Timeout,
    last_seen_at: U48,
    absolute_deadline: U48,
    version: U48,
}

const _: () =
    assert!(size_of::<Option<Record>>() == 56 && size_of::<crate::memory::slab::Slot<Record>>() == 64);

/// The bit of [`Record::flags`] that is always set.
const HELD: NonZeroU8 = NonZeroU8::new(0x80).unwrap();

/// The fields of a record, as plain values. Instants are milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub struct Fixed {
    pub handle: Handle,
    pub secret: SecretHash,
    pub version: u64,
    pub last_seen_at: u64,
    pub absolute_deadline: u64,
}

impl Record {
    /// Makes a record: `spot` is the address of its body, `timeout` its idle timeout in the table, `None` if the body has it.
    pub fn new(fixed: Fixed, facts: BodyFacts, spot: Spot, timeout: Option<Timeout>) -> Self {
        Self {
            handle: fixed.handle,
            secret: fixed.secret,
            body: spot,
            flags: HELD | facts.layout.0,
            uid_units: facts.uid_units,
            timeout: timeout.unwrap_or_default(),
            last_seen_at: U48::new(fixed.last_seen_at),
            absolute_deadline: U48::new(fixed.absolute_deadline),
            version: U48::new(fixed.version),
        }
    }

    pub fn handle(&self) -> Handle {
        self.handle
    }

    pub fn secret(&self) -> SecretHash {
        self.secret
    }

    pub fn version(&self) -> u64 {
        self.version.get()
    }

    pub fn is_user(&self) -> bool {
        self.uid_units > 0
    }

    pub fn layout(&self) -> Layout {
        Layout(self.flags.get() & !HELD.get())
    }

    pub fn fixed(&self) -> Fixed {
        Fixed {
            handle: self.handle,
            secret: self.secret,
            version: self.version.get(),
            last_seen_at: self.last_seen_at.get(),
            absolute_deadline: self.absolute_deadline.get(),
        }
    }

    /// The address of the body.
    pub fn spot(&self) -> Spot {
        self.body
    }

    pub fn set_spot(&mut self, spot: Spot) {
        self.body = spot;
    }

    /// The record's idle timeout in the table; `None` if the body has it.
    pub fn timeout(&self) -> Option<Timeout> {
        (!self.layout().has(Layout::TIMEOUT)).then_some(self.timeout)
    }

    pub fn set_last_seen(&mut self, now: u64) {
        self.last_seen_at = U48::new(now);
    }

    /// Notes a write.
    pub fn set_written(&mut self, now: u64) {
        self.last_seen_at = U48::new(now);
        self.version = U48::new(self.version.get() + 1);
    }

    pub fn set_absolute_deadline(&mut self, deadline: u64) {
        self.absolute_deadline = U48::new(deadline);
    }
}

/// A view of a whole stored session: its record together with its body and its idle timeout.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    record: &'a Record,
    bodies: &'a Bodies,
    timeouts: &'a Timeouts,
}

/// Gives access to the fields that are in the record.
impl Deref for Stored<'_> {
    type Target = Record;
    fn deref(&self) -> &Record {
        self.record
    }
}

impl<'a> Stored<'a> {
    pub fn new(record: &'a Record, bodies: &'a Bodies, timeouts: &'a Timeouts) -> Self {
        Self {
            record,
            bodies,
            timeouts,
        }
    }

    /// The bytes that the session counts for `maxBytes`.
    pub fn bytes(&self) -> u64 {
        record_bytes(
            self.bodies.len_of(self.record.body),
            self.layout(),
            self.is_user(),
        )
    }

    fn body(&self) -> &'a [u8] {
        self.bodies.get(self.record.body)
    }

    /// When the log was last told of activity, as a mark: see `times.rs`.
    pub fn logged(&self) -> u16 {
        u16::from_le_bytes(chunk(self.body(), LOGGED_AT))
    }

    pub fn idle_timeout(&self) -> u64 {
        let layout = self.layout();
        if layout.has(Layout::TIMEOUT) {
            time(self.body(), layout.timeout_at())
        } else {
            self.timeouts.get(self.record.timeout)
        }
    }

    // These take the body, so that whoever needs several parts looks it up once.

    fn authenticated_at(&self, body: &[u8]) -> u64 {
        if !self.is_user() {
            0
        } else if self.layout().has(Layout::LOGIN) {
            time(body, Layout::LOGIN_AT)
        } else {
            time(body, CREATED_AT)
        }
    }

    fn form_units(&self, body: &[u8]) -> usize {
        let layout = self.layout();
        if layout.has(Layout::FORM) {
            u32::from_le_bytes(chunk(body, layout.form_at())) as usize
        } else {
            0
        }
    }

    fn standing(&self, body: &'a [u8]) -> Standing<'a> {
        Standing::of(self.ext(body), self.is_user())
    }

    /// Tagged fields, some of which only later versions know: see [`crate::model::ext`].
    fn ext(&self, body: &'a [u8]) -> &'a [u8] {
        let layout = self.layout();
        if !layout.has(Layout::EXT) {
            return &[];
        }
        let at = layout.ext_at();
        let len = usize::from(u16::from_le_bytes(chunk(body, at)));
        &body[at + size_of::<u16>()..][..len]
    }

    /// The bytes of the text, and whether it is stored as UTF-16.
    fn text(&self, body: &'a [u8]) -> (&'a [u8], bool) {
        let layout = self.layout();
        let ext = self.ext(body).len();
        let at = layout.ext_at() + if ext > 0 { size_of::<u16>() + ext } else { 0 };
        (&body[at..], layout.has(Layout::WIDE))
    }

    /// Whether the text is stored as UTF-16.
    pub fn is_wide(&self) -> bool {
        self.layout().has(Layout::WIDE)
    }

    pub fn facts(&self) -> Facts {
        let body = self.body();
        let Standing { epoch, assurance } = self.standing(body);
        Facts {
            epoch,
            level: assurance.map_or(0, |assurance| assurance.level),
            remembered: assurance.is_some_and(|assurance| assurance.remembered),
            methods_units: assurance.map_or(0, |assurance| assurance.methods.len()),
            version: self.version(),
            created_at: time(body, CREATED_AT),
            last_seen_at: self.record.last_seen_at.get(),
            idle_timeout: self.idle_timeout(),
            absolute_deadline: self.record.absolute_deadline.get(),
            authenticated_at: self.authenticated_at(body),
            uid_units: usize::from(self.record.uid_units),
            form_units: self.form_units(body),
        }
    }

    /// The earlier of the idle and the absolute deadline.
    pub fn deadline(&self) -> u64 {
        self.idle_deadline().min(self.record.absolute_deadline.get())
    }

    pub fn idle_deadline(&self) -> u64 {
        after(self.record.last_seen_at.get(), self.idle_timeout())
    }

    pub fn contents(&self) -> Contents<'a> {
        let body = self.body();
        let (text, wide) = self.text(body);
        let shift = usize::from(wide);
        let (uid, rest) = text.split_at(usize::from(self.record.uid_units) << shift);
        let (form, rest) = rest.split_at(self.form_units(body) << shift);
        let (places, data) = rest.split_at(places_len(rest, wide));
        Contents {
            created_at: time(body, CREATED_AT),
            idle_timeout: self.idle_timeout(),
            authenticated_at: self.authenticated_at(body),
            ext: self.ext(body),
            uid: Units::stored(uid, wide),
            form: Units::stored(form, wide),
            places: Units::stored(places, wide),
            data: Units::stored(&data[1 << shift..], wide),
        }
    }

    /// The user id, as it is in the body; empty for a guest.
    pub fn uid_units(&self) -> Units<'a> {
        let (text, wide) = self.text(self.body());
        Units::stored(
            &text[..usize::from(self.record.uid_units) << usize::from(wide)],
            wide,
        )
    }

    pub fn uid(&self) -> Option<OwnedText> {
        self.is_user().then(|| self.uid_units().to_owned())
    }

    /// Whether the user id is this latin1 text.
    pub fn has_uid(&self, uid: &str) -> bool {
        self.uid_units().equals(Text::Latin1(uid.as_bytes()).into())
    }

    /// Copies the value of a key to `buffer`; nothing if there is no such key. `key` has its quotation marks and its colon.
    pub fn read_key_into(&self, key: Text<'_>, buffer: &mut TextBuffer) {
        let Contents { places, data, .. } = self.contents();
        let places = places.stored_bytes();
        match data {
            Units::Utf16Le(data) => {
                let value = value_of(data.as_chunks::<2>().0, places.as_chunks::<2>().0, key);
                buffer.set_utf16_le(value.unwrap_or_default().as_flattened());
            }
            data @ Units::Given(_) => {
                let value = value_of(data.stored_bytes(), places, key);
                buffer.set_latin1(value.unwrap_or_default());
            }
        }
    }

    /// Copies the whole text to `buffer`: user id, form, places, a unit that is 0, data, the methods of the login.
    pub fn read_into(&self, buffer: &mut TextBuffer) {
        let body = self.body();
        match self.text(body) {
            (bytes, true) => buffer.set_utf16_le(bytes),
            (bytes, false) => buffer.set_latin1(bytes),
        }
        if let Some(assurance) = self.standing(body).assurance {
            buffer.append_latin1(assurance.methods);
        }
    }
}

/// The bytes of the places that are before the data.
#[expect(clippy::expect_used, reason = "a body that is not laid out so must panic")]
fn places_len(bytes: &[u8], wide: bool) -> usize {
    Units::find_zero(bytes, wide).expect("a body has a 0 before its data")
}

/// The value in the member whose key, with its colon, is `key`.
fn value_of<'a, U: Unit>(data: &'a [U], places: &'a [U], key: Text<'_>) -> Option<&'a [U]> {
    let is_it = |member: &&[U]| match key {
        Text::Latin1(key) => begins_with(member, key),
        Text::Utf16(key) => begins_with(member, key),
    };
    members(data, places).find(is_it)?.get(key.units()..)
}

fn chunk<const N: usize>(body: &[u8], at: usize) -> [u8; N] {
    let mut chunk = [0; N];
    chunk.copy_from_slice(&body[at..at + N]);
    chunk
}

fn time(body: &[u8], at: usize) -> u64 {
    U48(chunk(body, at)).get()
}

#[cfg(test)]
mod tests;
