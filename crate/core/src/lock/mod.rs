//! The one mutex around the store, and what waits at it: the expiry thread, the journal's thread, and callers that wait for the disk.

pub(crate) mod shared;
pub mod status;
pub(crate) mod sweeper;
pub(crate) mod sync;
