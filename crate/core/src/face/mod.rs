//! The interface for the binding: opening a store, and the handle of an open one.

pub mod handle;
pub mod open;
mod parts;
mod registry;
mod report;
mod terms;
#[cfg(test)]
mod tests;

pub use parts::Parts;
pub use report::Report;
