//! The lock of a directory: one owner at a time.

use super::lock_text::{NAME, pid, read_text};
use super::real::RealDisk;
use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};

/// The directory is this store's until it is dropped, or the process dies: the kernel holds the lock, the file alone
/// says nothing. It belongs to this open file, not to the process, so that a second opening in one process is refused
/// too and closing an unrelated file does not lose it.
#[derive(Debug)]
pub struct DirLock {
    file: File,
}

impl DirLock {
    /// Takes the lock, and makes the lock file if it is missing. Changes no byte: see [`DirLock::sign`].
    ///
    /// # Errors
    /// [`LockError::Held`] when another store has it; [`LockError::Io`] when the file cannot be used.
    pub fn acquire(disk: &RealDisk) -> Result<Self, LockError> {
        let mut file = disk.open_or_create(NAME)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::Error(source)) => Err(LockError::Io { source }),
            Err(TryLockError::WouldBlock) => {
                // Some systems keep a locked file from being read; then the owner stays unnamed.
                let text = read_text(&mut file).unwrap_or_default();
                let pid = pid(&text);
                Err(LockError::Held { pid, text })
            }
        }
    }

    /// Says in the file who the owner is, in lines: `pid N`, `started N`, `version X`.
    ///
    /// # Errors
    /// What the system says; the lock is held regardless.
    pub fn sign(&mut self, text: &str) -> io::Result<()> {
        // Written before it is cut, so that whoever reads in between finds the new owner in the first line.
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(text.as_bytes())?;
        self.file.set_len(text.len() as u64)?;
        self.file.sync_data()
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        // Not left to the closing alone: a child forked meanwhile may still have the file open. Closing unlocks if
        // this fails.
        let _ = self.file.unlock();
    }
}

/// Why the directory is not ours.
#[derive(Debug)]
#[non_exhaustive]
pub enum LockError {
    /// Another store has it open; `pid` and `text` are what it signed with, and may still be its predecessor's.
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
                write!(f, "the directory is in use by the process {pid}")
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
