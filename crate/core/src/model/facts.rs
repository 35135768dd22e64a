//! The facts of a session: everything the store knows about it besides its data.

use crate::model::time::after;

/// Longest user id, in UTF-16 units.
pub const MAX_UID_UNITS: usize = 255;

/// What is known of a session without reading its data. Instants are milliseconds since 1970, durations milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// 1 when created, plus 1 at each commit and renewal.
    pub version: u64,
    pub created_at: u64,
    pub last_seen_at: u64,
    /// A duration.
    pub idle_timeout: u64,
    pub absolute_deadline: u64,
    /// When the user logged in; 0 for a guest.
    pub authenticated_at: u64,
    /// Length of the user id, with which the session's text begins, in UTF-16 units. The form parameters and the data follow it.
    pub uid_units: usize,
    /// Length of the form parameters, in UTF-16 units.
    pub form_units: usize,
    /// See [`crate::model::standing::Standing::epoch`].
    pub epoch: u32,
    /// Of the login; 0 for a guest.
    pub level: u8,
    /// Whether the client keeps its cookie when the browser is closed.
    pub remembered: bool,
    /// Length of the methods of the login, with which the session's text ends, in UTF-16 units.
    pub methods_units: usize,
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
