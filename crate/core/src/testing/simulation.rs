//! A store on a simulated disk whose journal runs only when the test calls it: a crash test can stop it anywhere and repeat a run exactly.

use crate::disk::Disk;
use crate::face::handle::{Owner, StoreHandle};
use crate::face::open::{read, start};
use crate::face::{Parts, Report};
use crate::journal::writer::{Turn, Writer};
use crate::lock::shared::Shared;
use crate::model::change::Swept;
use crate::model::error::Error;
use crate::testing::disk::SimulatedDisk;
use std::path::Path;
use std::sync::Arc;

/// Turns after which a journal that still has work counts as one that never rests.
const MOST_TURNS: usize = 10_000;

/// Entries of the expiry heap looked at under one hold of the lock.
const SLICE: usize = 64;

/// A store and its journal, both on the test's thread.
pub struct SimulatedStore {
    pub handle: StoreHandle,
    pub report: Report,
    shared: Arc<Shared>,
    writer: Writer,
}

impl SimulatedStore {
    /// Opens the store on a disk. It neither sweeps nor writes by itself.
    ///
    /// # Errors
    /// Those of [`crate::face::open::open`], except those of the directory.
    pub fn open(disk: &SimulatedDisk, mut parts: Parts) -> Result<Self, Error> {
        parts.journal.checkpoint_thread = false;
        let path = Path::new("simulated");
        let disk_here: Arc<dyn Disk> = Arc::new(disk.clone());
        let found = read(disk, path, &parts, &mut ())?;
        let (shared, writer, report) = start(&disk_here, None, path, parts, found)?;
        Ok(Self {
            handle: StoreHandle::new(&Arc::new(Owner::still(Arc::clone(&shared)))),
            report,
            shared,
            writer,
        })
    }

    /// Runs one turn of the journal. False once the store is closed and the journal is done.
    pub fn turn(&mut self) -> bool {
        self.writer.turn() != Turn::Ended
    }

    /// Runs turns as long as the journal has work that is due now.
    ///
    /// # Panics
    /// If the work does not end.
    pub fn settle(&mut self) {
        let turns = (0..MOST_TURNS).take_while(|_| self.writer.turn() == Turn::Again);
        assert!(turns.count() < MOST_TURNS, "the journal never rests");
    }

    /// Runs one turn. True if the journal's thread would sleep after it, or end.
    pub fn rests(&mut self) -> bool {
        match self.writer.turn() {
            Turn::Again => false,
            Turn::Idle(pause) => pause.is_none_or(|pause| !pause.is_zero()),
            Turn::Ended => true,
        }
    }

    /// Makes everything that the journal waits for due now: the sync of what was written, and the retry of what failed.
    pub fn pass_time(&mut self) {
        self.writer.pass_time();
    }

    /// Removes expired sessions, evicts those beyond the bounds and compacts the rest, as the expiry thread does.
    pub fn sweep(&self) {
        let mut swept = Swept::More;
        while swept == Swept::More {
            let mut guard = self.shared.lock();
            let now = self.shared.clock.now();
            swept = guard.store.sweep(now, SLICE);
            while guard.store.evict_excess(now) {}
            if guard.store.wants_compaction() {
                guard.store.compact(u32::MAX);
            }
            self.shared.release(guard, false);
        }
    }

    /// Checks the invariants across the store's structures.
    ///
    /// # Panics
    /// If one does not hold.
    pub fn validate(&self) {
        self.shared.lock().store.validate();
    }

    /// A second handle to the store, as another opening in the process gets it.
    #[must_use]
    pub fn another(&self) -> StoreHandle {
        self.handle.another()
    }
}
