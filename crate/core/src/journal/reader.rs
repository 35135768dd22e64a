//! Reading a file of frames from its start, a little at a time.

use crate::journal::disk::{Disk, Source};
use crate::journal::faults::Faults;
use crate::journal::frame::{self, Broken, Frame, Seed};
use crate::journal::header::{self, FileHeader, FileKind, Unreadable};
use std::io::{self, Read};

/// Bytes read at a time.
const WINDOW: usize = 1 << 18;

/// What comes next in a file.
#[derive(Debug)]
pub enum Next<'a> {
    Frame {
        frame: Frame<'a>,
        offset: u64,
    },
    /// The end, right behind a frame.
    End,
    /// From here on there is no frame to be read.
    Broken {
        offset: u64,
    },
}

/// Why a file cannot be begun with.
#[derive(Debug)]
pub enum HeaderError {
    Io(io::Error),
    Unreadable(Unreadable),
}

/// A file's frames, one after the other. Holds one window, or one frame if that is larger.
pub struct FrameReader {
    source: Box<dyn Source>,
    seed: Seed,
    buffer: Vec<u8>,
    /// The part of `buffer` that is read and not yet handed out.
    at: usize,
    /// Where in the file `buffer[at]` is.
    offset: u64,
    /// Where the file ends, or what counts as its end.
    end: u64,
}

impl FrameReader {
    /// Opens a file behind its header.
    ///
    /// # Errors
    /// [`HeaderError`].
    pub fn open(
        disk: &dyn Disk,
        name: &str,
        kind: FileKind,
        faults: Faults,
    ) -> Result<(FileHeader, Self), HeaderError> {
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
            seed: Seed::new(header.salt, faults),
            buffer: Vec::new(),
            at: 0,
            offset: header::LEN as u64,
            end,
        };
        Ok((header, reader))
    }

    /// The length of the file.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Bytes read so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What is behind `end` does not count.
    pub fn limit(&mut self, end: u64) {
        self.end = self.end.min(end);
    }

    /// # Errors
    /// Of the disk.
    pub fn next(&mut self) -> io::Result<Next<'_>> {
        let left = self.end.saturating_sub(self.offset);
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
        self.at += length;
        self.offset += length as u64;
        // Parsed above; once more because a borrow cannot outlive the loop. Only the lengths are looked at.
        let bytes = self.buffer.get(start..self.at).unwrap_or_default();
        match frame::split(bytes) {
            Some((frame, _)) => Ok(Next::Frame { frame, offset }),
            None => Ok(Next::Broken { offset }),
        }
    }

    /// All that is left of the file, which is not read as frames any more.
    ///
    /// # Errors
    /// Of the disk.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.end.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        self.fill(left)?;
        Ok(self.window().get(..left).unwrap_or(self.window()).to_vec())
    }

    /// Goes on `bytes` further, behind damage.
    ///
    /// # Errors
    /// Of the disk.
    pub fn skip(&mut self, bytes: usize) -> io::Result<()> {
        self.fill(bytes)?;
        let skipped = bytes.min(self.window().len());
        self.at += skipped;
        self.offset += skipped as u64;
        Ok(())
    }

    /// All frames behind the one that cannot be read which `wanted` accepts.
    ///
    /// # Errors
    /// Of the disk.
    pub fn visit_rest(
        &mut self,
        wanted: impl Fn(u64, u8) -> bool,
        mut visit: impl FnMut(&Frame<'_>),
    ) -> io::Result<()> {
        let rest = self.rest()?;
        let mut bytes = &rest[..];
        while let Some(at) = frame::search(bytes, self.seed, &wanted) {
            bytes = bytes.get(at..).unwrap_or_default();
            let Some((frame, behind)) = frame::split(bytes) else {
                break;
            };
            visit(&frame);
            bytes = behind;
        }
        Ok(())
    }

    /// The first frame behind the one that cannot be read which `wanted` accepts; how far away it is.
    ///
    /// # Errors
    /// Of the disk.
    pub fn search(&mut self, wanted: impl Fn(u64, u8) -> bool) -> io::Result<Option<usize>> {
        let rest = self.rest()?;
        Ok(frame::search(&rest, self.seed, wanted))
    }

    fn window(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    /// Sees to it that the window holds `wanted` bytes, if the file has them.
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
