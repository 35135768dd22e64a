//! The lock of a directory: one owner at a time.

use super::lock_text::{NAME, pid, read_text};
use super::real::RealDisk;
use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};

/// The lock of a directory, held until this is dropped or the process ends. The kernel holds it; that the file exists means nothing. It
/// belongs to this open file, not to the process: a second opening in the same process is refused too, and closing an unrelated file
/// does not release it.
#[derive(Debug)]
pub struct DirLock {
    file: File,
}

impl DirLock {
    /// Takes the lock, and creates the lock file if it is missing. Leaves the file's contents as they are; see [`DirLock::sign`].
    ///
    /// # Errors
    /// [`LockError::Held`] if another store has it; [`LockError::Io`] if the file cannot be used.
    pub fn acquire(disk: &RealDisk) -> Result<Self, LockError> {
        let mut file = disk.open_or_create(NAME)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::Error(source)) => Err(LockError::Io { source }),
            Err(TryLockError::WouldBlock) => {
                // Some systems do not let a locked file be read; then the owner is not named.
                let text = read_text(&mut file).unwrap_or_default();
                let pid = pid(&text);
                Err(LockError::Held { pid, text })
            }
        }
    }

    /// Writes into the file which process is the owner, in lines: `pid N`, `started N`, `version X`.
    ///
    /// # Errors
    /// The system's error; the lock is held regardless.
    pub fn sign(&mut self, text: &str) -> io::Result<()> {
        // Written before the file is cut, so that a reader in between finds the new owner in the first line.
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(text.as_bytes())?;
        self.file.set_len(text.len() as u64)?;
        self.file.sync_data()
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        // Unlocked explicitly, because a child forked meanwhile may still have the file open. If this fails, closing unlocks.
        let _ = self.file.unlock();
    }
}

/// Why a directory's lock was not taken.
#[derive(Debug)]
#[non_exhaustive]
pub enum LockError {
    /// Another store has the directory open. `pid` and `text` are from the lock file, and may still be its predecessor's.
    Held { pid: Option<u32>, text: String },
    /// The lock file cannot be opened or locked.
    Io { source: io::Error },
}

impl From<io::Error> for LockError {
    fn from(source: io::Error) -> Self {
        Self::Io { source }
    }
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { pid: Some(pid), .. } => {
                write!(f, "the directory is in use by process {pid}")
            }
            Self::Held { pid: None, .. } => f.write_str("the directory is in use by another process"),
            Self::Io { .. } => write!(f, "the file {NAME} could not be locked"),
        }
    }
}

impl std::error::Error for LockError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source } => Some(source),
            Self::Held { .. } => None,
        }
    }
}
