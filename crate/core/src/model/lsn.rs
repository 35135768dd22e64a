//! Log sequence numbers.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Plausible distance between two LSNs: more records than a store writes while it makes one snapshot.
const NEAR: u64 = 1 << 40;

/// A log sequence number (LSN): the number of a record in the store's log, from 1 to 2^62. 0 is the one before the first record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lsn(u64);

impl Lsn {
    /// Above the LSN of every record: a write that failed up to here has failed, whatever its LSN.
    pub const MAX: Self = Self(u64::MAX);

    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The LSN of the record after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The LSN of the record before this one; 0 before 0.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The number of records after `base` up to this one; `None` if this one is before `base`.
    #[must_use]
    pub fn distance(self, base: Self) -> Option<u64> {
        self.0.checked_sub(base.0)
    }

    /// True if this is `base`, or follows it by a plausible number of records.
    #[must_use]
    pub fn is_near(self, base: Self) -> bool {
        self.distance(base).is_some_and(|records| records < NEAR)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An [`Lsn`] that threads share. Its methods are those of [`AtomicU64`].
#[derive(Debug, Default)]
pub(crate) struct AtomicLsn(AtomicU64);

impl AtomicLsn {
    pub fn load(&self, order: Ordering) -> Lsn {
        Lsn(self.0.load(order))
    }

    pub fn store(&self, lsn: Lsn, order: Ordering) {
        self.0.store(lsn.0, order);
    }

    pub fn fetch_max(&self, lsn: Lsn, order: Ordering) {
        self.0.fetch_max(lsn.0, order);
    }
}
