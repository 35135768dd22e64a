//! The values that describe sessions and the store's operations. Imports from no other room.

pub mod change;
pub mod clock;
pub mod cookie;
pub mod damage;
pub mod difference;
pub mod durability;
pub mod error;
pub mod event;
pub mod ext;
pub mod facts;
pub mod id;
pub mod keys;
pub mod lsn;
pub mod object;
pub mod page;
pub mod random;
pub mod standing;
pub mod stats;
pub mod text;
pub mod time;
pub mod unit;
