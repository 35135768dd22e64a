//! Inputs and outcomes of the store's operations: options, new session, change, login, renewal, commit, sweep.

use crate::model::facts::Facts;
use crate::model::keys::KeyChange;
use crate::model::object::ObjectText;
use crate::model::standing::Assurance;
use crate::model::text::Text;

/// The value of [`Options::max_sessions_per_user`] that sets no limit.
pub const UNLIMITED: u32 = u32::MAX;

/// What a login does whose user has as many sessions as a user may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtUserLimit {
    /// It evicts the user's session that was used longest ago.
    EvictOldest,
    /// It is refused.
    Refuse,
}

/// The limits and default timeouts of a store. Timeouts are in milliseconds, [`crate::NEVER`] for none.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub max_sessions: u32,
    /// The most bytes that all sessions may take: for each its text, with the places of its keys (see [`ObjectText`]) and one more unit, the
    /// length of its form (4 bytes, if it has one), its times (12 bytes, a user's 18), [`crate::RECORD_OVERHEAD`], and for a user's session
    /// [`crate::USER_OVERHEAD`].
    pub max_bytes: u64,
    /// The most bytes that a session's data and form may take: one byte a UTF-16 unit, two in a text with units beyond latin1.
    pub max_session_bytes: usize,
    /// Of a user's session.
    pub idle_timeout: u64,
    pub guest_idle_timeout: u64,
    pub absolute_timeout: u64,
    /// The most sessions that one user may have after a login; at least 1, or [`UNLIMITED`].
    pub max_sessions_per_user: u32,
    pub at_user_limit: AtUserLimit,
}

/// A session to be created. Timeouts are in milliseconds; `None` takes the store's default.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    /// Empty for a guest.
    pub uid: Text<'a>,
    /// The JSON text of the form parameters, empty if there are none.
    pub form: Text<'a>,
    pub data: ObjectText<'a>,
    pub idle_timeout: Option<u64>,
    pub absolute_timeout: Option<u64>,
    /// Of the login, if there is a user.
    pub assurance: Assurance<'a>,
}

/// New contents of a session; a field that is `None` keeps the stored value.
#[derive(Debug, Clone, Copy, Default)]
pub struct Change<'a> {
    /// The whole data. Never together with `keys`.
    pub data: Option<ObjectText<'a>>,
    pub keys: Option<&'a KeyChange<'a>>,
    /// Empty to remove the form parameters.
    pub form: Option<Text<'a>>,
    /// In milliseconds.
    pub idle_timeout: Option<u64>,
}

/// A login: the user, the absolute timeout in milliseconds that starts now, `None` for the store's default, and how sure it is.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    pub uid: Text<'a>,
    pub absolute_timeout: Option<u64>,
    pub assurance: Assurance<'a>,
}

/// A new secret for a session, with a change of its contents in the same step.
#[derive(Debug, Clone, Copy)]
pub struct Renewal<'a> {
    pub change: Change<'a>,
    /// `None` keeps the session's user, or keeps it a guest's.
    pub login: Option<Login<'a>>,
}

/// The outcome of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// Written; the session's facts from now on.
    Done(Facts),
    /// The stored version is not the one that the change was made from.
    Conflict,
    /// No live session has this id: it ended, or its secret was replaced. Final: the id never becomes valid again.
    Gone,
}

/// The outcome of one slice of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// The slice ended at its limit; more sessions may be due now.
    More,
    /// Nothing is due before this instant, in milliseconds since 1970; [`crate::NEVER`] if nothing ever is.
    Until(u64),
}
