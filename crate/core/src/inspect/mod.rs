//! The read-only inspection of a store's directory: takes no lock, and creates, renames, cuts and writes no file.
//!
//! The verdict and the sessions come from the code of an opening, [`recover()`] and [`Store::adopt`], so that both agree. The contents of
//! each file are counted by a [`walk`] over its frames, which works without a manifest too.

mod ask;
mod files;
mod passes;
mod sessions;
#[cfg(test)]
pub(crate) mod tests;
mod walk;

pub use ask::Ask;
pub use files::{FileFacts, Role};
pub use sessions::{Listed, Sessions};
pub use walk::{FileContents, Gap, HeaderFacts, kind_name};

use crate::disk::{Disk, Holder, RealDisk};

use crate::format::codec::Manifest;
use crate::format::header;
use crate::journal::catalog::{MANIFEST, is_journal, read_manifest};
use crate::journal::recover::{RecoverError, Recovered, Torn, Watch, recover};
use crate::model::damage::Damage;
use crate::model::error::Error;
use crate::model::lsn::Lsn;
use passes::Passes;
use std::io::{self, Read};
use std::path::Path;

/// Attempts to read the files of a store in use before it replaces its manifest.
const TRIES: u32 = 5;

/// The result that an opening of the directory would have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds no store. An opening would create one.
    Empty,
    Sound,
    /// The log has a torn tail, which is no damage: the next opening cuts it off.
    Torn,
    /// Refused as damaged.
    Damaged,
    /// Refused as written by a later version.
    Newer {
        file: String,
        format: u16,
        codec: u16,
    },
    /// A file could not be read.
    Unreadable {
        file: String,
        why: String,
    },
    /// The store is in use, and replaced its manifest faster than the files could be read.
    Unsettled,
}

/// A damaged place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedPlace {
    pub damage: Damage,
    /// The length of the gap in its file; `None` if no gap begins at that offset.
    pub len: Option<u64>,
}

/// The manifest's facts about the store as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManifestFacts {
    pub generation: u64,
    /// The newest LSN when the manifest was written.
    pub last_lsn: Lsn,
    /// The store's time when the manifest was written.
    pub now: u64,
    /// True if the store was closed and nothing was written since.
    pub clean: bool,
}

/// The result of an inspection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    pub verdict: Verdict,
    /// `None` if it is missing or cannot be read.
    pub manifest: Option<ManifestFacts>,
    /// The files of the store: first those that the manifest names, in the order in which they are read.
    pub files: Vec<FileFacts>,
    /// The number of files that no store makes.
    pub foreign: u64,
    /// `None` if nothing could be replayed. With damage, the sessions that a salvage would recover.
    pub sessions: Option<Sessions>,
    /// Records of the log that were replayed.
    pub records: u64,
    pub last_lsn: Lsn,
    pub torn: Option<Torn>,
    /// All damage found; the first is the one that an opening would report.
    pub damages: Vec<DamagedPlace>,
    /// The process that has the store open.
    pub holder: Holder,
    /// Why an opening by this user would refuse the directory itself.
    pub refusal: Option<String>,
    /// The time of the inspection.
    pub at: u64,
}

/// Inspects a directory of the file system. `now` decides which sessions are expired.
///
/// # Errors
/// [`Error::Path`] when it is missing, a symlink or no directory; [`Error::Io`] when its names cannot be read.
pub fn inspect(path: &Path, ask: Ask, now: u64, watch: &mut dyn Watch) -> Result<Inspection, Error> {
    let disk = RealDisk::open_existing(path).map_err(|error| Error::Path {
        path: path.to_owned(),
        why: error.to_string(),
    })?;
    let found = inspect_disk(&disk, ask, now, watch)
        .map_err(|error| Error::io(&format!("{} could not be listed", path.display()), error))?;
    Ok(Inspection {
        holder: disk.holder(),
        refusal: disk.refusal(path).map(|refusal| refusal.to_string()),
        ..found
    })
}

/// Inspects any disk, without the lock's holder and the directory's permissions.
///
/// # Errors
/// When the names of the files cannot be read.
pub fn inspect_disk(disk: &dyn Disk, ask: Ask, now: u64, watch: &mut dyn Watch) -> io::Result<Inspection> {
    for _ in 0..TRIES {
        let before = manifest_header(disk);
        let found = look(disk, ask, now, watch)?;
        if manifest_header(disk) == before {
            return Ok(found);
        }
    }
    Ok(Inspection {
        verdict: Verdict::Unsettled,
        damages: Vec::new(),
        ..look(disk, ask, now, watch)?
    })
}

