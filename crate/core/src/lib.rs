//! The session store of agai-session: memory-resident, LRU-bounded, expiring on time. Pure Rust; knows nothing of Node.
//!
//! Read from the bottom up: [`chunks`] and [`slab`] hold records, [`lru`], [`expiry`] and [`index`] order and find them,
//! [`store`] composes these single-threaded, [`handle`] puts the one mutex around it, [`sweeper`] is the expiry thread.

#![forbid(unsafe_code)]

mod bodies;
mod change;
mod chunks;
pub mod clock;
pub mod cookie;
mod error;
mod event;
mod expiry;
mod handle;
mod id;
mod index;
pub mod journal;
mod lru;
mod page;
pub mod random;
mod record;
mod records;
mod shared;
mod slab;
mod stats;
mod store;
mod sweeper;
mod sync;
mod text;
mod timeouts;

pub use change::{Change, Commit, Identity, NewSession, Options, Renewal, Swept};
pub use error::Error;
pub use event::{Event, EventKind, EventMask, Reason};
pub use handle::{CookieLookup, StoreHandle};
pub use id::{Handle, SessionId, SessionKey};
pub use page::{Page, SessionInfo};
pub use record::{Facts, MAX_UID_UNITS, NEVER, RECORD_OVERHEAD};
pub use stats::Stats;
pub use store::Store;
pub use text::{OwnedText, Text, TextBuffer};
