//! Instants and durations: milliseconds, instants since 1970. All are below 2^48.

/// The instant that never comes: a deadline or a duration without end.
pub const NEVER: u64 = (1 << 48) - 1;

/// Whether a deadline has passed. One without end never does, whatever the clock says.
#[must_use]
pub fn is_over(deadline: u64, now: u64) -> bool {
    deadline <= now && deadline < NEVER
}

/// The instant `duration` after `start`; [`NEVER`] if either has no end.
#[must_use]
pub fn after(start: u64, duration: u64) -> u64 {
    if duration >= NEVER {
        NEVER
    } else {
        start.saturating_add(duration).min(NEVER)
    }
}
