//! Persistence: the append log, the snapshot, the manifest that names them, the thread that writes them, and recovery, which reads
//! them back.

pub(crate) mod catalog;
pub(crate) mod log;
pub mod options;
pub(crate) mod reader;
pub mod recover;
pub(crate) mod snapshot;
pub(crate) mod writer;
