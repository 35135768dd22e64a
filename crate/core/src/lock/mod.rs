//! The one mutex around the store, the threads that wait at it, and the journal's progress, which callers wait for.

pub(crate) mod shared;
pub mod status;
pub(crate) mod sweeper;
pub(crate) mod sync;
pub(crate) mod thread;
