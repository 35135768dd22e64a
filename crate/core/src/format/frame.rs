//! The envelope of everything on disk: length, checksum, sequence number, kind, body.
//!
//! ```text
//! offset  size  field
//!      0     4  len    length of the body, little endian like all numbers
//!      4     4  crc    CRC-32C, seeded with the file's salt, over len, lsn, kind and body
//!      8     8  lsn    log sequence number
//!     16     1  kind
//!     17   len  body
//! ```
//!
//! A frame is broken when its length runs past the end of the file or over [`MAX_BODY`], when the checksum does not hold, or when its
//! number is beyond all bounds.
//! Nothing in it but the length is looked at before the checksum holds.

use crate::format::header::MOST;
use crate::planted::{Fault, planted};
use crc32c::{crc32c, crc32c_append};

/// Bytes before the body.
pub const HEADER: usize = 17;
/// Longest body. The longest text that the engine can hold takes 2^30 - 48 bytes where it is stored wide; beside it a put has its other
/// fields, and a block the sessions before it. What is written must be read.
pub const MAX_BODY: usize = (1 << 30) + (1 << 20);
const CRC: std::ops::Range<usize> = 4..8;

/// Where a file's checksums start: a frame of another file, or of this file's former life, does not pass here.
#[derive(Debug, Clone, Copy)]
pub struct Seed {
    crc: u32,
}

impl Seed {
    pub fn new(salt: u64) -> Self {
        Self {
            crc: crc32c(&salt.to_le_bytes()),
        }
    }

    /// The checksum of a frame's bytes, from its start to its body's end.
    fn checksum(self, frame: &[u8]) -> u32 {
        let (length, rest) = (frame.get(..4), frame.get(CRC.end..));
        let seeded = if planted(Fault::CrcWithoutLength) {
            self.crc
        } else {
            crc32c_append(self.crc, length.unwrap_or_default())
        };
        crc32c_append(seeded, rest.unwrap_or_default())
    }
}

/// A frame whose checksum held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    pub lsn: u64,
    pub kind: u8,
    pub body: &'a [u8],
    pub crc: u32,
}

impl Frame<'_> {
    /// Bytes it takes in the file.
    pub fn len(&self) -> usize {
        HEADER + self.body.len()
    }
}

/// Why no frame can be read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// The file ends before the frame does, were its length right: this many bytes from its start are needed.
    Short {
        needed: u64,
    },
    /// The length is beyond all bounds.
    Length,
    Checksum,
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .unwrap_or([0; N])
}

/// Appends a frame whose checksum is still to be set by [`seal`].
pub fn append(out: &mut Vec<u8>, lsn: u64, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; CRC.end]);
    out.extend_from_slice(&lsn.to_le_bytes());
    out.push(kind);
    body(out);
    let length = u32::try_from(out.len() - start - HEADER).unwrap_or(u32::MAX);
    if let Some(field) = out.get_mut(start..start + 4) {
        field.copy_from_slice(&length.to_le_bytes());
    }
}

/// Sets the checksums of the whole frames that `frames` consists of, and hands each to `each`.
pub fn seal(mut frames: &mut [u8], seed: Seed, mut each: impl FnMut(&Frame<'_>)) {
    while let Some(needed) = needed(frames).filter(|&needed| needed <= frames.len()) {
        let (frame, rest) = frames.split_at_mut(needed);
        let crc = seed.checksum(frame);
        if let Some(field) = frame.get_mut(CRC) {
            field.copy_from_slice(&crc.to_le_bytes());
        }
        each(&Frame {
            lsn: u64::from_le_bytes(number(frame, CRC.end)),
            kind: frame.get(HEADER - 1).copied().unwrap_or_default(),
            body: frame.get(HEADER..).unwrap_or_default(),
            crc,
        });
        frames = rest;
    }
}

/// Bytes from the start of a frame to its end, as its length field has it.
fn needed(bytes: &[u8]) -> Option<usize> {
    let length: &[u8; 4] = bytes.first_chunk()?;
    Some(HEADER + u32::from_le_bytes(*length) as usize)
}

/// Cuts the first frame off without a look at its checksum: for bytes that never left the memory, or were checked.
pub fn split(bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    let (frame, rest) = bytes.split_at_checked(needed(bytes)?)?;
    Some((
        Frame {
            lsn: u64::from_le_bytes(number(frame, CRC.end)),
            kind: frame.get(HEADER - 1).copied()?,
            body: frame.get(HEADER..)?,
            crc: u32::from_le_bytes(number(frame, CRC.start)),
        },
        rest,
    ))
}

/// Reads the frame at the start of `bytes`, in which the file goes on for `left` bytes in all.
pub fn parse(bytes: &[u8], left: u64, seed: Seed) -> Result<Frame<'_>, Broken> {
    let Some(needed) = needed(bytes).filter(|_| left >= HEADER as u64) else {
        return Err(Broken::Short {
            needed: HEADER as u64,
        });
    };
    if needed - HEADER > MAX_BODY {
        return Err(Broken::Length);
    }
    let Some(frame) = bytes.get(..needed) else {
        return Err(Broken::Short {
            needed: needed as u64,
        });
    };
    let crc = u32::from_le_bytes(number(frame, CRC.start));
    let lsn = u64::from_le_bytes(number(frame, CRC.end));
    if seed.checksum(frame) != crc || lsn > MOST {
        return Err(Broken::Checksum);
    }
    Ok(Frame {
        lsn,
        kind: frame.get(HEADER - 1).copied().unwrap_or_default(),
        body: frame.get(HEADER..).unwrap_or_default(),
        crc,
    })
}

