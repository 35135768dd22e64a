//! The progress of an inspection, which reads the files several times.

use crate::journal::recover::Watch;

/// Adds up the progress of several passes over the files, and reports it to `watch`.
pub struct Passes<'a> {
    pub watch: &'a mut dyn Watch,
    /// Bytes of all files.
    pub bytes: u64,
    /// Bytes of the earlier passes, and in the first pass of the earlier files.
    pub before: u64,
}

impl Passes<'_> {
    /// Begins a pass over all files: number `pass`, from 0, of `all`.
    pub fn begin(&mut self, pass: u64, all: u64) {
        self.before = self.bytes * pass;
        self.watch.total(self.bytes * all);
        self.watch.read(self.before, 0);
    }

    /// Ends the last pass.
    pub fn end(&mut self) {
        self.watch.total(self.bytes);
        self.watch.read(self.bytes, 0);
    }
}

impl Watch for Passes<'_> {
    fn is_cancelled(&self) -> bool {
        self.watch.is_cancelled()
    }

    fn read(&mut self, bytes: u64, sessions: u64) {
        self.watch.read(self.before + bytes, sessions);
    }
}
