//! What survives: the snapshot and the append log in one directory, and the thread that writes them.
//!
//! Read from the bottom up: [`disk`] is the directory, [`frame`] and [`header`] the envelope, [`codec`] what is in it, [`entries`] what
//! waits to be written, [`log`] and [`snapshot`] the files and [`catalog`] the manifest that names them; [`recover`] reads them back
//! into an [`image`]; [`writer`] is the thread, [`status`] what it tells, [`open`] where it all begins, and
//! [`inspect`] looks without touching. docs/format.md has the bytes.

pub(crate) mod catalog;
pub(crate) mod codec;
pub mod disk;
pub(crate) mod entries;
pub mod faults;
pub(crate) mod frame;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub(crate) mod header;
pub(crate) mod image;
pub mod inspect;
pub(crate) mod log;
pub mod open;
pub mod options;
pub mod panics;
pub(crate) mod reader;
pub mod recover;
mod registry;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;
pub(crate) mod snapshot;
pub mod status;
pub(crate) mod writer;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
