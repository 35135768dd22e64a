//! The report on an opening.

use crate::model::damage::Damage;

/// What an opening found, and what it did about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// True if the directory held no store.
    pub created: bool,
    pub generation: u64,
    pub sessions: u64,
    /// Sessions dropped because their deadline had passed.
    pub expired: u64,
    /// Sessions evicted because the bounds are lower than they were.
    pub evicted: u64,
    /// Log records that were read.
    pub records: u64,
    /// Bytes of a torn tail that were cut off, and the file that they were copied to.
    pub torn_bytes: u64,
    pub torn_file: Option<String>,
    /// Files that were kept because of damage, and the damaged places, which were skipped.
    pub kept: Vec<String>,
    pub damages: Vec<Damage>,
    /// Milliseconds by which the clock was set back; all times were moved back by as much.
    pub clock_set_back: u64,
    pub millis: u64,
}
