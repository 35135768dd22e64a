//! Converting a session to the form in which files have it, and back.

use crate::format::codec::Put;
use crate::format::ext;
use crate::memory::record::{Contents, Fixed, Stored, Units};
use crate::model::facts::MAX_UID_UNITS;
use crate::model::id::{Handle, SecretHash};
use crate::model::time::NEVER;

impl<'a> Stored<'a> {
    /// The session as files have it: all of it except the form parameters, which are never written to a disk.
    pub fn to_put(self) -> Put<'a> {
        let (fixed, contents) = (self.fixed(), self.contents());
        Put {
            handle: fixed.handle.to_bytes(),
            secret: fixed.secret.to_bytes(),
            version: fixed.version,
            created_at: contents.created_at,
            last_seen_at: fixed.last_seen_at,
            idle_timeout: contents.idle_timeout,
            absolute_deadline: fixed.absolute_deadline,
            authenticated_at: contents.authenticated_at,
            wide: self.is_wide(),
            uid: contents.uid.stored_bytes(),
            data: contents.data.stored_bytes(),
            ext: contents.ext,
        }
    }
}

/// The session that was written; `None` if no store can have written it.
pub fn restore<'a>(put: &Put<'a>) -> Option<(Fixed, Contents<'a>)> {
    if put.wide && !(put.uid.len().is_multiple_of(2) && put.data.len().is_multiple_of(2)) {
        return None;
    }
    ext::entries(put.ext)?;
    let contents = Contents {
        created_at: put.created_at,
        idle_timeout: put.idle_timeout,
        authenticated_at: put.authenticated_at,
        ext: put.ext,
        uid: Units::stored(put.uid, put.wide),
        form: Units::stored(&[], false),
        data: Units::stored(put.data, put.wide),
    };
    let times = [
        put.created_at,
        put.idle_timeout,
        put.last_seen_at,
        put.absolute_deadline,
        put.authenticated_at,
    ];
    let is_plausible = contents.uid.units() <= MAX_UID_UNITS
        && (1..=NEVER).contains(&put.version)
        && times.iter().all(|&time| time <= NEVER);
    let fixed = Fixed {
        handle: Handle::from_bytes(put.handle),
        secret: SecretHash::from_bytes(put.secret),
        version: put.version,
        last_seen_at: put.last_seen_at,
        absolute_deadline: put.absolute_deadline,
    };
    is_plausible.then_some((fixed, contents))
}
