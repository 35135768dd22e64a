//! What can go wrong in the store.

use std::fmt;

/// An operation that was refused; what was stored before is unchanged.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// The session's text is larger than one session may be.
    TooLarge { bytes: usize, limit: usize },
    /// The user id is longer than [`crate::MAX_UID_UNITS`].
    UidTooLong { units: usize, limit: usize },
    /// No room, and nothing this session may push out.
    Full { max_sessions: u32, max_bytes: u64 },
    /// The store was closed.
    Closed,
    /// A panic happened inside the store; what it holds can no longer be trusted.
    Poisoned,
    /// The operating system gave no randomness.
    Random { source: getrandom::Error },
    /// The expiry thread could not be started.
    Thread { reason: String },
}

impl Error {
    /// A stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "ERR_SESSION_TOO_LARGE",
            Self::UidTooLong { .. } => "ERR_SESSION_UID",
            Self::Full { .. } => "ERR_SESSION_FULL",
            Self::Closed => "ERR_SESSION_CLOSED",
            Self::Poisoned => "ERR_SESSION_INTERNAL",
            Self::Random { .. } | Self::Thread { .. } => "ERR_SESSION_SYSTEM",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes, limit } => {
                write!(
                    f,
                    "the session takes {bytes} bytes, but maxSessionBytes is {limit}"
                )
            }
            Self::UidTooLong { units, limit } => {
                write!(
                    f,
                    "the user id is {units} UTF-16 units long, but at most {limit} are kept"
                )
            }
            Self::Full {
                max_sessions,
                max_bytes,
            } => write!(
                f,
                "the store is full (maxSessions {max_sessions}, maxBytes {max_bytes}) and this session may push no other out"
            ),
            Self::Closed => f.write_str("the session store is closed"),
            Self::Poisoned => f.write_str("the session store failed inside and refuses further work"),
            Self::Random { .. } => f.write_str("the operating system gave no randomness"),
            Self::Thread { reason } => write!(f, "the expiry thread could not be started: {reason}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Random { source } => Some(source),
            _ => None,
        }
    }
}
