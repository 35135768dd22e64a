//! The session store of agai-session: in memory, bounded by LRU eviction, expiring on time, persisted to a directory. Pure Rust, without
//! Node.
//!
//! Ten rooms, each of which imports only from those above it (`scripts/layers.mjs` checks this):
//!
//! | room | holds |
//! | --- | --- |
//! | [`model`] | what a session is: time, text, id, facts, change, event, error, cookie |
//! | `memory` | data structures that know no session rule: slab, LRU list, expiry heap, hash map, bodies |
//! | `format` | how files are encoded, without touching one: header, frame, codec, queue |
//! | [`disk`] | one directory of the file system, and its lock file |
//! | `store` | the session rules across the data structures, single-threaded: read, write, end, log, recover |
//! | [`lock`] | the one mutex, the expiry thread, and how far the journal has come |
//! | [`journal`] | the snapshot and the append log over time, and the thread that writes them |
//! | [`face`] | what the binding calls: opening a store, and the handle of an open one |
//! | [`inspect`] | reads a store's directory without opening the store |
//! | `testing` | simulated disk and fuzzing; for tests only, behind the feature `testing` |
//!
//! Besides, every room may use [`planted`]: the faults and panics that tests plant.

#![forbid(unsafe_code)]

pub mod disk;
pub mod face;
mod format;
pub mod inspect;
pub mod journal;
pub mod lock;
mod memory;
pub mod model;
pub mod planted;
mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use face::handle::{CookieLookup, StoreHandle};
pub use memory::record::{RECORD_OVERHEAD, USER_OVERHEAD};
pub use model::change::{AtUserLimit, Change, Commit, Login, NewSession, Options, Renewal, UNLIMITED};
pub use model::error::Error;
pub use model::event::{Event, EventKind, EventMask, Reason};
pub use model::facts::{Facts, MAX_UID_UNITS};
pub use model::id::{Handle, SessionId};
pub use model::keys::KeyChange;
pub use model::object::ObjectText;
pub use model::page::{SessionInfo, SessionPage};
pub use model::standing::Assurance;
pub use model::stats::Stats;
pub use model::text::{OwnedText, Text, TextBuffer};
pub use model::time::NEVER;
