//! The writing side of the append log: one segment, to which batches are appended.

use crate::disk::{Disk, Sink, remove_leftover};
use crate::format::codec::{Mark, Put, Remove, Sealed, SegmentEntry, decode, encode};
use crate::format::frame::{self, Seed};
use crate::format::header::{self, FileHeader, FileKind};
use crate::format::queue::{Batch, kind};
use crate::model::lsn::Lsn;
use crate::planted::{Fault, planted};
use crc32c::crc32c_append;
use std::io;

impl SegmentEntry {
    /// The name of the segment's file.
    pub fn name(&self) -> String {
        format!("log-{}-{:03}", self.generation, self.number)
    }

    /// The header of the segment's file. `chain` is that at the end of the segment before, or 0.
    pub fn header(&self, chain: u32) -> FileHeader {
        FileHeader {
            number: self.number,
            chain,
            ..FileHeader::new(FileKind::Segment, self.generation, self.start_lsn, self.salt)
        }
    }
}

/// An open segment. After an error of `append` or `sync` it is poisoned: it must not be appended to or synced again, except after an
/// [`AppendError`] that is `full`.
pub struct Log {
    sink: Box<dyn Sink>,
    entry: SegmentEntry,
    seed: Seed,
    /// Length of the file up to the end of its last whole record.
    len: u64,
    last_lsn: Lsn,
    synced_lsn: Lsn,
    /// Running checksum over the frames' checksums, continued from the segment before.
    chain: u32,
}

/// Error of an append.
#[derive(Debug)]
pub struct AppendError {
    pub error: io::Error,
    /// True if there was no space and the file was cut back to what it was before.
    pub full: bool,
}

impl Log {
    /// Creates a segment and syncs its header and its name. `previous_chain` is the chain of the segment before it, or 0.
    ///
    /// # Errors
    /// Disk errors. The file is then removed, at once or after the next update of the manifest.
    pub fn create(disk: &dyn Disk, entry: SegmentEntry, previous_chain: u32) -> io::Result<Self> {
        let name = entry.name();
        remove_leftover(disk, &name)?;
        let mut sink = disk.create(&name)?;
        let made = sink
            .write_all(&entry.header(previous_chain).to_bytes())
            .and_then(|()| sink.sync())
            .and_then(|()| disk.sync_dir());
        made.inspect_err(|_| {
            // If that fails, the next update of the manifest removes it.
            let _ = disk.remove(&name);
        })?;
        let last_lsn = entry.start_lsn.previous();
        Ok(Self {
            sink,
            entry,
            seed: Seed::new(entry.salt),
            len: header::LEN as u64,
            last_lsn,
            synced_lsn: last_lsn,
            chain: previous_chain,
        })
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn last_lsn(&self) -> Lsn {
        self.last_lsn
    }

    pub fn synced_lsn(&self) -> Lsn {
        self.synced_lsn
    }

    /// Whether something was written since the last sync.
    pub fn is_dirty(&self) -> bool {
        self.synced_lsn < self.last_lsn
    }

    /// The manifest's entry for this segment, sealed at its current end.
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

    /// Writes a batch to the operating system, after a mark that says what was synced before.
    ///
    /// # Errors
    /// Disk errors. On a full disk what was written of the batch is cut off again, and the segment stays usable; after any other
    /// error, or if the cut fails, it is poisoned.
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

    /// Syncs all that was appended to the disk.
    ///
    /// # Errors
    /// Disk errors. The segment is then poisoned: the system may have dropped written data, and a second sync would succeed without it.
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

/// Whether an error means that there is no space, which may change.
pub fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// Reduces a batch to what a full disk can still take: the removals of sessions. Every other write keeps only its LSN, and a renewal
/// becomes a removal, because the old id must not come back.
///
/// # Panics
/// If the batch has a renewal that this process did not encode.
#[expect(
    clippy::expect_used,
    reason = "a renewal that is lost silently would bring an old id back"
)]
pub fn reduce(batch: &mut Batch) {
    let mut reduced = Vec::new();
    for chunk in &batch.chunks {
        // The lengths are right, sealed or not: the frames never left memory.
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
