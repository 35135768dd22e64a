//! Damage that was found in a file of the store.

use crate::model::lsn::Lsn;
use std::fmt;

/// A place in a file whose contents are invalid or missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Its name in the store's directory.
    pub file: String,
    /// In bytes from the start of the file.
    pub offset: u64,
    /// The LSN of the last valid record before it.
    pub after_lsn: Lsn,
    /// The LSN of the first valid record after it, if one was found.
    pub next_lsn: Option<Lsn>,
    /// What is wrong, for people.
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
        write!(f, "{file} is damaged at byte {offset}, after record {after_lsn}")?;
        if let Some(next) = next_lsn {
            write!(f, " (record {next} or a later one follows)")?;
        }
        write!(f, ": {what}")
    }
}
