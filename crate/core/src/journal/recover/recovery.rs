//! The state of a recovery, and what the reading of each file shares: opening it, damage, progress.

use crate::disk::Disk;
use crate::format::codec::Manifest;
use crate::format::header::{FileHeader, FileKind, Unreadable};
use crate::journal::reader::{FrameReader, HeaderError};
use crate::model::damage::Damage;
use crate::model::lsn::Lsn;
use crate::store::image::Image;
use std::io;

/// Maximum number of places of damage that are listed.
const MAX_DAMAGES: usize = 10_000;

/// Reason why a recovery failed.
#[derive(Debug)]
pub enum RecoverError {
    Io {
        file: String,
        error: io::Error,
    },
    Newer {
        file: String,
        format: u16,
    },
    Damaged(Damage),
    /// The watcher cancelled it.
    Cancelled,
}

/// A torn tail: bytes at the end of the log that no sync covered, from the first record that is not whole. A crash interrupted their
/// write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    pub file: String,
    pub offset: u64,
    pub len: u64,
}

/// Result of a recovery.
#[derive(Debug, Default)]
pub struct Recovered {
    pub image: Image,
    /// The manifest on the disk, with each segment sealed where its records end. `None` if it is missing or damaged.
    pub manifest: Option<Manifest>,
    pub torn: Option<Torn>,
    /// The segment that was not sealed, and where its records end.
    pub open_segment: Option<(String, u64)>,
    /// The damage that was skipped; empty without `salvage`.
    pub damages: Vec<Damage>,
}

/// An observer of a recovery, which is notified of its progress and can cancel it.
pub trait Watch {
    /// Whether to cancel the recovery. Checked after each record and each block.
    fn is_cancelled(&self) -> bool {
        false
    }
    /// Called before the first file is read, with the bytes of all files.
    fn total(&mut self, _bytes: u64) {}
    /// Called after each record and each block, with the bytes read and the sessions found so far.
    fn read(&mut self, _bytes: u64, _sessions: u64) {}
    /// Called after a file was read, to its end or to a torn tail.
    fn file(&mut self, _name: &str, _bytes: u64, _records: u64) {}
}

/// A watcher that ignores everything.
impl Watch for () {}

/// A running recovery: each file that is read adds to its result.
pub struct Recovery<'a> {
    pub disk: &'a dyn Disk,
    /// Whether damage is skipped and listed.
    pub salvage: bool,
    pub watch: &'a mut dyn Watch,
    /// Length of all files read so far.
    pub bytes: u64,
    pub result: Recovered,
}

/// Turns an I/O error of a file into an error of the recovery.
pub fn io_error(file: &str) -> impl FnOnce(io::Error) -> RecoverError {
    let file = file.to_owned();
    move |error| RecoverError::Io { file, error }
}

impl Recovery<'_> {
    /// Notifies the watcher of the progress in a file; fails if it cancels.
    pub fn progress(&mut self, reader: &FrameReader, sessions: u64) -> Result<(), RecoverError> {
        self.watch.read(self.bytes + reader.offset(), sessions);
        if self.watch.is_cancelled() {
            return Err(RecoverError::Cancelled);
        }
        Ok(())
    }

    /// Lists damage if it is to be skipped; otherwise fails with it.
    pub fn damaged(
        &mut self,
        file: &str,
        offset: u64,
        next_lsn: Option<Lsn>,
        what: &str,
    ) -> Result<(), RecoverError> {
        let damage = Damage {
            file: file.to_owned(),
            offset,
            after_lsn: self.result.image.last_lsn,
            next_lsn,
            what: what.to_owned(),
        };
        if !self.salvage {
            return Err(RecoverError::Damaged(damage));
        }
        self.result.image.lacks_records = true;
        if self.result.damages.len() < MAX_DAMAGES {
            self.result.damages.push(damage);
        }
        Ok(())
    }

    /// Opens a file that the manifest names; `None` if it is damaged and that is skipped.
    pub fn open(
        &mut self,
        name: &str,
        file_kind: FileKind,
        is_expected: impl FnOnce(&FileHeader) -> bool,
    ) -> Result<Option<FrameReader>, RecoverError> {
        let what = match FrameReader::open(self.disk, name, file_kind) {
            Ok((header, reader)) if is_expected(&header) => return Ok(Some(reader)),
            Ok(_) => "it is not the file that the manifest names",
            Err(HeaderError::Unreadable(Unreadable::Newer { format, .. })) => {
                return Err(RecoverError::Newer {
                    file: name.to_owned(),
                    format,
                });
            }
            Err(HeaderError::Unreadable(Unreadable::Damaged)) => "its header cannot be read",
            Err(HeaderError::Io(error)) if error.kind() == io::ErrorKind::NotFound => "it is missing",
            Err(HeaderError::Io(error)) => return Err(io_error(name)(error)),
        };
        self.damaged(name, 0, None, what)?;
        Ok(None)
    }
}
