//! Opening a store on a directory: the checks, the lock, the recovery, and a new segment to continue in.

use crate::disk::{DirLock, Disk, LockError, RealDisk, copy, replace};
use crate::face::handle::{Owner, StoreHandle};
use crate::face::parts::Parts;
use crate::face::registry;
use crate::face::report::Report;
use crate::face::terms::Terms;
use crate::format::codec::Manifest;
use crate::format::header::MOST;
use crate::format::queue::Queue;
use crate::journal::catalog::{Catalog, MANIFEST, ManifestError, TORN, is_journal, listed, read_manifest};
use crate::journal::log::is_full;
use crate::journal::options::OnCorruption;
use crate::journal::recover::{RecoverError, Recovered, Watch, recover};
use crate::journal::writer::{Start, Writer};
use crate::lock::shared::Shared;
use crate::model::damage::Damage;
use crate::model::error::Error;
use crate::model::lsn::Lsn;
use crate::planted::{Fault, planted};
use crate::store::Store;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Opens the store in a directory, or joins it if this process has it open already.
///
/// # Errors
/// [`Error::Locked`], [`Error::Corrupt`], [`Error::FormatNewer`]: nothing in the directory was changed then, except that an empty lock
/// file may be there. [`Error::Path`], [`Error::Io`]: the same, unless it was a write that failed. [`Error::Random`], [`Error::Thread`].
/// [`Error::Closed`] if `watch` cancels it. [`Error::OptionsDiffer`] if the store is open with other options.
pub fn open(path: &Path, parts: Parts, watch: &mut dyn Watch) -> Result<(StoreHandle, Report), Error> {
    let disk = RealDisk::open(path).map_err(|error| Error::Path {
        path: path.to_owned(),
        why: error.to_string(),
    })?;
    registry::join_or_open(path, disk.identity(), Terms::of(&parts), watch, |watch| {
        let at = At { path };
        // Checked before any file is created there, even the lock file.
        match read_manifest(&disk) {
            Err(ManifestError::Newer { format }) => return Err(at.newer(MANIFEST.to_owned(), format)),
            Err(ManifestError::Io(error)) => return Err(at.io("the manifest could not be read", error)),
            _ => {}
        }
        let lock = if planted(Fault::LockSkipped) {
            None
        } else {
            Some(DirLock::acquire(&disk).map_err(|error| match error {
                LockError::Held { pid, .. } => Error::Locked {
                    path: path.to_owned(),
                    pid,
                },
                LockError::Io { source } => at.io("the lock file could not be opened", source),
            })?)
        };
        let found = read(&disk, path, &parts, watch)?;
        if watch.is_cancelled() {
            return Err(Error::Closed);
        }
        let disk: Arc<dyn Disk> = Arc::new(disk);
        let (shared, mut writer, report) = start(&disk, lock, path, parts, found)?;
        writer.sign_lock(&signature());
        Ok((Owner::start(shared, Some(writer))?, report))
    })
}

/// The lock file's text, which names this process.
fn signature() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!(
        "pid {}\nstarted {}\nversion {}\n",
        std::process::id(),
        now.as_secs(),
        env!("CARGO_PKG_VERSION")
    )
}

/// The directory being opened, for the errors about it.
struct At<'a> {
    path: &'a Path,
}

impl At<'_> {
    fn newer(&self, file: String, format: u16) -> Error {
        Error::FormatNewer {
            path: self.path.to_owned(),
            file,
            format,
        }
    }

    /// The error for a failed file operation. Where the cause lies with the directory, it is [`Error::Path`] and says what to do.
    fn io(&self, what: &str, error: io::Error) -> Error {
        use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let fix = match error.kind() {
            PermissionDenied => "give this user the right to read and write it",
            ReadOnlyFilesystem => "it is on a read-only file system: mount that for writing",
            StorageFull | QuotaExceeded => "its file system is full: free some space",
            _ => {
                let place = format!("{}: {what}", self.path.display());
                return Error::io(&place, error);
            }
        };
        Error::Path {
            path: self.path.to_owned(),
            why: format!("{what} ({error}): {fix}"),
        }
    }
}

/// The result of reading a directory's files.
pub struct FoundFiles {
    recovered: Recovered,
    /// Files to keep beside the store, because some of them are damaged.
    kept: Vec<String>,
    damages: Vec<Damage>,
    started: Instant,
}

/// Reads the files without changing anything.
pub(crate) fn read(
    disk: &dyn Disk,
    path: &Path,
    parts: &Parts,
    watch: &mut dyn Watch,
) -> Result<FoundFiles, Error> {
    let started = Instant::now();
    let at = At { path };
    let salvage = parts.journal.on_corruption == OnCorruption::Salvage;
    let (recovered, damages) = match recover(disk, salvage, watch) {
        Ok(mut recovered) => {
            let damages = std::mem::take(&mut recovered.damages);
            (recovered, damages)
        }
        Err(RecoverError::Io { file, error }) => {
            return Err(at.io(&format!("{file} could not be read"), error));
        }
        Err(RecoverError::Newer { file, format }) => return Err(at.newer(file, format)),
        Err(RecoverError::Cancelled) => return Err(Error::Closed),
        Err(RecoverError::Damaged(damage)) if parts.journal.on_corruption == OnCorruption::Fresh => {
            (Recovered::default(), vec![damage])
        }
        Err(RecoverError::Damaged(damage)) => {
            let path = path.to_owned();
            return Err(Error::Corrupt { path, damage });
        }
    };
    let mut kept = Vec::new();
    if !damages.is_empty() {
        kept = disk
            .list()
            .map_err(|error| at.io("the directory could not be read", error))?;
        let named = read_manifest(disk).ok().flatten();
        let is_meant = |name: &String| named.as_ref().is_none_or(|named| listed(named).contains(name));
        kept.retain(|name| is_journal(name) && name != MANIFEST && is_meant(name));
    }
    Ok(FoundFiles {
        recovered,
        kept,
        damages,
        started,
    })
}

