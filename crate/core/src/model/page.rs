//! A page of the listing of all sessions.

use crate::model::facts::Facts;
use crate::model::id::Handle;
use crate::model::text::OwnedText;

/// Slots looked at for one page before it ends short, so that a page of a nearly empty store costs little too.
pub const MAX_LOOKED_AT: u32 = 8_192;

/// A session as operators may see it, without its secret and its data. A clone copies the user id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    pub handle: Handle,
    /// `None` for a guest.
    pub uid: Option<OwnedText>,
    pub facts: Facts,
    /// What it counts for `max_bytes`.
    pub bytes: u64,
}

/// Some of the sessions, in the order of their slots, and where the next page begins. A page may be short, even empty, before the last one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionPage {
    pub sessions: Vec<SessionInfo>,
    /// The slot index at which the next page begins; `None` on the last page.
    pub next: Option<u32>,
}
