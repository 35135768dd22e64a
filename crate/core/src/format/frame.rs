//! Frames, the envelopes of everything that follows a file's header: length, checksum, LSN, kind, body.
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
//! A frame is broken if its length runs past the end of the file or exceeds [`MAX_BODY`], if its checksum does not match, or if its LSN
//! is above [`MOST`]. Nothing in it is trusted before the checksum has been verified.

use crate::format::header::MOST;
use crate::model::lsn::Lsn;
use crate::planted::{Fault, planted};
use crc32c::{crc32c, crc32c_append};

/// Bytes before the body.
pub const HEADER: usize = 17;
/// Longest body in bytes. The longest string that the JavaScript engine can hold takes 2^30 - 48 bytes in UTF-16; a put has its other
/// fields beside that, and a block the sessions before it. A body above this limit could be written but not read back.
pub const MAX_BODY: usize = (1 << 30) + (1 << 20);
const CRC: std::ops::Range<usize> = 4..8;

/// The initial value of a file's checksums, made from its salt: frames of another file, or stale ones of a reused file, do not match.
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

    /// The checksum of one whole frame, its CRC field left out.
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

/// A frame, split into its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    pub lsn: Lsn,
    pub kind: u8,
    pub body: &'a [u8],
    pub crc: u32,
}

impl Frame<'_> {
    /// Its size in the file, in bytes.
    pub fn len(&self) -> usize {
        HEADER + self.body.len()
    }
}

/// Reason why [`parse`] cannot read a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// There are fewer bytes than the frame has by its length field: `needed`, from its start.
    Short { needed: u64 },
    /// The length is above [`MAX_BODY`].
    Length,
    /// The checksum does not match, or the LSN is above [`MOST`].
    Checksum,
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .unwrap_or([0; N])
}

/// Splits the bytes of one whole frame into its fields.
fn fields(frame: &[u8]) -> Frame<'_> {
    Frame {
        lsn: Lsn::new(u64::from_le_bytes(number(frame, CRC.end))),
        kind: frame.get(HEADER - 1).copied().unwrap_or_default(),
        body: frame.get(HEADER..).unwrap_or_default(),
        crc: u32::from_le_bytes(number(frame, CRC.start)),
    }
}

/// Appends a frame without its checksum, which [`seal`] sets.
pub fn append(out: &mut Vec<u8>, lsn: Lsn, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; CRC.end]);
    out.extend_from_slice(&lsn.get().to_le_bytes());
    out.push(kind);
    body(out);
    let length = u32::try_from(out.len() - start - HEADER).unwrap_or(u32::MAX);
    if let Some(field) = out.get_mut(start..start + 4) {
        field.copy_from_slice(&length.to_le_bytes());
    }
}

/// Sets the checksum of every frame in `frames`, all of them whole, and calls `each` with each.
pub fn seal(mut frames: &mut [u8], seed: Seed, mut each: impl FnMut(&Frame<'_>)) {
    while let Some(needed) = needed(frames).filter(|&needed| needed <= frames.len()) {
        let (frame, rest) = frames.split_at_mut(needed);
        let crc = seed.checksum(frame);
        if let Some(field) = frame.get_mut(CRC) {
            field.copy_from_slice(&crc.to_le_bytes());
        }
        each(&fields(frame));
        frames = rest;
    }
}

/// Size of the frame at the start of `bytes`, by its length field.
fn needed(bytes: &[u8]) -> Option<usize> {
    let length: &[u8; 4] = bytes.first_chunk()?;
    Some(HEADER + u32::from_le_bytes(*length) as usize)
}

/// Splits off the first frame without verifying its checksum: for bytes that never left memory or were verified before.
pub fn split(bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    let (frame, rest) = bytes.split_at_checked(needed(bytes)?)?;
    Some((fields(frame), rest))
}

/// Reads and verifies the frame at the start of `bytes`, from where the file has `left` bytes to its end.
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
    let checksum = seed.checksum(frame);
    let frame = fields(frame);
    if checksum != frame.crc || frame.lsn.get() > MOST {
        return Err(Broken::Checksum);
    }
    Ok(frame)
}

/// Outcome of [`search`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchResult {
    /// Offset of the frame found.
    At(usize),
    /// What may be a frame and reaches beyond the bytes given: to check it, `needed` bytes from its start are needed.
    Beyond {
        at: usize,
        needed: usize,
    },
    Nothing,
    /// The allowed work was used up.
    GaveUp,
}

/// Finds the first valid frame in `bytes`, at any offset, whose LSN and kind `wanted` accepts. The file has `left` bytes from the start
/// of `bytes` to its end. Used to find what follows damage.
///
/// Each checksum that does not match takes the bytes it covered from `work`: without that limit a crafted file would take quadratic time.
pub fn search(
    bytes: &[u8],
    left: u64,
    seed: Seed,
    wanted: impl Fn(Lsn, u8) -> bool,
    work: &mut u64,
) -> SearchResult {
    for (at, header) in bytes.windows(HEADER).enumerate() {
        let lsn = Lsn::new(u64::from_le_bytes(number(header, CRC.end)));
        let kind = header.last().copied().unwrap_or_default();
        // The cheap check first.
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
    use crate::journal::snapshot;
    use crate::model::ext;
    use crate::model::facts::MAX_UID_UNITS;
    use crate::model::time::NEVER;

    /// The longest string that the JavaScript engine can hold, in bytes of UTF-16.
    const LONGEST_TEXT: usize = 2 * ((1 << 29) - 24);

    fn sealed(seed: Seed) -> Vec<u8> {
        let mut frames = Vec::new();
        append(&mut frames, Lsn::new(7), 1, |body| {
            body.extend_from_slice(b"body");
        });
        append(&mut frames, Lsn::new(8), 2, |_| ());
        seal(&mut frames, seed, |_| ());
        frames
    }

    #[test]
    fn a_frame_can_be_read_only_with_the_salt_it_was_sealed_with() {
        let seed = Seed::new(1);
        let frames = sealed(seed);
        let first = parse(&frames, frames.len() as u64, seed).unwrap();
        assert_eq!(
            (first.lsn, first.kind, first.body),
            (Lsn::new(7), 1, &b"body"[..])
        );
        let rest = &frames[first.len()..];
        assert_eq!(parse(rest, rest.len() as u64, seed).unwrap().lsn, Lsn::new(8));
        let other = Seed::new(2);
        assert_eq!(parse(&frames, frames.len() as u64, other), Err(Broken::Checksum));
        let left = frames.len() as u64 - 1;
        assert_eq!(
            search(&frames[1..], left, seed, |lsn, _| lsn > Lsn::new(7), &mut 1_000),
            SearchResult::At(first.len() - 1)
        );
    }

    #[test]
    fn a_length_past_the_end_of_the_file_or_above_the_limit_is_refused() {
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

    /// The limit was 2^30 bytes, some 500 less than a session with the longest text takes: it was written and acknowledged, and the store
    /// could not be opened again.
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
        // The length field of the longest text takes four bytes more than that of an empty one.
        let others = body.len() + size_of::<u32>() + snapshot::BYTES;
        assert!(
            LONGEST_TEXT + others <= MAX_BODY,
            "{others} bytes beside the text"
        );
    }

    /// A checksum without the length would not protect where a frame ends.
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
        assert!(!covers(), "the test must notice a checksum without the length");
    }
}
