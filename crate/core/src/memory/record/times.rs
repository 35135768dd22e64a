//! Rules for a session's times: when activity is logged, and how times are corrected after the clock was set back or was ahead.

use super::{Contents, Fixed};
use crate::model::time::NEVER;

/// Parts of the idle timeout in each of which activity is logged once.
const TOUCHES_PER_TIMEOUT: u64 = 10;
/// Maximum number of units in such a part. A mark has 16 bits, so it repeats after 16 parts, when an idle timeout of 10 parts has ended the session.
const UNITS_PER_PART: u64 = 1 << 12;

/// The number of units in a tenth of the idle timeout, and the milliseconds of a unit.
fn part_of(idle_timeout: u64) -> (u64, u64) {
    let part = idle_timeout / TOUCHES_PER_TIMEOUT;
    let unit = part / UNITS_PER_PART + 1;
    (part / unit, unit)
}

/// The mark of an instant: the instant in units, modulo 2^16.
#[expect(
    clippy::cast_possible_truncation,
    reason = "only differences of less than 2^16 are used"
)]
pub fn mark(instant: u64, idle_timeout: u64) -> u16 {
    (instant / part_of(idle_timeout).1) as u16
}

/// Whether activity at `now` is to be logged: a tenth of the idle timeout has passed since the mark `logged`.
pub fn is_log_due(logged: u16, now: u64, idle_timeout: u64) -> bool {
    let passed = mark(now, idle_timeout).wrapping_sub(logged);
    u64::from(passed) >= part_of(idle_timeout).0
}

/// Moves every instant of a session `by` milliseconds into the past, as far as the clock was set back: its age and the time it has left
/// stay. No instant gets earlier than 1970; if the last activity would, the idle timeout is shortened instead.
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

/// Limits the times of a session that was written while the clock was ahead: the session counts as begun, and as last seen, `now` at the
/// latest.
pub fn cap(fixed: &mut Fixed, contents: &Contents<'_>, now: u64) {
    let started = contents.authenticated_at.max(contents.created_at);
    let deadline = fixed.absolute_deadline;
    if deadline < NEVER && started > now {
        fixed.absolute_deadline = now.saturating_add(deadline.saturating_sub(started));
    }
    fixed.last_seen_at = fixed.last_seen_at.min(now);
}
