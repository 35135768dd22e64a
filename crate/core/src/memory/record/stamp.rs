//! The encoding of times in six bytes.

use crate::model::time::NEVER;

/// Bytes of an encoded time.
pub const STAMP: usize = 6;

/// A number below 2^48 in six bytes, so that a record and its links fit in one cache line.
#[derive(Debug, Clone, Copy)]
pub struct U48(pub [u8; STAMP]);

impl U48 {
    pub fn new(value: u64) -> Self {
        let [bytes @ .., _, _] = value.min(NEVER).to_le_bytes();
        Self(bytes)
    }

    pub fn get(self) -> u64 {
        let mut bytes = [0; size_of::<u64>()];
        let (low, _) = bytes.split_at_mut(self.0.len());
        low.copy_from_slice(&self.0);
        u64::from_le_bytes(bytes)
    }
}

/// Encodes a time for a body.
pub fn stamp(millis: u64) -> [u8; STAMP] {
    U48::new(millis).0
}