/// The header of the manifest. Each manifest has its own salt, and files are removed only after it was replaced: if the header is the same
/// before and after a reading, the files read belong together.
fn manifest_header(disk: &dyn Disk) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = disk.open(MANIFEST).ok()?;
    file.take(header::LEN as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The result of a replay.
struct Replayed {
    verdict: Verdict,
    recovered: Option<Recovered>,
    damages: Vec<Damage>,
}

impl Replayed {
    fn nothing(verdict: Verdict) -> Self {
        Self {
            verdict,
            recovered: None,
            damages: Vec::new(),
        }
    }
}

fn look(disk: &dyn Disk, ask: Ask, now: u64, watch: &mut dyn Watch) -> io::Result<Inspection> {
    let names = disk.list()?;
    let manifest = read_manifest(disk).ok().flatten();
    let opened = names
        .iter()
        .filter(|name| is_journal(name))
        .map(|name| disk.open(name));
    let mut passes = Passes {
        bytes: opened.flatten().map(|file| file.len()).sum(),
        watch,
        before: 0,
    };
    passes.begin(0, 2);
    let (files, foreign) = files::facts(disk, names, manifest.as_ref(), &mut passes);
    let replayed = replay(disk, &mut passes);
    passes.end();
    let mut found = Inspection {
        verdict: Verdict::Empty,
        manifest: manifest.as_ref().map(Into::into),
        files,
        foreign,
        sessions: None,
        records: 0,
        last_lsn: Lsn::default(),
        torn: None,
        damages: Vec::new(),
        holder: Holder::Unknown,
        refusal: None,
        at: now,
    };
    if let (Some(recovered), Some(_)) = (replayed.recovered, manifest) {
        (found.records, found.last_lsn) = (recovered.image.applied, recovered.image.last_lsn);
        found.torn = recovered.torn;
        found.sessions = Some(sessions::survey(recovered.image, now, ask));
    }
    found.verdict = replayed.verdict;
    let places = replayed.damages.into_iter();
    found.damages = places.map(|damage| measured(damage, &found.files)).collect();
    Ok(found)
}

/// Replays the files as an opening does; if they are damaged, once more as a salvage does.
fn replay(disk: &dyn Disk, passes: &mut Passes<'_>) -> Replayed {
    passes.begin(1, 2);
    let first = match recover(disk, false, passes) {
        Ok(recovered) => {
            let verdict = match (&recovered.manifest, &recovered.torn) {
                (None, _) => Verdict::Empty,
                (_, None) => Verdict::Sound,
                (_, Some(_)) => Verdict::Torn,
            };
            return Replayed {
                recovered: Some(recovered),
                ..Replayed::nothing(verdict)
            };
        }
        Err(RecoverError::Newer { file, format }) => {
            let codec = files::codec_of(disk, &file);
            return Replayed::nothing(Verdict::Newer { file, format, codec });
        }
        Err(RecoverError::Io { file, error }) => {
            let why = error.to_string();
            return Replayed::nothing(Verdict::Unreadable { file, why });
        }
        Err(RecoverError::Cancelled) => {
            let (file, why) = (".".to_owned(), "the inspection was cancelled".to_owned());
            return Replayed::nothing(Verdict::Unreadable { file, why });
        }
        Err(RecoverError::Damaged(damage)) => damage,
    };
    passes.begin(2, 3);
    // If it cannot be salvaged, the first damage is all that is known.
    let recovered = recover(disk, true, passes).ok();
    let listed = recovered.iter().flat_map(|recovered| &recovered.damages);
    let others: Vec<_> = listed.filter(|&damage| *damage != first).cloned().collect();
    let damages = std::iter::once(first).chain(others).collect();
    Replayed {
        verdict: Verdict::Damaged,
        recovered,
        damages,
    }
}

/// Adds the length of a damage and the LSN after it, if the file's walk found a gap there.
fn measured(damage: Damage, files: &[FileFacts]) -> DamagedPlace {
    let file = files.iter().find(|file| file.name == damage.file);
    let contents = file.and_then(|file| file.contents.as_ref());
    let gap = contents.and_then(|contents| contents.gaps.iter().find(|gap| gap.offset == damage.offset));
    DamagedPlace {
        len: gap.map(|gap| gap.len),
        damage: Damage {
            next_lsn: gap.and_then(|gap| gap.next_lsn).or(damage.next_lsn),
            ..damage
        },
    }
}

impl From<&Manifest> for ManifestFacts {
    fn from(manifest: &Manifest) -> Self {
        Self {
            generation: manifest.generation,
            last_lsn: manifest.last_lsn,
            now: manifest.now,
            clean: manifest.clean,
        }
    }
}
