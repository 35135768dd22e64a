//! What a session is, in words and values: everything else in the crate speaks in these. Knows no other room.

pub mod change;
pub mod clock;
pub mod cookie;
pub mod damage;
pub mod difference;
pub mod durability;
pub mod error;
pub mod event;
pub mod facts;
pub mod id;
pub mod page;
pub mod random;
pub mod stats;
pub mod text;
pub mod time;
