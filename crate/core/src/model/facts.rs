//! The facts of a session: everything the store knows about it besides its data.

use crate::model::time::after;

/// Longest user id, in UTF-16 units.
pub const MAX_UID_UNITS: usize = 255;

/// What is known of a session without reading its data. Times are milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    pub version: u64,
    pub created_at: u64,
    pub last_seen_at: u64,
    pub idle_timeout: u64,
    pub absolute_deadline: u64,
    /// 0 for a guest.
    pub authenticated_at: u64,
    /// The session's text is the user id, then the form parameters, then the data: these are the first two's lengths
    /// in UTF-16 units.
    pub uid_units: usize,
    pub form_units: usize,
}

impl Facts {
    #[must_use]
    pub fn idle_deadline(&self) -> u64 {
        after(self.last_seen_at, self.idle_timeout)
    }

    /// The earlier of both deadlines.
    #[must_use]
    pub fn deadline(&self) -> u64 {
        self.idle_deadline().min(self.absolute_deadline)
    }
}
