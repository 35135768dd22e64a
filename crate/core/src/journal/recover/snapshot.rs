//! Recovery of the snapshot, block by block.

use super::recovery::{RecoverError, Recovery, io_error};
use crate::format::codec::{Foot, Head, SnapshotEntry, decode};
use crate::format::header::{FileHeader, FileKind};
use crate::journal::reader::Next;
use crate::journal::snapshot::{KIND_BLOCK, KIND_FOOT, KIND_HEAD};
use crate::model::lsn::Lsn;
use crc32c::crc32c_append;

impl Recovery<'_> {
    /// Reads the snapshot that the manifest names.
    pub fn snapshot(&mut self, entry: SnapshotEntry) -> Result<(), RecoverError> {
        let name = entry.name();
        let is_expected = |header: &FileHeader| *header == entry.header();
        let Some(mut reader) = self.open(&name, FileKind::Snapshot, is_expected)? else {
            return Ok(());
        };
        if reader.end() != entry.len {
            let end = reader.end();
            self.damaged(&name, end, None, "its length is not the one in the manifest")?;
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
                            (!is_whole).then_some("the foot does not match the blocks")
                        }
                        _ => Some("a frame is of no known kind"),
                    };
                    seen.digest = crc32c_append(seen.digest, &frame.crc.to_le_bytes());
                    (offset, nonsense)
                }
            };
            if let Some(what) = nonsense {
                self.damaged(&name, offset, None, what)?;
                let follows =
                    |lsn: Lsn, kind| lsn.is_near(entry.lsn) && (KIND_HEAD..=KIND_FOOT).contains(&kind);
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
