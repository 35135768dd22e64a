//! The reader of a file of frames, one window at a time.

use crate::disk::{Disk, Source};
use crate::format::frame::{self, Broken, Frame, SearchResult, Seed};
use crate::format::header::{self, FileHeader, FileKind, Unreadable};
use crate::model::lsn::Lsn;
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes read at a time.
const WINDOW: usize = 1 << 18;
/// Limit of the bytes that all searches in a file may check without finding a frame, as a multiple of its length. A broken frame is
/// checked once, and by chance almost nothing else looks like one: only a crafted file reaches the limit.
const WORK: u64 = 8;

/// Result of [`FrameReader::next`].
#[derive(Debug)]
pub enum Next<'a> {
    Frame {
        frame: Frame<'a>,
        offset: u64,
    },
    /// The end of the file, right after a frame.
    End,
    /// No frame can be read at this offset.
    Broken {
        offset: u64,
    },
}

/// Reason why a file cannot be opened.
#[derive(Debug)]
pub enum HeaderError {
    Io(io::Error),
    Unreadable(Unreadable),
}

/// Reads a file's frames in order. Its buffer holds one window, or one frame if that is larger.
pub struct FrameReader {
    source: Box<dyn Source>,
    seed: Seed,
    buffer: Vec<u8>,
    /// Index in `buffer` of the first byte that is not yet consumed.
    at: usize,
    /// Offset of `buffer[at]` in the file.
    offset: u64,
    /// Where the file ends, or the part of it that counts.
    end: u64,
    /// Bytes that searches may still check without finding a frame.
    work: u64,
    gave_up: bool,
}

impl FrameReader {
    /// Opens a file and reads its header; the first frame is next.
    ///
    /// # Errors
    /// [`HeaderError`].
    pub fn open(disk: &dyn Disk, name: &str, kind: FileKind) -> Result<(FileHeader, Self), HeaderError> {
        let mut source = disk.open(name).map_err(HeaderError::Io)?;
        let end = source.len();
        let mut bytes = Vec::with_capacity(header::LEN);
        (&mut *source)
            .take(header::LEN as u64)
            .read_to_end(&mut bytes)
            .map_err(HeaderError::Io)?;
        let header = FileHeader::parse(&bytes, kind).map_err(HeaderError::Unreadable)?;
        let reader = Self {
            source,
            seed: Seed::new(header.salt),
            buffer: Vec::new(),
            at: 0,
            offset: header::LEN as u64,
            end,
            work: end.saturating_mul(WORK),
            gave_up: false,
        };
        Ok((header, reader))
    }

    /// The length of the file, or of the part that counts.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Offset of the next frame.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Ignores what the file has after `end`.
    pub fn limit(&mut self, end: u64) {
        self.end = self.end.min(end);
    }

