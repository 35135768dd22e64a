//! The types of frame bodies, and the only code that encodes and decodes them.
//!
//! The encoding is bincode 2.0.1 in its standard configuration: variable-length integers, little endian, fields in their order. Each
//! file's header has the number of its encoding, so that another can replace it; golden files of this one are in the tests.

use crate::model::lsn::Lsn;
use serde::{Deserialize, Serialize};

/// Maximum number of bytes that decoding may allocate, whatever lengths the input claims.
const LIMIT: usize = crate::format::frame::MAX_BODY;

/// The full state of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Put<'a> {
    pub handle: [u8; 12],
    /// Hash of the secret.
    pub secret: [u8; 16],
    pub version: u64,
    pub created_at: u64,
    pub last_seen_at: u64,
    pub idle_timeout: u64,
    pub absolute_deadline: u64,
    /// 0 for a guest.
    pub authenticated_at: u64,
    /// True if the texts are UTF-16, little endian; else they are latin1.
    pub wide: bool,
    #[serde(with = "serde_bytes", borrow)]
    pub uid: &'a [u8],
    #[serde(with = "serde_bytes", borrow)]
    pub data: &'a [u8],
    /// Fields of later versions; see [`crate::model::ext`].
    #[serde(with = "serde_bytes", borrow)]
    pub ext: &'a [u8],
}

/// Changed keys of a session's data. Everything else of the session is as in the record before, except what the fields say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys<'a> {
    pub handle: [u8; 12],
    /// Hash of the secret, which the change leaves as it was.
    pub secret: [u8; 16],
    /// The version after the change; that of the record before is one less.
    pub version: u64,
    pub last_seen_at: u64,
    pub idle_timeout: u64,
    /// True if the texts are UTF-16, little endian; else they are latin1.
    pub wide: bool,
    /// The text of an object with the keys that are replaced or added; empty if there are none.
    #[serde(with = "serde_bytes", borrow)]
    pub set: &'a [u8],
    /// The text of an object with the keys that are removed; empty if there are none.
    #[serde(with = "serde_bytes", borrow)]
    pub removed: &'a [u8],
}

/// A session's last activity and idle timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    pub handle: [u8; 12],
    pub last_seen_at: u64,
    pub idle_timeout: u64,
}

/// The removal of a session, for whatever reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remove {
    pub handle: [u8; 12],
}

/// The first frame of each batch in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// LSN up to which the log was synced before the batch was written.
    pub synced: Lsn,
    /// The store's time.
    pub now: u64,
}

/// The start of a snapshot block: `count` encoded [`Put`]s follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub count: u32,
}

/// The first frame of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub now: u64,
    /// Fields of later versions; see [`crate::model::ext`].
    #[serde(with = "serde_bytes")]
    pub ext: Vec<u8>,
}

/// The last frame of a snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foot {
    pub sessions: u64,
    pub blocks: u64,
    /// Running checksum over the checksums of the frames before it; in a [`SnapshotEntry`], of the foot too.
    pub digest: u32,
}

/// The list of the files that make up the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub generation: u64,
    pub snapshot: Option<SnapshotEntry>,
    /// By ascending LSN. Only the last may be unsealed.
    pub segments: Vec<SegmentEntry>,
    /// The store's time when this was written.
    pub now: u64,
    /// The highest LSN known to be assigned when this was written.
    pub last_lsn: Lsn,
    /// Names of damaged files, which are never removed.
    pub kept: Vec<String>,
    /// True if the store was closed and nothing was written since.
    pub clean: bool,
    /// Fields of later versions; see [`crate::model::ext`].
    #[serde(with = "serde_bytes")]
    pub ext: Vec<u8>,
}

/// The manifest's entry for the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotEntry {
    pub generation: u64,
    pub salt: u64,
    pub len: u64,
    /// Replay starts after this LSN.
    pub lsn: Lsn,
    pub foot: Foot,
}

/// The manifest's entry for a segment of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    pub generation: u64,
    pub number: u32,
    pub salt: u64,
    pub start_lsn: Lsn,
    /// Where the segment ends, once it is complete. Bytes after that are void.
    pub sealed: Option<Sealed>,
}

/// The end of a segment: its length, last record and running checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    pub len: u64,
    pub last_lsn: Lsn,
    pub chain: u32,
}

/// A bincode writer that appends to a vector.
struct Appending<'a>(&'a mut Vec<u8>);

impl bincode::enc::write::Writer for Appending<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<LIMIT>()
}

/// Appends the encoding of `value` to `out`.
///
/// # Panics
/// Never: bincode can encode every type of this file, and appending to a vector does not fail.
#[expect(
    clippy::expect_used,
    reason = "a write that is lost silently is worse than a panic that poisons the store"
)]
pub fn encode(value: &impl Serialize, out: &mut Vec<u8>) {
    bincode::serde::encode_into_writer(value, Appending(out), config()).expect("an encodable value");
}

/// Decodes a value at the start of `bytes`; returns it and the bytes after it.
pub fn decode_first<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<(T, &'a [u8])> {
    let (value, read) = bincode::serde::borrow_decode_from_slice(bytes, config()).ok()?;
    Some((value, bytes.get(read..)?))
}

/// Decodes a value that must take up all of `bytes`.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    decode_first(bytes).and_then(|(value, rest)| rest.is_empty().then_some(value))
}
