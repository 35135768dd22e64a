//! Looking at a directory without touching it: no lock, no file opened for writing, beside a living store or not.
//!
//! Reads with the code that recovers, damage passed over and listed. A checkpoint of a living store may replace the files
//! meanwhile; then the manifest names others than before, and everything is read again.

mod figures;

pub use figures::{FileFigures, SegmentFigures, Sessions, SnapshotFigures};

use crate::error::Error;
use crate::id::{Handle, HandleCipher};
use crate::journal::catalog::{MANIFEST, is_journal, listed, read_manifest};
use crate::journal::codec::{CODEC, Manifest};
use crate::journal::disk::{Disk, LockOwner, RealDisk, read_lock};
use crate::journal::faults::Faults;
use crate::journal::header;
use crate::journal::image::Image;
use crate::journal::recover::{Damage, RecoverError, Recovered, Watch, recover};
use crate::page::MAX_LOOKED_AT;
use crate::record::{Facts, Record, is_over};
use crate::text::OwnedText;
use figures::Collector;
use std::io;
use std::path::Path;

/// How often files may be replaced under the reader.
const TRIES: u32 = 10;
/// Places of damage that are told one by one.
const MAX_DAMAGES: usize = 1_000;

/// What a directory holds.
#[derive(Debug, Clone, Default)]
pub struct Inspection {
    pub format: u16,
    pub codec: u16,
    pub generation: u64,
    /// The store was closed, and nothing was written since.
    pub clean: bool,
    /// The manifest could be read. If not, all that follows but the files is empty.
    pub has_manifest: bool,
    pub snapshot: Option<SnapshotFigures>,
    pub segments: Vec<SegmentFigures>,
    pub last_lsn: u64,
    /// The latest instant that the files mention.
    pub store_now: u64,
    pub sessions: Sessions,
    /// Bytes of all files together.
    pub bytes: u64,
    /// A crash's last write, or one that is under way: where it begins, and how long it is.
    pub torn: Option<(FileFigures, u64)>,
    pub damages: Vec<Damage>,
    /// How many there are, those included that are not listed.
    pub damage_count: u64,
    /// Files of a damaged generation, and copies of torn writes.
    pub kept: Vec<FileFigures>,
    /// Files that no manifest names.
    pub unlisted: Vec<FileFigures>,
    pub owner: Option<LockOwner>,
}

/// A session as it is in the files.
#[derive(Debug, Clone)]
pub struct InspectedSession {
    pub handle: Handle,
    pub uid: Option<OwnedText>,
    pub facts: Facts,
    pub bytes: u64,
    pub expired: bool,
    pub data: Option<OwnedText>,
}

/// The sessions that were read, for those who want to see them.
pub struct InspectedSessions {
    image: Image,
    cipher: HandleCipher,
    now: u64,
}

impl InspectedSessions {
    /// Some sessions from the place `from` on, and where to go on; `None` behind the last.
    #[must_use]
    pub fn page(&self, from: u32, limit: usize, with_data: bool) -> (Vec<InspectedSession>, Option<u32>) {
        let mut page = Vec::new();
        let end = self.image.slab.capacity();
        for index in from..end {
            if page.len() >= limit || index - from >= MAX_LOOKED_AT {
                return (page, Some(index));
            }
            if let Some(record) = self.image.slab.get(index) {
                page.push(InspectedSession {
                    handle: self.cipher.seal(self.image.slab.slot(index)),
                    uid: record.uid(),
                    facts: record.facts(),
                    bytes: record.bytes(),
                    expired: is_over(record.deadline(), self.now),
                    data: with_data.then(|| record.data()),
                });
            }
        }
        (page, None)
    }
}

/// Reads what is in a directory, as it would be found at the instant `now`.
///
/// # Errors
/// [`Error::Path`] when there is no directory to read or no store in it; [`Error::FormatNewer`]; [`Error::Io`].
pub fn inspect(
    path: &Path,
    now: u64,
    watch: &mut dyn Watch,
) -> Result<(Inspection, InspectedSessions), Error> {
    let unusable = |why: String| Error::Path {
        path: path.to_owned(),
        why,
    };
    let disk = RealDisk::open_existing(path).map_err(|error| unusable(error.to_string()))?;
    let (inspection, sessions) = inspect_disk(&disk, path, now, watch)?;
    let is_empty = !inspection.has_manifest && inspection.damage_count == 0;
    if is_empty {
        return Err(unusable("there are no sessions in it: the MANIFEST is missing".to_owned()));
    }
    Ok((inspection, sessions))
}

