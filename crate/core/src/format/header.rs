//! The file header: the first 56 bytes of each file, with the same layout in every version of the format.
//!
//! ```text
//! offset  size  field
//!      0     8  magic       which kind of file
//!      8     2  format      1; a file of a newer one is refused and not changed
//!     10     2  codec       how bodies are encoded
//!     12     4  number      a segment's number within its generation; else 0
//!     16     8  generation
//!     24     8  start       a segment: the LSN of its first record; a snapshot: replay starts after this LSN; the manifest: its last LSN
//!     32     8  salt        random; seeds the checksums of all frames
//!     40     4  chain       a segment: the running checksum over all records of the segment before
//!     44     8  reserved    0
//!     52     4  crc         CRC-32C over the 52 bytes before
//! ```

use crate::model::lsn::Lsn;
use crc32c::crc32c;

pub const LEN: usize = 56;
pub const FORMAT: u16 = 1;
/// The encoding of the bodies; see [`crate::format::codec`].
pub const CODEC: u16 = 1;
const CHECKED: usize = LEN - 4;
/// Highest generation and LSN that count as valid. No store reaches it, and counting on from it cannot overflow.
pub const MOST: u64 = 1 << 62;

/// The kind of a file, which its magic names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Manifest,
    Snapshot,
    Segment,
}

impl FileKind {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::Manifest => b"AGAISMAN",
            Self::Snapshot => b"AGAISNAP",
            Self::Segment => b"AGAISLOG",
        }
    }
}

/// The fields of a file header; see the table above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileHeader {
    pub kind: FileKind,
    pub generation: u64,
    pub number: u32,
    pub start_lsn: Lsn,
    pub salt: u64,
    pub chain: u32,
}

/// Reason why a header cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// Too short, another magic, a wrong checksum, or a number above [`MOST`].
    Damaged,
    /// Intact, but of a format or codec of a later version.
    Newer { format: u16, codec: u16 },
}

impl FileHeader {
    /// The header of a file without a number and without a chain: the manifest's or a snapshot's.
    pub fn new(kind: FileKind, generation: u64, start_lsn: Lsn, salt: u64) -> Self {
        Self {
            kind,
            generation,
            number: 0,
            start_lsn,
            salt,
            chain: 0,
        }
    }

    pub fn to_bytes(self) -> [u8; LEN] {
        let mut out = Vec::with_capacity(LEN);
        out.extend_from_slice(self.kind.magic());
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&CODEC.to_le_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&self.generation.to_le_bytes());
        out.extend_from_slice(&self.start_lsn.get().to_le_bytes());
        out.extend_from_slice(&self.salt.to_le_bytes());
        out.extend_from_slice(&self.chain.to_le_bytes());
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&crc32c(&out).to_le_bytes());
        out.first_chunk().copied().unwrap_or([0; LEN])
    }

    /// Reads the header of a file that must be of `kind`.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn parse(bytes: &[u8], kind: FileKind) -> Result<Self, Unreadable> {
        let header: &[u8; LEN] = bytes.first_chunk().ok_or(Unreadable::Damaged)?;
        let (checked, crc) = header.split_at(CHECKED);
        if !header.starts_with(kind.magic()) || crc != crc32c(checked).to_le_bytes() {
            return Err(Unreadable::Damaged);
        }
        let mut fields = Fields(header.get(8..).unwrap_or_default());
        let (format, codec) = (
            u16::from_le_bytes(fields.take()),
            u16::from_le_bytes(fields.take()),
        );
        if format != FORMAT || codec != CODEC {
            return Err(Unreadable::Newer { format, codec });
        }
        let header = Self {
            kind,
            number: u32::from_le_bytes(fields.take()),
            generation: u64::from_le_bytes(fields.take()),
            start_lsn: Lsn::new(u64::from_le_bytes(fields.take())),
            salt: u64::from_le_bytes(fields.take()),
            chain: u32::from_le_bytes(fields.take()),
        };
        let is_plausible = header.generation.max(header.start_lsn.get()) <= MOST;
        is_plausible.then_some(header).ok_or(Unreadable::Damaged)
    }
}

/// A cursor over fixed-width fields.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_first_chunk().unwrap_or((&[0; N], &[]));
        self.0 = rest;
        *field
    }
}
