//! The data structures of the store: for finding sessions, for their order of use, for their expiry, and for their bytes. The session rules
//! across them are in `store`.

pub mod bodies;
pub mod chunks;
pub mod expiry;
pub mod index;
pub mod lru;
pub mod record;
pub mod records;
pub mod slab;
mod timeouts;
pub mod users;
