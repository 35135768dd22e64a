//! The on-disk format as bytes, without I/O: file headers, frames, the bodies of frames, and the queue of encoded records.
//! docs/internals/format.md describes it.

pub mod codec;
pub mod frame;
pub mod header;
pub mod queue;
