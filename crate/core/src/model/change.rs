//! What goes into the store and what comes of it: options, new sessions, changes, answers.

use crate::model::facts::Facts;
use crate::model::text::Text;

/// The bounds and the default timeouts. Times are milliseconds, [`NEVER`] for no end.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub max_sessions: u32,
    /// Counts each session's text and [`crate::RECORD_OVERHEAD`].
    pub max_bytes: u64,
    /// Counts the text of a session's data and form as stored: one byte a character, two if any is beyond latin1.
    pub max_session_bytes: usize,
    pub idle_timeout: u64,
    pub guest_idle_timeout: u64,
    pub absolute_timeout: u64,
}

/// A session to be created. Without a timeout of its own it gets the store's.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    /// Empty for a guest.
    pub uid: Text<'a>,
    pub form: Text<'a>,
    pub data: Text<'a>,
    pub idle_timeout: Option<u64>,
    pub absolute_timeout: Option<u64>,
}

/// New contents; what is `None` stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct Change<'a> {
    pub data: Option<Text<'a>>,
    /// Empty to forget the form parameters.
    pub form: Option<Text<'a>>,
    pub idle_timeout: Option<u64>,
}

/// A login: the user, and the absolute timeout that starts with it, the store's own if it is `None`.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    pub uid: Text<'a>,
    pub absolute_timeout: Option<u64>,
}

/// A new secret for a session, with new contents at the same time.
#[derive(Debug, Clone, Copy)]
pub struct Renewal<'a> {
    pub change: Change<'a>,
    /// Without one the session stays its user's, or a guest's.
    pub login: Option<Login<'a>>,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    Done(Facts),
    /// The session is not at the version that the change was made from.
    Conflict,
    /// The session ended. Final: nothing brings it back.
    Gone,
}

/// How far a sweep got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// More is due now.
    More,
    /// Nothing is due before this instant; [`NEVER`] when nothing ever is.
    Until(u64),
}
