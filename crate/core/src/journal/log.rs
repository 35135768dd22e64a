//! The append log's writing side: one segment, to which batches are appended.

use crate::disk::{Disk, Sink};
use crate::format::codec::{Mark, Put, Remove, Sealed, SegmentEntry, decode, encode};
use crate::format::frame::{self, Seed};
use crate::format::header::{self, FileHeader, FileKind};
use crate::format::queue::{Batch, kind};
use crate::planted::{Fault, planted};
use crc32c::crc32c_append;
use std::io;

/// The name of a segment's file.
pub fn segment_name(generation: u64, number: u32) -> String {
    format!("log-{generation}-{number:03}")
}

/// An open segment. After an error of `append` or `sync` it is lost: nothing may be appended or synced any more, but for what
/// `append` says of a full disk.
pub struct Log {
    sink: Box<dyn Sink>,
    entry: SegmentEntry,
    seed: Seed,
    /// Bytes that are whole records.
    len: u64,
    last_lsn: u64,
    synced_lsn: u64,
    /// Running checksum over the records' checksums.
    chain: u32,
}

/// What became of an append that failed.
#[derive(Debug)]
pub struct AppendError {
    pub error: io::Error,
    /// There was no room, and the file is as it was before.
    pub full: bool,
}

impl Log {
    /// Makes a new segment, on the disk with its name and its header, behind a record and a segment of this checksum.
    ///
    /// # Errors
    /// Of the disk. The file is then not used, and removed later.
    pub fn create(disk: &dyn Disk, entry: SegmentEntry, previous_chain: u32) -> io::Result<Self> {
        let header = FileHeader {
            kind: FileKind::Segment,
            generation: entry.generation,
            number: entry.number,
            start_lsn: entry.start_lsn,
            salt: entry.salt,
            chain: previous_chain,
        };
        let name = segment_name(entry.generation, entry.number);
        remove_leftover(disk, &name)?;
        let mut sink = disk.create(&name)?;
        let made = sink
            .write_all(&header.to_bytes())
            .and_then(|()| sink.sync())
            .and_then(|()| disk.sync_dir());
        made.inspect_err(|_| {
            // Where that fails, the next manifest has it removed.
            let _ = disk.remove(&name);
        })?;
        let behind = entry.start_lsn - 1;
        Ok(Self {
            sink,
            entry,
            seed: Seed::new(entry.salt),
            len: header::LEN as u64,
            last_lsn: behind,
            synced_lsn: behind,
            chain: previous_chain,
        })
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn last_lsn(&self) -> u64 {
        self.last_lsn
    }

    pub fn synced_lsn(&self) -> u64 {
        self.synced_lsn
    }

    /// Whether something was written since the last sync.
    pub fn is_dirty(&self) -> bool {
        self.synced_lsn < self.last_lsn
    }

    pub fn sealed(&self) -> SegmentEntry {
        SegmentEntry {
            sealed: Some(Sealed {
                len: self.len,
                last_lsn: self.last_lsn,
                chain: self.chain,
            }),
            ..self.entry
        }
    }

    /// Hands a batch to the operating system, behind a mark that says what was on the disk before.
    ///
    /// # Errors
    /// Of the disk. What was written of the batch is cut off again; if that fails too, or for any other reason than a full
    /// disk, the segment is lost.
    pub fn append(&mut self, batch: &mut Batch, now: u64) -> Result<(), AppendError> {
        let mark = Mark {
            synced: self.synced_lsn,
            now,
        };
        let mut first = Vec::with_capacity(64);
        frame::append(&mut first, self.last_lsn, kind::MARK, |body| encode(&mark, body));
        let (mut chain, mut len) = (self.chain, self.len);
        let mut written = Ok(());
        for chunk in std::iter::once(&mut first).chain(&mut batch.chunks) {
            frame::seal(chunk, self.seed, |frame| {
                chain = crc32c_append(chain, &frame.crc.to_le_bytes());
            });
            written = self.sink.write_all(chunk);
            if written.is_err() {
                break;
            }
            len += chunk.len() as u64;
        }
        if let Err(error) = written {
            let full = is_full(&error) && self.sink.cut(self.len).is_ok();
            return Err(AppendError { error, full });
        }
        self.chain = chain;
        self.len = len;
        self.last_lsn = batch.last_lsn;
        Ok(())
    }

    /// Waits until all that was appended is on the disk.
    ///
    /// # Errors
    /// Of the disk. The file is poisoned: the system may have dropped what was written, and a second sync would not say so.
    pub fn sync(&mut self) -> io::Result<()> {
        let mut synced = self.sink.sync();
        if synced.is_err() && planted(Fault::SyncRetried) {
            synced = self.sink.sync();
        }
        synced?;
        self.synced_lsn = self.last_lsn;
        Ok(())
    }
}

/// Removes a file that no manifest named, because a crash came between.
///
/// # Errors
/// Of the disk.
pub fn remove_leftover(disk: &dyn Disk, name: &str) -> io::Result<()> {
    match disk.remove(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether an error says that there is no room, which may come back.
pub fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// Reduces a batch to what a full disk can still take: the ends of sessions. Every other write keeps only its LSN, and a session with a
/// new secret ends on the disk, because its old id must not come back.
///
/// # Panics
/// When the batch does not hold what this process encoded.
#[expect(
    clippy::expect_used,
    reason = "a renewal that is lost in silence would bring an old id back"
)]
pub fn reduce(batch: &mut Batch) {
    let mut reduced = Vec::new();
    for chunk in &batch.chunks {
        // Sealed or not, the lengths are right: nothing has changed the frames since they were made.
        let mut rest = &chunk[..];
        while let Some((frame, next)) = frame::split(rest) {
            match frame.kind {
                kind::REMOVE | kind::CLEAR => frame::append(&mut reduced, frame.lsn, frame.kind, |body| {
                    body.extend_from_slice(frame.body);
                }),
                kind::RENEW => {
                    let put: Put<'_> = decode(frame.body).expect("a record that this process encoded");
                    frame::append(&mut reduced, frame.lsn, kind::REMOVE, |body| {
                        encode(&Remove { handle: put.handle }, body);
                    });
                }
                _ => frame::append(&mut reduced, frame.lsn, kind::SKIP, |_| ()),
            }
            rest = next;
        }
    }
    batch.chunks = vec![reduced];
}
