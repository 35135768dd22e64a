//! What makes the store outlive its process: files in one directory.

pub mod disk;
