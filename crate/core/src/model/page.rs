//! A page of the walk over all sessions.

use crate::model::facts::Facts;
use crate::model::id::Handle;
use crate::model::text::OwnedText;

/// Slots looked at for one page, so that a page of a nearly empty store costs little too.
pub const MAX_LOOKED_AT: u32 = 8_192;

/// A session as an operator may see it: no id, no data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    pub handle: Handle,
    pub uid: Option<OwnedText>,
    pub facts: Facts,
    pub bytes: u64,
}

/// Some sessions, and where to go on. A page may be short, even empty, while there is a `next`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionPage {
    pub sessions: Vec<SessionInfo>,
    /// The slot that the next page begins with; `None` at the end.
    pub next: Option<u32>,
}
