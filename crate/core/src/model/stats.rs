//! The store's statistics.

/// What the store holds now (the first three fields), and counters since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Sessions held, expired ones included that were not yet removed.
    pub sessions: u64,
    pub guests: u64,
    /// What all sessions count for `max_bytes`.
    pub bytes: u64,
    pub created: u64,
    pub committed: u64,
    pub conflicts: u64,
    pub regenerated: u64,
    pub destroyed: u64,
    pub expired: u64,
    pub evicted: u64,
    /// Loads that found a live session.
    pub hits: u64,
    /// Loads that did not.
    pub misses: u64,
    /// `Cookie` headers that carried our cookie, but no live session or more than one.
    pub rejected: u64,
    /// Events dropped because a listener did not take them in time.
    pub events_dropped: u64,
}
