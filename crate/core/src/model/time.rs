//! Instants in milliseconds since 1970, and durations in milliseconds. All are below 2^48.

/// The value that means "no end": a deadline that never comes, or a duration without limit.
pub const NEVER: u64 = (1 << 48) - 1;

/// Whether a deadline has passed, which [`NEVER`] never has.
#[must_use]
pub fn is_over(deadline: u64, now: u64) -> bool {
    deadline <= now && deadline < NEVER
}

/// The instant `duration` after `start`, at most [`NEVER`].
#[must_use]
pub fn after(start: u64, duration: u64) -> u64 {
    if duration >= NEVER {
        NEVER
    } else {
        start.saturating_add(duration).min(NEVER)
    }
}
