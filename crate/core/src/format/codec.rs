//! What the bodies of frames hold, and the one place that turns it into bytes and back.
//!
//! The encoding is bincode 2.0.1's standard configuration: variable-length integers, little endian, fields in their order. Its
//! number is in every file's header, so that another one can follow; golden files of this one are in the tests.

use serde::{Deserialize, Serialize};

/// No decoding allocates more than this, whatever the bytes say.
const LIMIT: usize = crate::format::frame::MAX_BODY;

/// A session as it is now, whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Put<'a> {
    pub handle: [u8; 12],
    /// The hash of the secret.
    pub secret: [u8; 16],
    pub version: u64,
    pub created_at: u64,
    pub last_seen_at: u64,
    pub idle_timeout: u64,
    pub absolute_deadline: u64,
    /// 0 for a guest.
    pub authenticated_at: u64,
    /// The texts are UTF-16, little endian; else latin1.
    pub wide: bool,
    #[serde(with = "serde_bytes", borrow)]
    pub uid: &'a [u8],
    #[serde(with = "serde_bytes", borrow)]
    pub data: &'a [u8],
    /// Facts of later versions; see [`crate::format::ext`].
    #[serde(with = "serde_bytes", borrow)]
    pub ext: &'a [u8],
}

/// Activity of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    pub handle: [u8; 12],
    pub last_seen_at: u64,
    pub idle_timeout: u64,
}

/// The end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remove {
    pub handle: [u8; 12],
}

/// What a batch of the log begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// All up to here was on the disk before the batch was written.
    pub synced: u64,
    /// The store's time.
    pub now: u64,
}

/// What a block of a snapshot begins with: its [`Put`]s follow, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub count: u32,
}

/// What a snapshot begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub now: u64,
    /// Facts of later versions; see [`crate::format::ext`].
    #[serde(with = "serde_bytes")]
    pub ext: Vec<u8>,
}

/// What a snapshot ends with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foot {
    pub sessions: u64,
    pub blocks: u64,
    /// Running checksum over the blocks' checksums.
    pub digest: u32,
}

/// Which files make up the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub generation: u64,
    pub snapshot: Option<SnapshotEntry>,
    /// In the order of their records. Only the last may be open.
    pub segments: Vec<SegmentEntry>,
    /// The store's time when this was written.
    pub now: u64,
    /// The newest record ever given a number, as far as known.
    pub last_lsn: u64,
    /// Files of a damaged generation, which are never removed.
    pub kept: Vec<String>,
    /// The store was closed, and nothing was written since.
    pub clean: bool,
    /// Facts of later versions; see [`crate::format::ext`].
    #[serde(with = "serde_bytes")]
    pub ext: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotEntry {
    pub generation: u64,
    pub salt: u64,
    pub len: u64,
    /// Replay begins behind this record.
    pub lsn: u64,
    pub foot: Foot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    pub generation: u64,
    pub number: u32,
    pub salt: u64,
    pub start_lsn: u64,
    /// Where it ended, once it did: what is behind that is void.
    pub sealed: Option<Sealed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    pub len: u64,
    pub last_lsn: u64,
    pub chain: u32,
}

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

/// Appends the bytes of `value`.
///
/// # Panics
/// Never: no value of this file is one that bincode cannot encode, and a vector takes all.
#[expect(
    clippy::expect_used,
    reason = "a write that is lost in silence is worse than a panic that poisons the store"
)]
pub fn encode(value: &impl Serialize, out: &mut Vec<u8>) {
    bincode::serde::encode_into_writer(value, Appending(out), config()).expect("an encodable value");
}

/// Reads a value from the start of `bytes`, and answers what is left behind it.
pub fn decode_first<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<(T, &'a [u8])> {
    let (value, read) = bincode::serde::borrow_decode_from_slice(bytes, config()).ok()?;
    Some((value, bytes.get(read..)?))
}

/// Reads a value that takes all of `bytes`.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    decode_first(bytes).and_then(|(value, rest)| rest.is_empty().then_some(value))
}
