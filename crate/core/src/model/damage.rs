//! Damage found in the files.

use std::fmt;

/// A place in the files whose bytes cannot be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    pub file: String,
    pub offset: u64,
    /// The record before, and the first whole one behind, if there is one.
    pub after_lsn: u64,
    pub next_lsn: Option<u64>,
    pub what: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            offset,
            after_lsn,
            next_lsn,
            what,
        } = self;
        write!(f, "{file} is damaged at byte {offset}, behind record {after_lsn}")?;
        if let Some(next) = next_lsn {
            write!(f, " (record {next} or a later one follows)")?;
        }
        write!(f, ": {what}")
    }
}
