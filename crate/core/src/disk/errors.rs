//! Why a directory cannot be used for a store.

use std::path::{Path, PathBuf};
use std::{fmt, io};

/// Why a directory cannot be used; found when the store opens, not at the first write.
#[derive(Debug)]
#[non_exhaustive]
pub enum DirError {
    /// The directory does not exist and is not created: its parent is missing too, or the caller only reads.
    Missing { path: PathBuf },
    /// The path leads to something that is not a directory.
    NotADirectory { path: PathBuf },
    /// The last component is a symlink: a user who can replace it could redirect the sessions.
    Symlink { path: PathBuf },
    /// Another user owns the directory. Root is no exception, neither as that user nor as this one.
    Foreign { path: PathBuf, owner: u32, user: u32 },
    /// Group or others may write to the directory, so they could replace the files. `mode` has the permission bits.
    Writable { path: PathBuf, mode: u32 },
    /// This user may not enter, read, write or create it.
    Denied { path: PathBuf },
    /// The file system is mounted read-only.
    ReadOnly { path: PathBuf },
    /// Any other error.
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

/// What is wrong and how to fix it, without the path.
impl fmt::Display for DirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { .. } => {
                f.write_str("there is no such directory, and its parent does not exist either: create that first")
            }
            Self::NotADirectory { .. } => {
                f.write_str("it is not a directory: move away what is there, or give another path")
            }
            Self::Symlink { .. } => {
                f.write_str("it is a symlink, which is not followed: give the directory itself")
            }
            Self::Foreign { owner, user, .. } => write!(
                f,
                "it belongs to user {owner}, but this process runs as user {user}: run it as user {owner}, or give it to user {user} \
                 with chown"
            ),
            Self::Writable { path, mode } => write!(
                f,
                "others may write to it (mode {mode:04o}): chmod 700 {}",
                path.display()
            ),
            Self::Denied { .. } => f.write_str(
                "this process has no permission to use it: give its user the right to read, write and enter it",
            ),
            Self::ReadOnly { .. } => {
                f.write_str("it is on a read-only file system: mount that for writing, or give another path")
            }
            Self::Io { source, .. } => write!(f, "it could not be opened as a directory: {source}"),
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