    /// Reads the next frame.
    ///
    /// # Errors
    /// Disk errors.
    pub fn next(&mut self) -> io::Result<Next<'_>> {
        let left = self.left();
        if left == 0 {
            return Ok(Next::End);
        }
        let mut wanted = frame::HEADER;
        let found = loop {
            self.fill(wanted)?;
            match frame::parse(self.window(), left, self.seed) {
                Err(Broken::Short { needed }) if needed <= left && needed > wanted as u64 => {
                    wanted = usize::try_from(needed).unwrap_or(usize::MAX);
                }
                other => break other.map(|frame| frame.len()),
            }
        };
        let offset = self.offset;
        let Ok(length) = found else {
            return Ok(Next::Broken { offset });
        };
        let start = self.at;
        self.pass(length);
        // The parsed frame's borrow cannot leave the loop, so it is split off again, without another checksum.
        let bytes = self.buffer.get(start..self.at).unwrap_or_default();
        match frame::split(bytes) {
            Some((frame, _)) => Ok(Next::Frame { frame, offset }),
            None => Ok(Next::Broken { offset }),
        }
    }

    /// Skips `bytes` bytes, past damage.
    ///
    /// # Errors
    /// Disk errors.
    pub fn skip(&mut self, bytes: u64) -> io::Result<()> {
        self.go_to(self.offset.saturating_add(bytes).min(self.end))
    }

    /// Calls `visit` with every valid frame after the broken one that `wanted` accepts. The reader's position stays.
    ///
    /// # Errors
    /// Disk errors.
    pub fn visit_rest(
        &mut self,
        wanted: impl Fn(Lsn, u8) -> bool,
        mut visit: impl FnMut(&Frame<'_>),
    ) -> io::Result<()> {
        let start = self.offset;
        while self.advance(&wanted)? {
            if let Next::Frame { frame, .. } = self.next()? {
                visit(&frame);
            }
        }
        self.go_to(start)
    }

    /// Finds the first valid frame after the broken one that `wanted` accepts; returns its distance. The reader's position stays.
    ///
    /// # Errors
    /// Disk errors.
    pub fn search(&mut self, wanted: impl Fn(Lsn, u8) -> bool) -> io::Result<Option<u64>> {
        let start = self.offset;
        let distance = self.advance(&wanted)?.then(|| self.offset - start);
        self.go_to(start)?;
        Ok(distance)
    }

    /// Whether a search reached its limit, because too much of the file looked like frames and was none: what follows is then unknown.
    pub fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// Moves to the next valid frame that `wanted` accepts; false if there is none.
    fn advance(&mut self, wanted: &impl Fn(Lsn, u8) -> bool) -> io::Result<bool> {
        let mut needed = frame::HEADER;
        while !self.gave_up && self.left() >= frame::HEADER as u64 {
            self.fill(needed)?;
            let (window, left) = (self.window(), self.left());
            if window.len() < needed {
                // The file is shorter than it was when it was opened.
                self.end = self.offset + window.len() as u64;
                needed = frame::HEADER;
                continue;
            }
            let searched = window.len() - (frame::HEADER - 1);
            let mut work = self.work;
            let found = frame::search(window, left, self.seed, wanted, &mut work);
            self.work = work;
            needed = frame::HEADER;
            match found {
                SearchResult::At(at) => {
                    self.pass(at);
                    return Ok(true);
                }
                SearchResult::Beyond { at, needed: all } => {
                    self.pass(at);
                    needed = all;
                }
                SearchResult::Nothing => self.pass(searched),
                SearchResult::GaveUp => self.gave_up = true,
            }
        }
        Ok(false)
    }

    fn left(&self) -> u64 {
        self.end.saturating_sub(self.offset)
    }

    fn pass(&mut self, bytes: usize) {
        self.at += bytes;
        self.offset += bytes as u64;
    }

    fn go_to(&mut self, offset: u64) -> io::Result<()> {
        let begin = self.offset - self.at as u64;
        let at = offset.checked_sub(begin).and_then(|at| usize::try_from(at).ok());
        if let Some(at) = at.filter(|&at| at <= self.buffer.len()) {
            self.at = at;
        } else {
            self.source.seek(SeekFrom::Start(offset))?;
            self.buffer.clear();
            self.at = 0;
        }
        self.offset = offset;
        Ok(())
    }

    fn window(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    /// Reads until the window holds `wanted` bytes, or all that the file has.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        if self.window().len() >= wanted {
            return Ok(());
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        let left = self.end.saturating_sub(self.offset + self.buffer.len() as u64);
        let missing = wanted.max(WINDOW) - self.buffer.len();
        let take = left.min(missing as u64);
        (&mut *self.source).take(take).read_to_end(&mut self.buffer)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::disk::SimulatedDisk;

    const SALT: u64 = 7;

    /// The reader of a segment that has `bytes` after its header.
    fn reader(bytes: &[u8]) -> FrameReader {
        let header = FileHeader::new(FileKind::Segment, 1, Lsn::new(1), SALT);
        let disk = SimulatedDisk::new();
        disk.put("log", &[&header.to_bytes()[..], bytes].concat());
        FrameReader::open(&disk, "log", FileKind::Segment).unwrap().1
    }

    fn frames(lsns: impl Iterator<Item = u64>, body: usize) -> Vec<u8> {
        let mut frames = Vec::new();
        for lsn in lsns {
            frame::append(&mut frames, Lsn::new(lsn), 1, |out| {
                out.resize(out.len() + body, 0xaa);
            });
        }
        frame::seal(&mut frames, Seed::new(SALT), |_| ());
        frames
    }

    #[test]
    fn a_search_finds_a_frame_beyond_its_window_and_does_not_move_the_reader() {
        let rest = frames(5..8, WINDOW);
        let mut reader = reader(&[&vec![0xee; 3 * WINDOW + 5], &rest[..]].concat());
        let distance = reader.search(|lsn, _| lsn == Lsn::new(6)).unwrap().unwrap();
        assert_eq!(distance, (3 * WINDOW + 5 + WINDOW + frame::HEADER) as u64);
        assert_eq!(reader.offset(), header::LEN as u64);
        let mut seen = Vec::new();
        reader
            .visit_rest(|lsn, _| lsn < Lsn::new(100), |frame| seen.push(frame.lsn.get()))
            .unwrap();
        assert_eq!(seen, [5, 6, 7]);
        assert!(matches!(reader.next(), Ok(Next::Broken { .. })));
        reader.skip(distance).unwrap();
        assert!(matches!(reader.next(), Ok(Next::Frame { frame, .. }) if frame.lsn == Lsn::new(6)));
        assert!(!reader.gave_up());
    }

    /// Every fourth byte of this file looks like the start of a long frame: checking them all took quadratic time.
    #[test]
    fn a_search_through_a_crafted_file_gives_up_before_it_takes_quadratic_time() {
        let bytes = [1, 1, 1, 0].repeat(WINDOW);
        let mut reader = reader(&bytes);
        assert_eq!(reader.search(|_, _| true).unwrap(), None);
        assert!(reader.gave_up());
    }
}
