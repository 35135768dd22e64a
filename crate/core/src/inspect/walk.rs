//! The walk over one file: its header, and all frames that can be read.

use crate::disk::Disk;
use crate::format::codec::{Block, Foot, Mark, decode, decode_first};
use crate::format::frame::Frame;
use crate::format::header::{CODEC, FORMAT, FileHeader, FileKind, Unreadable};
use crate::format::queue::kind;
use crate::journal::catalog::KIND_MANIFEST;
use crate::journal::reader::{FrameReader, HeaderError, Next};
use crate::journal::recover::Watch;
use crate::journal::snapshot::{KIND_BLOCK, KIND_FOOT, KIND_HEAD};
use crate::model::lsn::Lsn;
use crc32c::crc32c_append;
use std::collections::BTreeMap;
use std::io;

/// Gaps of one file that are listed at most.
const MAX_GAPS: usize = 1_000;

/// A range of bytes in which no frame can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub offset: u64,
    pub len: u64,
    /// The LSN of the first frame after it.
    pub next_lsn: Option<Lsn>,
}

/// The facts in a file's header. Of a later version, only `format` and `codec` are known; the others are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderFacts {
    pub format: u16,
    pub codec: u16,
    pub generation: u64,
    pub start_lsn: Lsn,
}

/// The contents of a file, as [`walk`] counts them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileContents {
    /// `None` if it is damaged; then no frame can be read.
    pub header: Option<HeaderFacts>,
    /// The number of frames, by kind.
    pub frames: BTreeMap<u8, u64>,
    pub first_lsn: Option<Lsn>,
    pub last_lsn: Option<Lsn>,
    /// The LSN up to which the log was synced, as its marks say.
    pub synced: Lsn,
    /// Sessions in a snapshot.
    pub sessions: u64,
    /// Whether a snapshot's foot agrees with the frames before it; `None` without a foot.
    pub foot_fits: Option<bool>,
    /// The running checksum at which a segment begins, and the one at which it ends.
    pub chain: (u32, u32),
    /// Bytes of the header and of whole frames.
    pub whole: u64,
    /// The first gaps, at most `MAX_GAPS`.
    pub gaps: Vec<Gap>,
    /// The number of all gaps.
    pub gap_count: u64,
}

/// Reads a file up to `limit`, or to its end.
///
/// # Errors
/// If the disk cannot read the file.
pub fn walk(
    disk: &dyn Disk,
    name: &str,
    file_kind: FileKind,
    limit: Option<u64>,
    watch: &mut dyn Watch,
) -> io::Result<FileContents> {
    let mut contents = FileContents::default();
    let (header, mut reader) = match FrameReader::open(disk, name, file_kind) {
        Ok(opened) => opened,
        Err(HeaderError::Io(error)) => return Err(error),
        Err(HeaderError::Unreadable(Unreadable::Damaged)) => return Ok(contents),
        Err(HeaderError::Unreadable(Unreadable::Newer { format, codec })) => {
            contents.header = Some(HeaderFacts {
                format,
                codec,
                generation: 0,
                start_lsn: Lsn::default(),
            });
            return Ok(contents);
        }
    };
    contents.begin(&header);
    reader.limit(limit.unwrap_or(u64::MAX));
    contents.whole = reader.offset();
    let before = header.start_lsn.previous();
    let follows = |lsn: Lsn, kind: u8| lsn.is_near(before) && is_of(file_kind, kind);
    let mut gap: Option<Gap> = None;
    loop {
        let offset = match reader.next()? {
            Next::End => break,
            Next::Frame { frame, .. } => {
                contents.end_gap(gap.take(), Some(frame.lsn));
                contents.frame(&frame);
                watch.read(reader.offset(), 0);
                if watch.is_cancelled() {
                    break;
                }
                continue;
            }
            Next::Broken { offset } => offset,
        };
        let distance = reader.search(follows)?;
        let len = distance.unwrap_or(reader.end() - offset);
        gap = Some(Gap {
            offset,
            len,
            next_lsn: None,
        });
        if distance.is_none() {
            break;
        }
        reader.skip(len)?;
    }
    contents.end_gap(gap, None);
    Ok(contents)
}

/// The name of a kind of frame.
#[must_use]
pub fn kind_name(kind: u8) -> &'static str {
    match kind {
        kind::PUT => "put",
        kind::RENEW => "renew",
        kind::KEYS => "keys",
        kind::TOUCH => "touch",
        kind::REMOVE => "remove",
        kind::CLEAR => "clear",
        kind::SKIP => "skip",
        kind::MARK => "mark",
        KIND_HEAD => "head",
        KIND_BLOCK => "block",
        KIND_FOOT => "foot",
        KIND_MANIFEST => "manifest",
        _ => "unknown",
    }
}

/// Whether the search for the next frame after a gap accepts this kind.
fn is_of(file_kind: FileKind, kind: u8) -> bool {
    match file_kind {
        FileKind::Manifest => false,
        FileKind::Snapshot => (KIND_HEAD..=KIND_FOOT).contains(&kind),
        FileKind::Segment => kind::is_record(kind) || kind == kind::MARK,
    }
}

impl FileContents {
    fn begin(&mut self, header: &FileHeader) {
        self.header = Some(HeaderFacts {
            format: FORMAT,
            codec: CODEC,
            generation: header.generation,
            start_lsn: header.start_lsn,
        });
        self.chain = (header.chain, header.chain);
    }

    fn frame(&mut self, frame: &Frame<'_>) {
        *self.frames.entry(frame.kind).or_default() += 1;
        self.whole += frame.len() as u64;
        match frame.kind {
            kind::MARK => {
                let mark: Option<Mark> = decode(frame.body);
                self.synced = self.synced.max(mark.map(|mark| mark.synced).unwrap_or_default());
            }
            KIND_BLOCK => {
                let block: Option<(Block, _)> = decode_first(frame.body);
                self.sessions += block.map_or(0, |(block, _)| u64::from(block.count));
            }
            KIND_FOOT => {
                let seen = Foot {
                    sessions: self.sessions,
                    blocks: self.frames.get(&KIND_BLOCK).copied().unwrap_or_default(),
                    digest: self.chain.1,
                };
                self.foot_fits = Some(decode::<Foot>(frame.body) == Some(seen));
            }
            _ => {}
        }
        if frame.kind != kind::MARK {
            self.first_lsn.get_or_insert(frame.lsn);
            self.last_lsn = Some(frame.lsn);
        }
        self.chain.1 = crc32c_append(self.chain.1, &frame.crc.to_le_bytes());
    }

    fn end_gap(&mut self, gap: Option<Gap>, next_lsn: Option<Lsn>) {
        let Some(gap) = gap else { return };
        self.gap_count += 1;
        if self.gaps.len() < MAX_GAPS {
            self.gaps.push(Gap { next_lsn, ..gap });
        }
    }
}
