//! What a recovery has read so far, and what every file's reading needs: opening it, damage, progress.

use crate::disk::Disk;
use crate::format::codec::Manifest;
use crate::format::header::{FileHeader, FileKind, Unreadable};
use crate::journal::reader::{FrameReader, HeaderError};
use crate::model::damage::Damage;
use crate::store::image::Image;
use std::io;

/// More records than a store writes while it makes one snapshot.
pub(crate) const NEAR: u64 = 1 << 40;
/// Places of damage that are listed.
const MAX_DAMAGES: usize = 10_000;

/// Why the files could not be read.
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
    /// The watcher said so.
    Cancelled,
}

/// A torn tail: what of a crash's last write is no whole record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    pub file: String,
    pub offset: u64,
    pub len: u64,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Recovered {
    pub image: Image,
    /// As on the disk, the last segment sealed where its records end. `None` for a directory without files.
    pub manifest: Option<Manifest>,
    pub torn: Option<Torn>,
    /// The segment that was being written, and where its records end.
    pub open_segment: Option<(String, u64)>,
    /// What was passed over; empty unless damage was to be passed over.
    pub damages: Vec<Damage>,
}

/// Notified now and then how far the reading is. Can cancel it.
pub trait Watch {
    /// Whether nobody wants the result any more. Looked at with each record.
    fn is_cancelled(&self) -> bool {
        false
    }
    fn total(&mut self, _bytes: u64) {}
    fn read(&mut self, _bytes: u64, _sessions: u64) {}
    /// A file was read to its end.
    fn file(&mut self, _name: &str, _bytes: u64, _records: u64) {}
}

/// Nobody watches.
impl Watch for () {}

/// A recovery under way: one file after the other adds to the result.
pub struct Recovery<'a> {
    pub disk: &'a dyn Disk,
    /// Whether damage is passed over.
    pub salvage: bool,
    pub watch: &'a mut dyn Watch,
    /// Bytes of the files read to their ends.
    pub bytes: u64,
    pub result: Recovered,
}

/// Makes an error of the file system an error of the recovery.
pub fn io_error(file: &str) -> impl FnOnce(io::Error) -> RecoverError {
    let file = file.to_owned();
    move |error| RecoverError::Io { file, error }
}

impl Recovery<'_> {
    /// Notifies the watcher how far the reading of a file is.
    pub fn progress(&mut self, reader: &FrameReader, sessions: u64) -> Result<(), RecoverError> {
        self.watch.read(self.bytes + reader.offset(), sessions);
        if self.watch.is_cancelled() {
            return Err(RecoverError::Cancelled);
        }
        Ok(())
    }

    /// Lists damage and passes it over, or stops at it.
    pub fn damaged(
        &mut self,
        file: &str,
        offset: u64,
        next_lsn: Option<u64>,
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
        if self.result.damages.len() < MAX_DAMAGES {
            self.result.damages.push(damage);
        }
        Ok(())
    }

    /// Opens a file of the manifest; `None` if it is damaged and that is passed over.
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