fn inspect_disk(
    disk: &dyn Disk,
    path: &Path,
    now: u64,
    watch: &mut dyn Watch,
) -> Result<(Inspection, InspectedSessions), Error> {
    let failed = |what: &str, error: io::Error| Error::io(&format!("{}: {what}", path.display()), error);
    let mut tries = 0;
    let (recovered, collected) = loop {
        tries += 1;
        let before = read_manifest(disk, Faults::default()).ok();
        let mut collector = Collector::new(watch);
        let outcome = recover(disk, true, &mut collector, Faults::default());
        let collected = collector.collected;
        let is_whole = matches!(&outcome, Ok(it) if it.damages.is_empty() && it.torn.is_none());
        let moved = !is_whole && before != read_manifest(disk, Faults::default()).ok();
        if moved && tries < TRIES {
            continue;
        }
        break match outcome {
            Ok(recovered) => (recovered, collected),
            Err(RecoverError::Newer { file, format }) => {
                return Err(Error::FormatNewer {
                    path: path.to_owned(),
                    file,
                    format,
                });
            }
            Err(RecoverError::Io { file, error }) => {
                return Err(failed(&format!("{file} could not be read"), error));
            }
            // Not when damage is passed over.
            Err(RecoverError::Damaged(damage)) => {
                return Err(Error::Corrupt {
                    path: path.to_owned(),
                    damage,
                });
            }
        };
    };
    let Recovered {
        image,
        manifest,
        torn,
        mut damages,
    } = recovered;
    // As at an opening: a clock that stands before what the files mention was set back.
    let now = now.max(image.now);
    let sessions = Sessions::count(&image, now);
    damages.extend(twins(&image, now));
    // As it is on the disk; that of the recovery has its last segment sealed.
    let named = read_manifest(disk, Faults::default()).ok().flatten();
    let mut inspection = Inspection {
        format: header::FORMAT,
        codec: CODEC,
        has_manifest: manifest.is_some(),
        generation: manifest.as_ref().map_or(0, |manifest| manifest.generation),
        clean: manifest.as_ref().is_some_and(|manifest| manifest.clean),
        last_lsn: image.last_lsn,
        store_now: image.now,
        sessions,
        damage_count: damages.len() as u64,
        owner: read_lock(disk)
            .ok()
            .flatten()
            .and_then(|text| LockOwner::parse(&text)),
        torn: torn.map(|torn| {
            let bytes = torn.bytes.len() as u64;
            (FileFigures { file: torn.file, bytes }, torn.offset)
        }),
        ..Inspection::default()
    };
    damages.truncate(MAX_DAMAGES);
    inspection.damages = damages;
    inspection
        .files(disk, manifest.as_ref(), named.as_ref(), &collected)
        .map_err(|error| failed("the directory could not be read", error))?;
    let cipher = HandleCipher::new(manifest.map_or([0; 16], |manifest| manifest.handle_key));
    Ok((inspection, InspectedSessions { image, cipher, now }))
}

impl Inspection {
    /// Whether nothing is damaged. A torn tail is no damage.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damage_count == 0
    }

    fn files(
        &mut self,
        disk: &dyn Disk,
        manifest: Option<&Manifest>,
        named: Option<&Manifest>,
        collected: &figures::Collected,
    ) -> io::Result<()> {
        let listed = manifest.map(listed).unwrap_or_default();
        for file in disk.list()? {
            // One that is gone by now was a temporary one.
            let Ok(source) = disk.open(&file) else { continue };
            let bytes = source.len();
            self.bytes += bytes;
            let is_listed = listed.contains(&file);
            let figures = FileFigures { file, bytes };
            let name = figures.file.as_str();
            let is_kept = manifest.is_some_and(|it| it.kept.iter().any(|kept| kept == name));
            if is_kept || name.starts_with("torn-") || name.starts_with("damaged-") {
                self.kept.push(figures);
            } else if !is_listed && (is_journal(name) || name.starts_with("tmp-")) && name != MANIFEST {
                self.unlisted.push(figures);
            }
        }
        let Some(manifest) = manifest else { return Ok(()) };
        self.snapshot = manifest
            .snapshot
            .map(|entry| SnapshotFigures::new(&entry, collected));
        self.segments = manifest
            .segments
            .iter()
            .map(|entry| SegmentFigures::new(entry, named, disk, collected))
            .collect();
        Ok(())
    }
}

/// Two sessions of one key, which no opening takes.
fn twins(image: &Image, now: u64) -> Option<Damage> {
    let records = (0..image.slab.capacity()).filter_map(|index| image.slab.get(index));
    let mut keys: Vec<_> = records
        .filter(|record| !is_over(record.deadline(), now))
        .map(Record::key)
        .collect();
    keys.sort_unstable();
    let (before, total) = (keys.len(), image.last_lsn);
    keys.dedup();
    (keys.len() < before).then(|| Damage {
        file: MANIFEST.to_owned(),
        offset: 0,
        after_lsn: total,
        next_lsn: None,
        what: "two of its sessions have one key".to_owned(),
    })
}

#[cfg(test)]
mod tests;
