//! The shared array: a call writes the numbers that it returns there, so that no object is made for them.

use agai_session_core::lock::status::Reached;
use agai_session_core::model::lsn::Lsn;
use agai_session_core::{Facts, NEVER};
use napi::bindgen_prelude::Float64Array;

/// The indices of the shared array. `src/native.ts` names the same ones.
#[derive(Clone, Copy)]
#[repr(usize)]
enum ResultIndex {
    Status = 0,
    Version,
    CreatedAt,
    LastSeenAt,
    IdleTimeout,
    AbsoluteDeadline,
    AuthenticatedAt,
    UidUnits,
    FormUnits,
    Standing,
    Offset,
    Lsn,
    Written,
    Synced,
    Failed,
    EndsSynced,
    EndsFailed,
}

/// The result of a call that can end in several ways. `src/native.ts` names the same numbers.
#[derive(Clone, Copy)]
#[repr(u8)]
pub enum Status {
    /// The change was written, or the session was found.
    Ok = 0,
    Conflict = 1,
    Gone = 2,
    /// The request brought no cookie of ours.
    Absent = 3,
    /// Its cookies of ours name no live session, or several.
    Rejected = 4,
}

/// The shared array. JavaScript allocated it and the engine owns its memory; the reference in here keeps it alive.
pub struct Results(Float64Array);

/// Converts a time or a count to a JavaScript number; `NEVER` becomes `Infinity`.
#[expect(clippy::cast_precision_loss, reason = "times and counts are far below 2^53")]
pub fn number(value: u64) -> f64 {
    if value >= NEVER {
        f64::INFINITY
    } else {
        value as f64
    }
}

/// Converts a JavaScript number to a time or a count. TypeScript has checked that it is a whole number or `Infinity`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, which is what is meant"
)]
pub fn millis(value: f64) -> u64 {
    (value as u64).min(NEVER)
}

/// Converts a timeout; `NaN` stands for one that was not given.
pub fn optional_millis(value: f64) -> Option<u64> {
    (!value.is_nan()).then(|| millis(value))
}

/// Epoch, level, whether the session is remembered, and the length of the methods, as one number: most sessions have 0 or one that is small,
/// and each number more would cost every request.
fn standing(facts: &Facts) -> u64 {
    let methods = facts.methods_units as u64;
    methods << 35 | u64::from(facts.remembered) << 34 | u64::from(facts.level) << 32 | u64::from(facts.epoch)
}

impl Results {
    pub fn new(array: Float64Array) -> Self {
        Self(array)
    }

    fn set(&mut self, index: ResultIndex, value: f64) {
        // SAFETY: called on the array's own JavaScript thread only, and no slice of it outlives a call into the addon.
        let array = unsafe { self.0.as_mut() };
        if let Some(slot) = array.get_mut(index as usize) {
            *slot = value;
        }
    }

    pub fn status(&mut self, status: Status) {
        self.set(ResultIndex::Status, f64::from(status as u8));
    }

    pub fn facts(&mut self, facts: &Facts) {
        self.status(Status::Ok);
        self.set(ResultIndex::Version, number(facts.version));
        self.set(ResultIndex::CreatedAt, number(facts.created_at));
        self.set(ResultIndex::LastSeenAt, number(facts.last_seen_at));
        self.set(ResultIndex::IdleTimeout, number(facts.idle_timeout));
        self.set(ResultIndex::AbsoluteDeadline, number(facts.absolute_deadline));
        self.set(ResultIndex::AuthenticatedAt, number(facts.authenticated_at));
        self.set(ResultIndex::UidUnits, number(facts.uid_units as u64));
        self.set(ResultIndex::FormUnits, number(facts.form_units as u64));
        self.set(ResultIndex::Standing, number(standing(facts)));
    }

    pub fn offset(&mut self, offset: usize) {
        self.set(ResultIndex::Offset, number(offset as u64));
    }

    /// Sets the number of the log record that the call's acknowledgement waits for; 0 for none.
    pub fn lsn(&mut self, lsn: Lsn) {
        self.set(ResultIndex::Lsn, number(lsn.get()));
    }

    pub fn reached(&mut self, reached: &Reached) {
        self.set(ResultIndex::Written, number(reached.written.get()));
        self.set(ResultIndex::Synced, number(reached.synced.get()));
        self.set(ResultIndex::Failed, number(reached.failed.get()));
        self.set(ResultIndex::EndsSynced, number(reached.ends_synced.get()));
        self.set(ResultIndex::EndsFailed, number(reached.ends_failed.get()));
    }
}
