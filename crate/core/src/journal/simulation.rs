//! A store on a simulated disk, whose journal moves when it is told to and not otherwise: for tests of crashes, which must be able to
//! stop it anywhere and to do the same thing again.

use crate::error::Error;
use crate::handle::{Owner, StoreHandle};
use crate::journal::disk::Disk;
use crate::journal::disk::simulated::SimulatedDisk;
use crate::journal::open::{Parts, Report, read, start};
use crate::journal::writer::{Turn, Writer};
use std::path::Path;
use std::sync::Arc;

/// The store and its journal, on one thread.
pub struct SimulatedStore {
    pub handle: StoreHandle,
    pub report: Report,
    writer: Writer,
}

impl SimulatedStore {
    /// Opens what is on the disk. Neither sweeps nor writes by itself.
    ///
    /// # Errors
    /// Those of [`crate::journal::open::open`], but for the directory's own.
    pub fn open(disk: &SimulatedDisk, mut parts: Parts) -> Result<Self, Error> {
        parts.journal.checkpoint_thread = false;
        let path = Path::new("simulated");
        let disk_here: Arc<dyn Disk> = Arc::new(disk.clone());
        let found = read(disk, path, &parts, &mut ())?;
        let (shared, writer, report) = start(&disk_here, None, path, parts, found)?;
        Ok(Self {
            handle: StoreHandle::new(Arc::new(Owner::still(shared))),
            report,
            writer,
        })
    }

    /// One turn of the journal; false once the store is closed and all is done.
    pub fn turn(&mut self) -> bool {
        self.writer.turn() != Turn::Ended
    }

    /// As many turns as there is something to do, without waiting.
    pub fn settle(&mut self) {
        while self.writer.turn() == Turn::Again {}
    }
}
