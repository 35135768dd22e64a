//! A record as the journal has it, and back.

use crate::format::codec::{Place, Put};
use crate::memory::record::{Contents, Frame, Stored, Units};
use crate::memory::slab::Slot;
use crate::model::facts::MAX_UID_UNITS;
use crate::model::id::SessionKey;
use crate::model::time::NEVER;

impl From<Slot> for Place {
    fn from(Slot { index, generation }: Slot) -> Self {
        Self { index, generation }
    }
}

impl From<Place> for Slot {
    fn from(Place { index, generation }: Place) -> Self {
        Self { index, generation }
    }
}

impl<'a> Stored<'a> {
    /// All of it but the form parameters, which are never written to a disk.
    pub fn to_put(self, slot: Slot) -> Put<'a> {
        let (facts, contents) = (self.facts(), self.contents());
        Put {
            slot: slot.into(),
            key: self.key().to_bytes(),
            version: facts.version,
            created_at: facts.created_at,
            last_seen_at: facts.last_seen_at,
            idle_timeout: facts.idle_timeout,
            absolute_deadline: facts.absolute_deadline,
            authenticated_at: facts.authenticated_at,
            wide: self.is_wide(),
            uid: contents.uid.stored_bytes(),
            data: contents.data.stored_bytes(),
        }
    }
}

/// What was written; `None` for what never was.
pub fn restore<'a>(put: &Put<'a>) -> Option<(Frame, Contents<'a>)> {
    if put.wide && !(put.uid.len().is_multiple_of(2) && put.data.len().is_multiple_of(2)) {
        return None;
    }
    let contents = Contents {
        created_at: put.created_at,
        idle_timeout: put.idle_timeout,
        authenticated_at: put.authenticated_at,
        uid: Units::stored(put.uid, put.wide),
        form: Units::stored(&[], false),
        data: Units::stored(put.data, put.wide),
    };
    let instants = [
        put.created_at,
        put.idle_timeout,
        put.last_seen_at,
        put.absolute_deadline,
    ];
    if contents.uid.units() > MAX_UID_UNITS
        || put.version == 0
        || put.version > NEVER
        || put.authenticated_at > NEVER
        || instants.iter().any(|&instant| instant > NEVER)
    {
        return None;
    }
    let frame = Frame {
        key: SessionKey::from_bytes(put.key),
        version: put.version,
        last_seen_at: put.last_seen_at,
        absolute_deadline: put.absolute_deadline,
    };
    Some((frame, contents))
}
