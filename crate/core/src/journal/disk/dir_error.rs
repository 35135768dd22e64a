//! Why a directory is not taken for the store.

use std::path::{Path, PathBuf};
use std::{fmt, io};

/// Found out when the store opens, not at the first save.
#[derive(Debug)]
#[non_exhaustive]
pub enum DirError {
    /// There is no such directory, and it is not made: its parent is missing, or the caller only reads.
    Missing { path: PathBuf },
    /// There is something, but no directory.
    NotADirectory { path: PathBuf },
    /// The last component is a symlink: whoever can swap it could put the sessions elsewhere.
    Symlink { path: PathBuf },
    /// Another user's directory, root included on either side.
    Foreign { path: PathBuf, owner: u32, user: u32 },
    /// Group or others may write: they could replace the files. `mode` holds the permission bits.
    Writable { path: PathBuf, mode: u32 },
    /// This user may not enter, read, write or make it.
    Denied { path: PathBuf },
    /// The file system is mounted read-only.
    ReadOnly { path: PathBuf },
    /// Anything else.
    Io { path: PathBuf, source: io::Error },
}

impl DirError {
    pub(super) fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::NotADirectory => Self::NotADirectory { path },
            io::ErrorKind::PermissionDenied => Self::Denied { path },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            _ => Self::Io { path, source },
        }
    }
}

impl fmt::Display for DirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => {
                write!(
                    f,
                    "there is no directory {}, or none to make it in",
                    path.display()
                )
            }
            Self::NotADirectory { path } => write!(f, "{} is not a directory", path.display()),
            Self::Symlink { path } => write!(
                f,
                "{} is a symlink, which is not followed: give the directory itself",
                path.display()
            ),
            Self::Foreign { path, owner, user } => write!(
                f,
                "{} belongs to user {owner}, but this process runs as user {user}",
                path.display()
            ),
            Self::Writable { path, mode } => write!(
                f,
                "{path} may be written to by others (mode {mode:04o}): chmod 700 {path}",
                path = path.display()
            ),
            Self::Denied { path } => {
                write!(f, "this process has no permission to use {}", path.display())
            }
            Self::ReadOnly { path } => write!(f, "{} is on a read-only file system", path.display()),
            Self::Io { path, .. } => write!(f, "{} could not be opened as a directory", path.display()),
        }
    }
}

impl std::error::Error for DirError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
