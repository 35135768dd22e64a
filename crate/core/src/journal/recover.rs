//! Recovery: reads the manifest, then its snapshot, then its segments into an `Image`. Changes no file.
//!
//! A record counts as **torn** if it cannot be read, belongs to the last segment, that segment is not sealed, and no mark in it, before
//! or after the record, says that the record had been synced: a crash interrupted the write, or a power cut kept some of the unsynced
//! sectors and lost others. Everything else that cannot be read, or contradicts what is known, is **damage**.

mod recovery;
mod segment;
mod snapshot;

pub use recovery::{RecoverError, Recovered, Torn, Watch};

use crate::disk::Disk;
use crate::format::codec::{Manifest, SegmentEntry};
use crate::journal::catalog::{self, ManifestError, read_manifest};
use recovery::{Recovery, io_error};
use segment::Expected;

/// Reads a store's directory. With `salvage`, damage is skipped and listed; otherwise the first is an error.
///
/// # Errors
/// [`RecoverError`].
pub fn recover(disk: &dyn Disk, salvage: bool, watch: &mut dyn Watch) -> Result<Recovered, RecoverError> {
    let mut recovery = Recovery {
        disk,
        salvage,
        watch,
        bytes: 0,
        result: Recovered::default(),
    };
    recovery.run()?;
    Ok(recovery.result)
}

impl Recovery<'_> {
    fn run(&mut self) -> Result<(), RecoverError> {
        let manifest = match read_manifest(self.disk) {
            Ok(Some(manifest)) => manifest,
            Ok(None) => return self.without_manifest(),
            Err(ManifestError::Io(error)) => return Err(io_error(catalog::MANIFEST)(error)),
            Err(ManifestError::Newer { format }) => {
                return Err(RecoverError::Newer {
                    file: catalog::MANIFEST.to_owned(),
                    format,
                });
            }
            Err(ManifestError::Damaged { offset }) => {
                return self.damaged(catalog::MANIFEST, offset, None, "the manifest cannot be read");
            }
        };
        let files = catalog::current(&manifest).flat_map(|name| self.disk.open(&name));
        self.watch.total(files.map(|file| file.len()).sum());
        self.result.image.now = manifest.now;
        self.result.image.last_lsn = manifest.last_lsn;
        if let Some(snapshot) = manifest.snapshot {
            self.snapshot(snapshot)?;
        }
        let mut chain = None;
        let mut segments = Vec::new();
        for (at, segment) in manifest.segments.iter().enumerate() {
            let is_last = at + 1 == manifest.segments.len();
            let sealed = self.segment(segment, &Expected { chain, is_last })?;
            chain = Some(sealed.chain);
            if is_last && segment.sealed.is_none() {
                self.result.open_segment = Some((segment.name(), sealed.len));
            }
            segments.push(SegmentEntry {
                sealed: Some(sealed),
                ..*segment
            });
        }
        self.result.manifest = Some(Manifest { segments, ..manifest });
        Ok(())
    }

    /// Decides about a directory without a manifest: it is new, or it has lost its manifest, which is damage.
    fn without_manifest(&mut self) -> Result<(), RecoverError> {
        let names = self.disk.list().map_err(io_error("."))?;
        match names.iter().find(|name| catalog::is_journal(name)) {
            None => Ok(()),
            Some(name) => self.damaged(
                catalog::MANIFEST,
                0,
                None,
                &format!("it is missing, but {name} exists"),
            ),
        }
    }
}
