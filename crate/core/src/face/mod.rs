//! What the binding sees: opening a store, and the handle of an open one.

pub mod handle;
pub mod open;
mod registry;
mod terms;
#[cfg(test)]
mod tests;
