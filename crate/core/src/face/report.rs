//! The report of an opening.

use crate::model::damage::Damage;

/// What an opening found, and what it did about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The directory held nothing.
    pub created: bool,
    pub generation: u64,
    pub sessions: u64,
    /// Dropped because their deadline had passed.
    pub expired: u64,
    /// Dropped because the bounds are lower than they were.
    pub evicted: u64,
    /// Records of the log that were applied.
    pub records: u64,
    /// Bytes of a torn write that were cut off, and the file they were copied to.
    pub torn_bytes: u64,
    pub torn_file: Option<String>,
    /// Files that were found damaged and kept, and the places that were passed over.
    pub kept: Vec<String>,
    pub damages: Vec<Damage>,
    /// Milliseconds by which the clock had been set back; all times were moved by it.
    pub clock_set_back: u64,
    pub millis: u64,
}
