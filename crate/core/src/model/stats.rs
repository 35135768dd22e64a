//! The store's figures.

/// Counters since the store was opened, and what it holds now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    pub sessions: u64,
    pub guests: u64,
    pub bytes: u64,
    pub created: u64,
    pub committed: u64,
    pub conflicts: u64,
    pub regenerated: u64,
    pub destroyed: u64,
    pub expired: u64,
    pub evicted: u64,
    /// Lookups that found a live session, and those that did not.
    pub hits: u64,
    pub misses: u64,
    /// `Cookie` headers that carried our cookie, but no live session or more than one.
    pub rejected: u64,
    pub events_dropped: u64,
}