/// What a search came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchResult {
    /// A whole frame.
    At(usize),
    /// What may be a frame, and reaches beyond the bytes: this many are needed from its start.
    Beyond {
        at: usize,
        needed: usize,
    },
    Nothing,
    /// There was work for longer than allowed.
    GaveUp,
}

/// The first whole frame that starts in `bytes`, at whichever offset, and that `wanted` accepts by its sequence number and kind; the
/// file has `left` bytes from their start on. For damaged files: tells what lies behind the damage.
///
/// `work` is taken from by each checksum that does not hold: without a bound, a file made for it would take quadratic time.
pub fn search(
    bytes: &[u8],
    left: u64,
    seed: Seed,
    wanted: impl Fn(u64, u8) -> bool,
    work: &mut u64,
) -> SearchResult {
    for (at, header) in bytes.windows(HEADER).enumerate() {
        let lsn = u64::from_le_bytes(number(header, CRC.end));
        let kind = header.last().copied().unwrap_or_default();
        // The cheap questions first.
        if !wanted(lsn, kind) {
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let needed = needed(rest).unwrap_or(usize::MAX);
        match parse(rest, left.saturating_sub(at as u64), seed) {
            Ok(_) => return SearchResult::At(at),
            Err(Broken::Short { .. }) if needed as u64 <= left.saturating_sub(at as u64) => {
                return SearchResult::Beyond { at, needed };
            }
            Err(Broken::Checksum) if *work < needed as u64 => return SearchResult::GaveUp,
            Err(Broken::Checksum) => *work -= needed as u64,
            Err(_) => {}
        }
    }
    SearchResult::Nothing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::codec::{Block, Put, encode};
    use crate::format::ext;
    use crate::journal::snapshot;
    use crate::model::facts::MAX_UID_UNITS;
    use crate::model::time::NEVER;

    /// The longest text that the engine can hold, at two bytes a unit.
    const LONGEST_TEXT: usize = 2 * ((1 << 29) - 24);

    fn sealed(seed: Seed) -> Vec<u8> {
        let mut frames = Vec::new();
        append(&mut frames, 7, 1, |body| body.extend_from_slice(b"body"));
        append(&mut frames, 8, 2, |_| ());
        seal(&mut frames, seed, |_| ());
        frames
    }

    #[test]
    fn frames_come_back_under_their_own_salt_alone() {
        let seed = Seed::new(1);
        let frames = sealed(seed);
        let first = parse(&frames, frames.len() as u64, seed).unwrap();
        assert_eq!((first.lsn, first.kind, first.body), (7, 1, &b"body"[..]));
        let rest = &frames[first.len()..];
        assert_eq!(parse(rest, rest.len() as u64, seed).unwrap().lsn, 8);
        let other = Seed::new(2);
        assert_eq!(parse(&frames, frames.len() as u64, other), Err(Broken::Checksum));
        let left = frames.len() as u64 - 1;
        assert_eq!(
            search(&frames[1..], left, seed, |lsn, _| lsn > 7, &mut 1_000),
            SearchResult::At(first.len() - 1)
        );
    }

    #[test]
    fn no_length_is_believed_that_runs_past_the_file_or_all_bounds() {
        let seed = Seed::new(1);
        let mut frames = sealed(seed);
        frames[0] = 200;
        assert_eq!(
            parse(&frames, frames.len() as u64, seed),
            Err(Broken::Short { needed: 217 })
        );
        frames[3] = 0xff;
        assert_eq!(parse(&frames, u64::MAX, seed), Err(Broken::Length));
        assert_eq!(parse(&[], 0, seed), Err(Broken::Short { needed: 17 }));
    }

    /// The bound was 2^30 bytes, some 500 less than a session of the longest text takes: it was written and acknowledged, and the store did
    /// not open again.
    #[test]
    fn a_session_of_the_longest_text_can_be_read_from_the_log_and_from_a_snapshot() {
        let mut body = Vec::new();
        let most = u32::MAX;
        encode(&Block { count: most }, &mut body);
        let put = Put {
            handle: [0xff; 12],
            secret: [0xff; 16],
            version: NEVER,
            created_at: NEVER,
            last_seen_at: NEVER,
            idle_timeout: NEVER,
            absolute_deadline: NEVER,
            authenticated_at: NEVER,
            wide: true,
            uid: &[0; 2 * MAX_UID_UNITS],
            data: &[],
            ext: &vec![0; ext::MAX],
        };
        encode(&put, &mut body);
        // The text's length takes four bytes more than that of none.
        let others = body.len() + size_of::<u32>() + snapshot::BYTES;
        assert!(
            LONGEST_TEXT + others <= MAX_BODY,
            "{others} bytes beside the text"
        );
    }

    /// Without the length a checksum says nothing of where a frame ends.
    #[test]
    fn the_checksum_covers_the_length() {
        let covers = || {
            let seed = Seed::new(1);
            let frames = sealed(seed);
            let mut other = frames.clone();
            other[0] ^= 1;
            seed.checksum(&frames) != seed.checksum(&other)
        };
        assert!(covers());
        let _planted = crate::planted::plant(Fault::CrcWithoutLength);
        assert!(!covers(), "the check notices a length left out");
    }
}
