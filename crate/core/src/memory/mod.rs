//! Data structures of the store that know no session rule. Finding, ordering and expiring are each one structure's work; the rules that
//! tie them together are in `store`.

pub mod bodies;
pub mod chunks;
pub mod expiry;
pub mod index;
pub mod lru;
pub mod record;
pub mod records;
pub mod slab;
mod timeouts;
