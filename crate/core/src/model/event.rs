//! Events: what happened to a session, and why.

use crate::model::id::Handle;
use crate::model::text::OwnedText;

/// The kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum EventKind {
    Created = 0,
    /// It has a new secret, and so a new id with the same handle.
    Regenerated = 1,
    /// Its idle or absolute deadline passed.
    Expired = 2,
    /// One of the store's limits was reached.
    Evicted = 3,
    /// A call ended it: destroy, logout, clear, the end of all sessions of its user, or a login as another user.
    Destroyed = 4,
}

/// The reason of an event.
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
    MaxSessionsPerUser = 10,
    /// All sessions of its user were ended.
    DestroyUser = 11,
}

/// Something that happened to a session. Carries the public handle, never the id. A clone copies the user id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub kind: EventKind,
    pub reason: Reason,
    pub handle: Handle,
    /// `None` for a guest.
    pub uid: Option<OwnedText>,
}

/// A set of event kinds, one bit each by the kind's number: those that a listener wants. No events of other kinds are created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventMask(pub u8);

impl EventMask {
    pub const ALL: Self = Self(0b1_1111);

    #[must_use]
    pub fn has(self, kind: EventKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}
