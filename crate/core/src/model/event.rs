//! What leaves the store, and why.

use crate::model::id::Handle;
use crate::model::text::OwnedText;

/// What happened to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum EventKind {
    Created = 0,
    /// It has a new id; handle and data are the same.
    Regenerated = 1,
    /// A deadline passed.
    Expired = 2,
    /// There was no room.
    Evicted = 3,
    /// Somebody ended it.
    Destroyed = 4,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    Create = 0,
    Regenerate = 1,
    Login = 2,
    IdleTimeout = 3,
    AbsoluteTimeout = 4,
    MaxSessions = 5,
    MaxBytes = 6,
    Destroy = 7,
    Logout = 8,
    Clear = 9,
}

/// Something that happened. Carries the public handle, never the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub kind: EventKind,
    pub reason: Reason,
    pub handle: Handle,
    /// `None` for a guest.
    pub uid: Option<OwnedText>,
}

/// Which kinds somebody listens to; the others are not even made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventMask(pub u8);

impl EventMask {
    pub const ALL: Self = Self(0b1_1111);

    #[must_use]
    pub fn has(self, kind: EventKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}
