//! The durability setting.

/// The failure that an acknowledged write survives. Acknowledged ends of sessions and renewals survive a power loss with every setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// None: the write may be in memory only.
    None,
    /// A crash of the process: the operating system has the write, and it is synced to the disk within a second.
    Os,
    /// A power loss: the write is synced to the disk.
    Disk,
}
