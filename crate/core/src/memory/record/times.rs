//! When the log must be told of activity, and what a clock that was set back does to a record's times.

use super::{Contents, Frame, Record, U48};
use crate::model::time::NEVER;

/// Parts of the idle timeout: activity reaches the log once in each.
const TOUCHES_PER_TIMEOUT: u64 = 10;
/// Units that such a part is counted in: 16 bits of them are more than the idle timeout that ends the session.
const UNITS_PER_PART: u64 = 1 << 12;

/// A tenth of the idle timeout in units, and how many milliseconds such a unit has.
fn part_of(idle_timeout: u64) -> (u64, u64) {
    let part = idle_timeout / TOUCHES_PER_TIMEOUT;
    let unit = part / UNITS_PER_PART + 1;
    (part / unit, unit)
}

impl Record {
    /// Notes that the log has the record as it is.
    pub fn set_logged(&mut self, idle_timeout: u64) {
        self.logged = mark(self.last_seen_at, idle_timeout).to_le_bytes();
    }

    /// Notes activity at `now`; true if the log should be told.
    pub fn touch_logged(&mut self, now: u64, idle_timeout: u64) -> bool {
        if now < self.last_seen_at.get() {
            self.set_last_seen(now);
            return false;
        }
        self.set_last_seen(now);
        let passed = mark(self.last_seen_at, idle_timeout).wrapping_sub(u16::from_le_bytes(self.logged));
        let due = u64::from(passed) >= part_of(idle_timeout).0;
        if due {
            self.set_logged(idle_timeout);
        }
        due
    }

    /// What was told by a clock that was ahead counts from `now` at the latest.
    pub fn cap(&mut self, now: u64, authenticated_at: u64) {
        let started = authenticated_at.max(self.created_at.get());
        let deadline = self.absolute_deadline.get();
        if deadline < NEVER && started > now {
            self.set_absolute_deadline(now.saturating_add(deadline.saturating_sub(started)));
        }
        self.set_last_seen(self.last_seen_at.get().min(now));
    }
}

/// An instant in units of which a tenth of the idle timeout has at most [`UNITS_PER_PART`], as far as 16 bits tell.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a difference of less than 2^16 is all that is asked of it"
)]
fn mark(instant: U48, idle_timeout: u64) -> u16 {
    (instant.get() / part_of(idle_timeout).1) as u16
}

/// Moves every instant `by` milliseconds into the past, as the clock was: ages and what is left of the life stay. No instant is
/// before 1970: activity that would be shortens the idle timeout instead.
pub fn shift_back(frame: &mut Frame, contents: &mut Contents<'_>, by: u64) {
    let back = |instant: u64| {
        if instant >= NEVER {
            NEVER
        } else {
            instant.saturating_sub(by)
        }
    };
    contents.created_at = back(contents.created_at);
    contents.authenticated_at = back(contents.authenticated_at);
    if contents.idle_timeout < NEVER {
        let too_early = by.saturating_sub(frame.last_seen_at);
        contents.idle_timeout = contents.idle_timeout.saturating_sub(too_early);
    }
    frame.last_seen_at = back(frame.last_seen_at);
    frame.absolute_deadline = back(frame.absolute_deadline);
}
