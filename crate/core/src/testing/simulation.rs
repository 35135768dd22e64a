//! A store on a simulated disk, whose journal moves when it is told to and not otherwise: for tests of crashes, which must be able to
//! stop it anywhere and to do the same thing again.

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

/// Turns after which a journal that still has something to do never will rest.
const MOST_TURNS: usize = 10_000;

/// Heap entries looked at under one hold of the lock.
const SLICE: usize = 64;

/// The store and its journal, on one thread.
pub struct SimulatedStore {
    pub handle: StoreHandle,
    pub report: Report,
    shared: Arc<Shared>,
    writer: Writer,
}

impl SimulatedStore {
    /// Opens what is on the disk. Neither sweeps nor writes by itself.
    ///
    /// # Errors
    /// Those of [`crate::face::open::open`], but for the directory's own.
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

    /// One turn of the journal; false once the store is closed and all is done.
    pub fn turn(&mut self) -> bool {
        self.writer.turn() != Turn::Ended
    }

    /// As many turns as there is something to do, without waiting.
    ///
    /// # Panics
    /// When that finds no end.
    pub fn settle(&mut self) {
        let turns = (0..MOST_TURNS).take_while(|_| self.writer.turn() == Turn::Again);
        assert!(turns.count() < MOST_TURNS, "the journal never rests");
    }

    /// One turn; whether the journal's thread would sleep after it, or end.
    pub fn rests(&mut self) -> bool {
        match self.writer.turn() {
            Turn::Again => false,
            Turn::Idle(pause) => pause.is_none_or(|pause| !pause.is_zero()),
            Turn::Ended => true,
        }
    }

    /// All that the journal waits for is due now: the sync of what was written, and the next try of what failed.
    pub fn pass_time(&mut self) {
        self.writer.pass_time();
    }

    /// Removes what is due and moves together what is left, as the expiry thread does.
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

    /// Checks what must always hold across the store's structures.
    ///
    /// # Panics
    /// When it does not.
    pub fn validate(&self) {
        self.shared.lock().store.validate();
    }

    /// The store as another thread of the process has it.
    #[must_use]
    pub fn another(&self) -> StoreHandle {
        self.handle.another()
    }
}
