//! Converting a session to the form in which files have it, and back.

use crate::format::codec::{Keys, Put};
use crate::memory::record::{Contents, Fixed, Stored, Units};
use crate::model::ext;
use crate::model::facts::MAX_UID_UNITS;
use crate::model::id::{Handle, SecretHash};
use crate::model::keys::KeyChange;
use crate::model::object::ObjectText;
use crate::model::standing::Standing;
use crate::model::text::Text;
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

/// What is wrong with a frame although its checksum is right: a short text for the report of an inspection.
pub type Defect = &'static str;

const NO_OBJECT: Defect = "the session's data is not the text of a JSON object as JSON.stringify writes it";

/// Buffers for an object that is read from a file.
#[derive(Debug, Default)]
pub struct Scratch {
    units: Vec<u16>,
    places: Vec<u8>,
}

impl Scratch {
    /// An object's text as a record of changed keys has it; `None` if no store can have written it.
    fn object<'a>(&'a mut self, bytes: &'a [u8], wide: bool) -> Option<ObjectText<'a>> {
        if bytes.is_empty() {
            return Some(ObjectText::EMPTY);
        }
        if !wide {
            return ObjectText::scan(Text::Latin1(bytes), &mut self.places);
        }
        let (units, rest) = bytes.as_chunks::<2>();
        self.units.clear();
        self.units
            .extend(units.iter().map(|&unit| u16::from_le_bytes(unit)));
        ObjectText::scan(Text::Utf16(&self.units), &mut self.places).filter(|_| rest.is_empty())
    }
}

/// The change that was written.
///
/// # Errors
/// If no store can have written it.
pub fn restore_keys<'a>(
    keys: &Keys<'a>,
    set: &'a mut Scratch,
    removed: &'a mut Scratch,
) -> Result<KeyChange<'a>, Defect> {
    let times = [keys.last_seen_at, keys.idle_timeout];
    if !(1..=NEVER).contains(&keys.version) || times.iter().any(|&time| time > NEVER) {
        return Err("the changed keys are malformed");
    }
    let (set, removed) = (
        set.object(keys.set, keys.wide),
        removed.object(keys.removed, keys.wide),
    );
    Ok(KeyChange::new(set.ok_or(NO_OBJECT)?, removed.ok_or(NO_OBJECT)?))
}

/// The session that was written.
///
/// # Errors
/// If no store can have written it.
pub fn restore<'a>(put: &Put<'a>, scratch: &'a mut Scratch) -> Result<(Fixed, Contents<'a>), Defect> {
    const MALFORMED: Defect = "the session is malformed";
    if put.wide && !(put.uid.len().is_multiple_of(2) && put.data.len().is_multiple_of(2)) {
        return Err(MALFORMED);
    }
    ext::entries(put.ext)
        .filter(|_| Standing::is_sound(put.ext))
        .ok_or(MALFORMED)?;
    let data = Units::stored(put.data, put.wide);
    data.scan(&mut scratch.places).ok_or(NO_OBJECT)?;
    let contents = Contents {
        created_at: put.created_at,
        idle_timeout: put.idle_timeout,
        authenticated_at: put.authenticated_at,
        ext: put.ext,
        uid: Units::stored(put.uid, put.wide),
        form: Units::stored(&[], false),
        places: Units::stored(&scratch.places, false),
        data,
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
    if !is_plausible {
        return Err(MALFORMED);
    }
    Ok((fixed, contents))
}