/// The generation in a file's name; 0 if there is none.
fn generation_of(name: &str) -> u64 {
    let number = name.split('-').nth(1).and_then(|text| text.parse().ok());
    number.filter(|&number| number <= MOST).unwrap_or_default()
}

/// Builds the store that was found, and a writer that continues where its files end.
pub(crate) fn start(
    disk: &Arc<dyn Disk>,
    lock: Option<DirLock>,
    path: &Path,
    parts: Parts,
    found: FoundFiles,
) -> Result<(Arc<Shared>, Writer, Report), Error> {
    let at = At { path };
    let FoundFiles {
        recovered,
        kept,
        damages,
        started,
    } = found;
    let created = recovered.manifest.is_none() && damages.is_empty();
    let mut manifest = match recovered.manifest {
        Some(manifest) => manifest,
        None => first_manifest(&kept),
    };
    let (last_lsn, records) = (recovered.image.last_lsn, recovered.image.applied);
    let now = parts.clock.now();
    let salvaging = !damages.is_empty();
    let (mut store, adopted) = Store::adopt(parts.options, recovered.image, now);
    store.attach_log(Queue::new(last_lsn, parts.journal.durability));
    // The queue is attached before sessions are evicted: the files still have those.
    let shared = Arc::new(Shared::new(store, parts.clock, Arc::clone(&parts.random)));
    let mut guard = shared.lock();
    let evicted = guard.store.shrink(now);
    let sessions = u64::from(guard.store.len());
    shared.release(guard, false);
    let generation = manifest.generation;
    let trouble = |what: &'static str| {
        let at = &at;
        move |error| at.io(what, error)
    };

    // From here on the directory is changed.
    let mut torn_file = None;
    let torn = recovered.torn;
    if let Some(torn) = &torn {
        let name = format!("{TORN}{}-{}", torn.file, torn.offset);
        copy(&**disk, &torn.file, torn.offset..u64::MAX, &name)
            .map_err(trouble("a torn write could not be copied"))?;
        torn_file = Some(name);
    }
    if salvaging {
        keep_manifest(&**disk, generation).map_err(trouble("the damaged manifest could not be copied"))?;
    }
    manifest.kept.retain(|name| !kept.contains(name));
    manifest.kept.extend(kept.iter().cloned());
    let mut catalog = Catalog::new(Arc::clone(disk), Arc::clone(&parts.random), manifest);
    shared.set_token_key(catalog.token_key()?);
    if created {
        catalog
            .update(|_| ())
            .map_err(trouble("the manifest could not be written"))?;
    }
    let mut writer = Writer::new(
        Arc::clone(&shared),
        Start {
            disk: Arc::clone(disk),
            random: parts.random,
            options: parts.journal,
            catalog,
            lock,
        },
    );
    if salvaging || adopted.clock_set_back > 0 {
        writer
            .rebase(false)
            .map_err(trouble("a new snapshot could not be written"))?;
    } else {
        if let Some((name, len)) = recovered.open_segment {
            renew_segment(&**disk, &name, len).map_err(trouble("the log could not be synced"))?;
        }
        writer
            .resume(last_lsn)
            .map_err(trouble("a new segment could not be begun"))?;
    }
    let report = Report {
        created,
        generation,
        sessions,
        expired: adopted.expired,
        evicted,
        records,
        torn_bytes: torn.map_or(0, |torn| torn.len),
        torn_file,
        kept,
        damages,
        clock_set_back: adopted.clock_set_back,
        millis: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    Ok((shared, writer, report))
}

/// The first manifest of a directory that has no usable one. Its generation is above those of the kept files.
fn first_manifest(kept: &[String]) -> Manifest {
    let newest = kept.iter().map(|name| generation_of(name)).max();
    Manifest {
        generation: newest.unwrap_or_default() + 1,
        snapshot: None,
        segments: Vec::new(),
        now: 0,
        last_lsn: Lsn::default(),
        kept: Vec::new(),
        clean: false,
        ext: Vec::new(),
    }
}

/// Copies the records of a segment that was not closed to a new file of the same name. They were read, but the disk may not have them
/// yet, and the next manifest will say that it does. Syncing the old file would prove nothing: if a sync of it failed in the process
/// before, the system has dropped the unwritten data, and the next sync succeeds without it.
fn renew_segment(disk: &dyn Disk, name: &str, len: u64) -> io::Result<()> {
    match copy(disk, name, 0..len, name) {
        // Without room for both files the old one is cut and synced: that is better than not opening.
        Err(error) if is_full(&error) => disk.cut(name, len),
        copied => copied,
    }
}

/// Copies the manifest aside before another replaces it, because the files that it names are kept.
fn keep_manifest(disk: &dyn Disk, generation: u64) -> io::Result<()> {
    let mut bytes = Vec::new();
    match disk.open(MANIFEST) {
        Ok(mut file) => file.read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    replace(disk, &format!("damaged-{MANIFEST}-{generation}"), &bytes)
}
