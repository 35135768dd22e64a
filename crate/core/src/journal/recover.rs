//! From files to an [`Image`]: the manifest, its snapshot, then its segments. Reads only.
//!
//! A record counts as **torn** when it cannot be read, belongs to the last segment, that segment was not closed, and no mark in it,
//! before or behind, says that the record had been synced: a crash in the middle of a write, or a power cut that took some sectors of
//! what was not synced and left others. Everything else that cannot be read, or contradicts what is known, is **damage**.

mod segment;

use self::segment::Expected;
use crate::disk::Disk;
use crate::format::codec::{Foot, Head, Manifest, SegmentEntry, SnapshotEntry, decode};
use crate::format::header::{FileKind, Unreadable};
use crate::journal::catalog::{self, ManifestError, read_manifest};
use crate::journal::log::segment_name;
use crate::journal::reader::{FrameReader, HeaderError, Next};
use crate::journal::snapshot::{KIND_BLOCK, KIND_FOOT, KIND_HEAD, snapshot_name};
use crate::model::damage::Damage;
use crate::store::image::Image;
use crc32c::crc32c_append;
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

/// Reads what a directory holds. With `salvage`, damage is passed over and listed; else the first is an error.
///
/// # Errors
/// [`RecoverError`].
pub fn recover(disk: &dyn Disk, salvage: bool, watch: &mut dyn Watch) -> Result<Recovered, RecoverError> {
    let mut recovery = Recovery {
        disk,
        salvage,
        watch,
        bytes: 0,
        result: Recovered::default(),
    };
    recovery.run()?;
    Ok(recovery.result)
}

struct Recovery<'a> {
    disk: &'a dyn Disk,
    salvage: bool,
    watch: &'a mut dyn Watch,
    /// Bytes of the files read to their ends.
    bytes: u64,
    result: Recovered,
}

fn io_error(file: &str) -> impl FnOnce(io::Error) -> RecoverError {
    let file = file.to_owned();
    move |error| RecoverError::Io { file, error }
}

impl Recovery<'_> {
    fn run(&mut self) -> Result<(), RecoverError> {
        let manifest = match read_manifest(self.disk) {
            Ok(Some(manifest)) => manifest,
            Ok(None) => return self.without_manifest(),
            Err(ManifestError::Io(error)) => return Err(io_error(catalog::MANIFEST)(error)),
            Err(ManifestError::Newer { format }) => {
                return Err(RecoverError::Newer {
                    file: catalog::MANIFEST.to_owned(),
                    format,
                });
            }
            Err(ManifestError::Damaged { offset }) => {
                return self.damaged(catalog::MANIFEST, offset, None, "the manifest cannot be read");
            }
        };
        let segments = manifest.segments.iter();
        let names = segments.map(|segment| segment_name(segment.generation, segment.number));
        let snapshot = manifest
            .snapshot
            .map(|snapshot| snapshot_name(snapshot.generation));
        let files = names.chain(snapshot).flat_map(|name| self.disk.open(&name));
        let total = files.map(|file| file.len()).sum();
        self.watch.total(total);
        self.result.image.now = manifest.now;
        self.result.image.last_lsn = manifest.last_lsn;
        if let Some(snapshot) = manifest.snapshot {
            self.snapshot(snapshot)?;
        }
        let mut chain = None;
        let mut segments = Vec::new();
        for (at, segment) in manifest.segments.iter().enumerate() {
            let is_last = at + 1 == manifest.segments.len();
            let sealed = self.segment(segment, &Expected { chain, is_last })?;
            chain = Some(sealed.chain);
            if is_last && segment.sealed.is_none() {
                self.result.open_segment =
                    Some((segment_name(segment.generation, segment.number), sealed.len));
            }
            segments.push(SegmentEntry {
                sealed: Some(sealed),
                ..*segment
            });
        }
        self.result.manifest = Some(Manifest { segments, ..manifest });
        Ok(())
    }

    /// Notifies the watcher how far the reading of a file is.
    fn progress(&mut self, reader: &FrameReader, sessions: u64) -> Result<(), RecoverError> {
        self.watch.read(self.bytes + reader.offset(), sessions);
        if self.watch.is_cancelled() {
            return Err(RecoverError::Cancelled);
        }
        Ok(())
    }

    /// A directory that was never opened before, or one that lost its manifest.
    fn without_manifest(&mut self) -> Result<(), RecoverError> {
        let names = self.disk.list().map_err(io_error("."))?;
        match names.iter().find(|name| catalog::is_journal(name)) {
            None => Ok(()),
            Some(name) => self.damaged(
                catalog::MANIFEST,
                0,
                None,
                &format!("it is missing, but {name} is there"),
            ),
        }
    }

    /// Lists damage and passes it over, or stops at it.
    fn damaged(
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
    fn open(
        &mut self,
        name: &str,
        file_kind: FileKind,
        is_expected: impl FnOnce(&crate::format::header::FileHeader) -> bool,
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

    fn snapshot(&mut self, entry: SnapshotEntry) -> Result<(), RecoverError> {
        let name = snapshot_name(entry.generation);
        let expected = |header: &crate::format::header::FileHeader| {
            (header.generation, header.salt, header.start_lsn) == (entry.generation, entry.salt, entry.lsn)
        };
        let Some(mut reader) = self.open(&name, FileKind::Snapshot, expected)? else {
            return Ok(());
        };
        if reader.end() != entry.len {
            let end = reader.end();
            self.damaged(&name, end, None, "it is not as long as the manifest says")?;
        }
        let mut seen = Foot::default();
        let mut is_whole = false;
        loop {
            let (offset, nonsense) = match reader.next().map_err(io_error(&name))? {
                Next::End => break,
                Next::Broken { offset } => (offset, Some("a block cannot be read")),
                Next::Frame { frame, offset } => {
                    let nonsense = match frame.kind {
                        KIND_HEAD => match decode::<Head>(frame.body) {
                            Some(head) => {
                                self.result.image.head(entry.lsn, head);
                                None
                            }
                            None => Some("the head is malformed"),
                        },
                        KIND_BLOCK => match self.result.image.block(&frame) {
                            Ok(count) => {
                                seen.sessions += u64::from(count);
                                seen.blocks += 1;
                                None
                            }
                            Err(nonsense) => Some(nonsense),
                        },
                        KIND_FOOT => {
                            is_whole = decode::<Foot>(frame.body) == Some(seen);
                            (!is_whole).then_some("the foot does not fit the blocks")
                        }
                        _ => Some("a frame is of no known kind"),
                    };
                    seen.digest = crc32c_append(seen.digest, &frame.crc.to_le_bytes());
                    (offset, nonsense)
                }
            };
            if let Some(what) = nonsense {
                self.damaged(&name, offset, None, what)?;
                let follows = |lsn: u64, kind| {
                    let is_near = lsn.checked_sub(entry.lsn).is_some_and(|ahead| ahead < NEAR);
                    is_near && (KIND_HEAD..=KIND_FOOT).contains(&kind)
                };
                let next = reader.search(follows);
                match next.map_err(io_error(&name))? {
                    Some(distance) => reader.skip(distance).map_err(io_error(&name))?,
                    None => break,
                }
            }
            self.progress(&reader, seen.sessions)?;
        }
        self.bytes += reader.end();
        self.watch.file(&name, reader.end(), seen.sessions);
        if !(is_whole && seen == entry.foot) && self.result.damages.is_empty() {
            self.damaged(&name, reader.end(), None, "its end is missing")?;
        }
        Ok(())
    }
}
