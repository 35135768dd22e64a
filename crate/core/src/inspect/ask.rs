//! The options of an inspection.

/// What an inspection collects beyond the counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ask {
    /// The number of sessions listed at most.
    pub list: usize,
    /// Whether the listed sessions include their data.
    pub data: bool,
}
