//! What an acknowledged write survives.

/// What an acknowledgement means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing yet. The ends of sessions are on the disk all the same.
    None,
    /// The operating system has it, and the disk within a second.
    Os,
    /// The disk has it.
    Disk,
}
