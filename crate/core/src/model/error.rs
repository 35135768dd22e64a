//! The errors of the store.

use crate::model::damage::Damage;
use crate::model::difference::Difference;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why an operation of the store failed. Except after [`Error::Io`] and [`Error::Poisoned`], what was stored is unchanged.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// The session's data and form take more bytes than `max_session_bytes`.
    TooLarge { bytes: usize, limit: usize },
    /// The user id has more UTF-16 units than [`crate::MAX_UID_UNITS`].
    UidTooLong { units: usize, limit: usize },
    /// The store is full, and the sessions that may be evicted for this one do not make enough room.
    Full { max_sessions: u32, max_bytes: u64 },
    /// The user has as many sessions as `max_sessions_per_user` allows, and the option says to refuse the login.
    UserLimit { limit: u32 },
    /// The store was closed.
    Closed,
    /// A panic happened inside the store; its contents can no longer be trusted.
    Poisoned,
    /// The operating system returned no random bytes.
    Random { source: getrandom::Error },
    /// A thread could not be started.
    Thread { reason: String },
    /// The directory cannot be used; `why` says what is wrong with it and how to fix it.
    Path { path: PathBuf, why: String },
    /// Another process has the directory open; `pid` if it is known.
    Locked { path: PathBuf, pid: Option<u32> },
    /// This process has the directory open with other options.
    OptionsDiffer {
        path: PathBuf,
        differences: Vec<Difference>,
    },
    /// The files are damaged.
    Corrupt { path: PathBuf, damage: Damage },
    /// The files were written by a later version.
    FormatNewer {
        path: PathBuf,
        file: String,
        format: u16,
    },
    /// A file operation failed. A write may be in memory and not on the disk.
    Io { what: String, source: Arc<io::Error> },
    /// The disk keeps failing, and writes are refused until it works again.
    Degraded,
    /// More than `limit` bytes wait to be written to the disk.
    Backpressure { limit: usize },
}

impl Error {
    /// The error's code, `ERR_SESSION_...`: stable, for programs to compare.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "ERR_SESSION_TOO_LARGE",
            Self::UidTooLong { .. } => "ERR_SESSION_UID",
            Self::Full { .. } => "ERR_SESSION_FULL",
            Self::UserLimit { .. } => "ERR_SESSION_LIMIT",
            Self::Closed => "ERR_SESSION_CLOSED",
            Self::Poisoned => "ERR_SESSION_INTERNAL",
            Self::Random { .. } | Self::Thread { .. } => "ERR_SESSION_SYSTEM",
            Self::Path { .. } => "ERR_SESSION_PATH",
            Self::Locked { .. } => "ERR_SESSION_LOCKED",
            Self::OptionsDiffer { .. } => "ERR_SESSION_OPTIONS",
            Self::Corrupt { .. } => "ERR_SESSION_CORRUPT",
            Self::FormatNewer { .. } => "ERR_SESSION_FORMAT_NEWER",
            Self::Io { .. } => "ERR_SESSION_IO",
            Self::Degraded => "ERR_SESSION_DEGRADED",
            Self::Backpressure { .. } => "ERR_SESSION_BACKPRESSURE",
        }
    }
}

impl Error {
    pub(crate) fn io(what: &str, source: io::Error) -> Self {
        Self::Io {
            what: what.to_owned(),
            source: Arc::new(source),
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
                    "the user id is {units} UTF-16 units long, but at most {limit} are allowed"
                )
            }
            Self::Full {
                max_sessions,
                max_bytes,
            } => write!(
                f,
                "the store is full (maxSessions {max_sessions}, maxBytes {max_bytes}) and the sessions that may be evicted \
                 for this one do not make enough room"
            ),
            Self::UserLimit { limit } => write!(
                f,
                "the user has {limit} sessions, as many as maxSessionsPerUser allows: nothing was written; one of them must end first"
            ),
            Self::Closed => f.write_str("the session store is closed"),
            Self::Poisoned => f.write_str("the session store failed inside and refuses further work"),
            Self::Random { .. } => f.write_str("the operating system returned no random bytes"),
            Self::Thread { reason } => write!(f, "a thread could not be started: {reason}"),
            Self::Path { path, why } => write!(f, "{}: {why}", path.display()),
            Self::Locked { path, pid } => {
                write!(f, "{}: in use by another process", path.display())?;
                if let Some(pid) = pid {
                    write!(f, " (pid {pid})")?;
                }
                f.write_str("; end it, or give this one a directory of its own")
            }
            Self::OptionsDiffer { path, differences } => {
                let differences: Vec<_> = differences.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "{}: this process has it open with other options: {}. All openings of a directory in one process share one store: \
                     give each the same options, or close the others first",
                    path.display(),
                    differences.join(", ")
                )
            }
            Self::Corrupt { path, damage } => write!(
                f,
                "{}: {damage}. Nothing was changed. Restore a copy, or open with onCorruption 'fresh' (starts empty, keeps the files) or \
                 'salvage' (keeps what can be read, and may bring back sessions that were ended)",
                path.display()
            ),
            Self::FormatNewer { path, file, format } => write!(
                f,
                "{}: {file} has format {format}, which is newer than this version of agai-session reads; install a later one",
                path.display()
            ),
            Self::Io { what, source } => write!(f, "{what}: {source}"),
            Self::Degraded => f.write_str("the disk keeps failing: writes are refused until it works again"),
            Self::Backpressure { limit } => write!(
                f,
                "the disk is too slow: more than {} MiB wait to be written",
                limit >> 20
            ),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Random { source } => Some(source),
            Self::Io { source, .. } => Some(&**source),
            _ => None,
        }
    }
}
