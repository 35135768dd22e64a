//! What an inspection is asked for.

/// What is asked for beyond the counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ask {
    /// How many sessions are listed.
    pub list: usize,
    /// With what is in them.
    pub data: bool,
}
