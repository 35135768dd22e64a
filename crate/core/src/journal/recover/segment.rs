//! Recovery of a segment of the log, record by record, up to its end or to a torn tail.

use super::recovery::{RecoverError, Recovery, Torn, io_error};
use crate::format::codec::{Mark, Sealed, SegmentEntry, decode};
use crate::format::frame::{self, Frame};
use crate::format::header::{self, FileHeader, FileKind};
use crate::format::queue::kind;
use crate::journal::reader::Next;
use crate::model::lsn::Lsn;
use crate::planted::{Fault, planted};
use crc32c::crc32c_append;

const MISSING: &str = "records are missing before this one";
const ABSURD: &str = "the record has an LSN that no store reaches";

/// What is known of a segment before it is read.
pub struct Expected {
    /// Chain at the end of the segment before it; `None` for the first.
    pub chain: Option<u32>,
    pub is_last: bool,
}

impl Recovery<'_> {
    /// Reads a segment; returns where its records end.
    #[expect(clippy::too_many_lines, reason = "one loop over one file")]
    pub(super) fn segment(
        &mut self,
        entry: &SegmentEntry,
        expected: &Expected,
    ) -> Result<Sealed, RecoverError> {
        let name = entry.name();
        let mut end = Sealed {
            len: 0,
            last_lsn: entry.start_lsn.previous(),
            chain: expected.chain.unwrap_or_default(),
        };
        let chain = &mut end.chain;
        let is_expected = |header: &FileHeader| {
            *chain = header.chain;
            *header == entry.header(expected.chain.unwrap_or(header.chain))
        };
        let Some(mut reader) = self.open(&name, FileKind::Segment, is_expected)? else {
            return Ok(entry.sealed.unwrap_or(end));
        };
        if let Some(sealed) = entry.sealed {
            reader.limit(sealed.len);
        }
        // The highest LSN that a mark says was synced.
        let mut synced = Lsn::default();
        // Whether `synced` covers the marks after the first broken place, too.
        let mut marks_are_known = false;
        let mut records = 0;
        // Whether damage was listed and no record has been read since.
        let mut gap_is_listed = false;
        loop {
            let known = end.last_lsn;
            let (offset, what, is_broken) = match reader.next().map_err(io_error(&name))? {
                Next::End => break,
                Next::Broken { offset } => (offset, "a record cannot be read", true),
                Next::Frame { frame, offset } => {
                    let applied = self.record(&frame, &mut end, &mut synced);
                    end.chain = crc32c_append(end.chain, &frame.crc.to_le_bytes());
                    match applied {
                        Ok(()) => {
                            let is_mark = frame.kind == kind::MARK;
                            let follows = frame.lsn == if is_mark { known } else { known.next() };
                            if self.salvage && !follows && !gap_is_listed {
                                self.damaged(&name, offset, Some(frame.lsn), MISSING)?;
                            }
                            gap_is_listed = is_mark && (gap_is_listed || !follows);
                            records += 1;
                            end.len = reader.offset();
                            let sessions = u64::from(self.result.image.records.len());
                            self.progress(&reader, sessions)?;
                            continue;
                        }
                        Err(nonsense) => (offset, nonsense, false),
                    }
                }
            };
            // A frame after the damage must be newer, but not by more records than fit in the rest of the file.
            let most = (reader.end() - offset) / frame::HEADER as u64 + 2;
            let follows = |lsn: Lsn, kind| {
                let is_near = lsn.distance(known).is_some_and(|records| records <= most);
                is_near && (kind == kind::MARK || kind::is_record(kind) && lsn > known)
            };
            let found = reader.search(follows).map_err(io_error(&name))?;
            let may_tear = expected.is_last && entry.sealed.is_none();
            if may_tear && found.is_some() && !marks_are_known {
                marks_are_known = true;
                let visit = |frame: &Frame<'_>| {
                    let mark: Option<Mark> = (frame.kind == kind::MARK).then(|| decode(frame.body)).flatten();
                    synced = synced.max(mark.map(|mark| mark.synced).unwrap_or_default());
                };
                reader.visit_rest(follows, visit).map_err(io_error(&name))?;
            }
            let is_torn = is_broken && may_tear && synced <= known && !reader.gave_up();
            if is_torn {
                self.result.torn = Some(Torn {
                    file: name.clone(),
                    offset,
                    len: reader.end() - offset,
                });
                break;
            }
            if !planted(Fault::ReplayPastTorn) {
                self.damaged(&name, offset, found.map(|_| known.next()), what)?;
            }
            gap_is_listed = true;
            let Some(distance) = found else { break };
            reader.skip(distance).map_err(io_error(&name))?;
        }
        end.len = end.len.max(header::LEN as u64);
        self.bytes += reader.end();
        self.watch.file(&name, end.len, records);
        if let Some(sealed) = entry.sealed
            && sealed != end
            && !planted(Fault::GapIgnored)
        {
            self.damaged(
                &name,
                end.len,
                None,
                "its length, last LSN or checksum is not the one in the manifest",
            )?;
        }
        if synced > end.last_lsn {
            self.damaged(
                &name,
                end.len,
                None,
                "records that had been synced are missing at its end",
            )?;
        }
        Ok(end)
    }

    /// Applies a mark or a record; an error says what is wrong with it.
    fn record(&mut self, frame: &Frame<'_>, end: &mut Sealed, synced: &mut Lsn) -> Result<(), &'static str> {
        if frame.kind == kind::MARK {
            let mark: Mark = decode(frame.body).ok_or("the mark is malformed")?;
            *synced = mark.synced.max(*synced);
            self.result.image.now = self.result.image.now.max(mark.now);
            if frame.lsn != end.last_lsn && !self.salvage && !planted(Fault::GapIgnored) {
                return Err("records are missing before this mark");
            }
            return Ok(());
        }
        let is_next = frame.lsn == end.last_lsn.next() || self.salvage && frame.lsn > end.last_lsn;
        if !is_next && !planted(Fault::GapIgnored) {
            return Err(MISSING);
        }
        if !frame.lsn.is_near(end.last_lsn) {
            return Err(ABSURD);
        }
        end.last_lsn = frame.lsn;
        self.result.image.record(frame)
    }
}
