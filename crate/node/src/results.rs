//! Numbers that a call answers, in an array that JavaScript and the addon share: no object is made for them.

use agai_session_core::lock::status::Reached;
use agai_session_core::{Facts, NEVER};
use napi::bindgen_prelude::Float64Array;

/// What each place of the shared array holds. `src/native.ts` names the same places.
#[derive(Clone, Copy)]
#[repr(usize)]
enum Place {
    Status = 0,
    Version,
    CreatedAt,
    LastSeenAt,
    IdleTimeout,
    AbsoluteDeadline,
    AuthenticatedAt,
    UidUnits,
    FormUnits,
    Offset,
    Lsn,
    Written,
    Synced,
    Failed,
    EndsSynced,
    EndsFailed,
}

/// Answers of the calls that have more than one.
#[derive(Clone, Copy)]
#[repr(u8)]
pub enum Status {
    /// Done, or found.
    Ok = 0,
    Conflict = 1,
    Gone = 2,
    /// The request brought no cookie of ours.
    Absent = 3,
    /// It brought one that names no live session, or several that do.
    Rejected = 4,
}

/// The shared array. JavaScript made it, so the engine owns its memory; the reference inside keeps it alive.
pub struct Results(Float64Array);

/// A time as JavaScript has it.
#[expect(clippy::cast_precision_loss, reason = "times and counts are far below 2^53")]
pub fn number(value: u64) -> f64 {
    if value >= NEVER {
        f64::INFINITY
    } else {
        value as f64
    }
}

/// A time as the core has it; the TypeScript layer has checked that it is a whole number or `Infinity`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, which is what is meant"
)]
pub fn millis(value: f64) -> u64 {
    (value as u64).min(NEVER)
}

/// `NaN` stands for a timeout that was not given.
pub fn optional_millis(value: f64) -> Option<u64> {
    (!value.is_nan()).then(|| millis(value))
}

impl Results {
    pub fn new(array: Float64Array) -> Self {
        Self(array)
    }

    fn set(&mut self, place: Place, value: f64) {
        // SAFETY: called on the array's own JavaScript thread only, and no slice of it outlives a call into the addon.
        let array = unsafe { self.0.as_mut() };
        if let Some(slot) = array.get_mut(place as usize) {
            *slot = value;
        }
    }

    pub fn status(&mut self, status: Status) {
        self.set(Place::Status, f64::from(status as u8));
    }

    pub fn facts(&mut self, facts: &Facts) {
        self.status(Status::Ok);
        self.set(Place::Version, number(facts.version));
        self.set(Place::CreatedAt, number(facts.created_at));
        self.set(Place::LastSeenAt, number(facts.last_seen_at));
        self.set(Place::IdleTimeout, number(facts.idle_timeout));
        self.set(Place::AbsoluteDeadline, number(facts.absolute_deadline));
        self.set(Place::AuthenticatedAt, number(facts.authenticated_at));
        self.set(Place::UidUnits, number(facts.uid_units as u64));
        self.set(Place::FormUnits, number(facts.form_units as u64));
    }

    pub fn offset(&mut self, offset: usize) {
        self.set(Place::Offset, number(offset as u64));
    }

    /// The record that the call's acknowledgement waits for; 0 for none.
    pub fn lsn(&mut self, lsn: u64) {
        self.set(Place::Lsn, number(lsn));
    }

    pub fn reached(&mut self, reached: &Reached) {
        self.set(Place::Written, number(reached.written));
        self.set(Place::Synced, number(reached.synced));
        self.set(Place::Failed, number(reached.failed));
        self.set(Place::EndsSynced, number(reached.ends_synced));
        self.set(Place::EndsFailed, number(reached.ends_failed));
    }
}
