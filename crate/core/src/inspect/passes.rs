//! The progress of an inspection, which passes over the files several times.

use crate::journal::recover::Watch;

/// Adds up the passes over the files.
pub struct Passes<'a> {
    pub watch: &'a mut dyn Watch,
    /// Of all files.
    pub bytes: u64,
    /// Bytes of the passes before this one.
    pub before: u64,
}

impl Passes<'_> {
    /// A pass over all the files begins, of `all`.
    pub fn begin(&mut self, pass: u64, all: u64) {
        self.before = self.bytes * pass;
        self.watch.total(self.bytes * all);
        self.watch.read(self.before, 0);
    }

    /// All passes are over.
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
