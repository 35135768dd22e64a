//! The bytes of the files, without files: header, frame, what frames hold, and the queue of records to be written. docs/format.md
//! documents them.

pub mod codec;
pub mod ext;
pub mod frame;
pub mod header;
pub mod queue;
