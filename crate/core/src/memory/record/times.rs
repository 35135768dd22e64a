//! When the log must be told of activity, and what a clock that was set back does to a session's times.

use super::{Contents, Fixed};
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

/// The mark of an instant: the instant in units of which a tenth of the idle timeout has at most [`UNITS_PER_PART`], modulo 2^16.
#[expect(
    clippy::cast_possible_truncation,
    reason = "only differences of less than 2^16 are used"
)]
pub fn mark(instant: u64, idle_timeout: u64) -> u16 {
    (instant / part_of(idle_timeout).1) as u16
}

/// Whether a tenth of the idle timeout has passed between the mark `logged` and the instant `now`, so that the log is to be told.
pub fn is_log_due(logged: u16, now: u64, idle_timeout: u64) -> bool {
    let passed = mark(now, idle_timeout).wrapping_sub(logged);
    u64::from(passed) >= part_of(idle_timeout).0
}

/// Moves every instant `by` milliseconds into the past, as the clock was: ages and what is left of the life stay. No instant is
/// before 1970: activity that would be shortens the idle timeout instead.
pub fn shift_back(fixed: &mut Fixed, contents: &mut Contents<'_>, by: u64) {
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
        let too_early = by.saturating_sub(fixed.last_seen_at);
        contents.idle_timeout = contents.idle_timeout.saturating_sub(too_early);
    }
    fixed.last_seen_at = back(fixed.last_seen_at);
    fixed.absolute_deadline = back(fixed.absolute_deadline);
}

/// Caps the times of a session that a clock wrote which was ahead: what it says begins `now` at the latest.
pub fn cap(fixed: &mut Fixed, contents: &Contents<'_>, now: u64) {
    let started = contents.authenticated_at.max(contents.created_at);
    let deadline = fixed.absolute_deadline;
    if deadline < NEVER && started > now {
        fixed.absolute_deadline = now.saturating_add(deadline.saturating_sub(started));
    }
    fixed.last_seen_at = fixed.last_seen_at.min(now);
}
