//! The session store of agai-session: memory-resident, LRU-bounded, expiring on time, persisted to a directory. Pure Rust; knows
//! nothing of Node.
//!
//! Ten rooms, each of which imports only from those above it (`scripts/layers.mjs` checks this):
//!
//! | room | holds |
//! | --- | --- |
//! | [`model`] | what a session is: time, text, id, facts, change, event, error, cookie |
//! | `memory` | data structures that know no session rule: slab, LRU list, expiry heap, hash map, bodies |
//! | `format` | the bytes of the files, without files: header, frame, codec, queue |
//! | [`disk`] | one directory of the file system, and its lock file |
//! | `store` | the session rules across the data structures, single-threaded: read, write, end, log, recover |
//! | [`lock`] | the one mutex, and the threads and callers that wait at it |
//! | [`journal`] | the snapshot and the append log over time, and the thread that writes them |
//! | [`face`] | what the binding calls: opening a store, and the handle of an open one |
//! | [`inspect`] | looks at a store's directory without opening it |
//! | [`testing`] | for tests only, behind the feature `testing`: simulated disk, fuzzing |
//!
//! Beside them is [`planted`], which every room may use: the faults and panics that tests plant.

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
pub use memory::record::RECORD_OVERHEAD;
pub use model::change::{Change, Commit, Login, NewSession, Options, Renewal};
pub use model::error::Error;
pub use model::event::{Event, EventKind, EventMask, Reason};
pub use model::facts::{Facts, MAX_UID_UNITS};
pub use model::id::{Handle, SessionId};
pub use model::page::{SessionInfo, SessionPage};
pub use model::stats::Stats;
pub use model::text::{OwnedText, Text, TextBuffer};
pub use model::time::NEVER;
