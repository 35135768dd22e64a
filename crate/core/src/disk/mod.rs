//! The one directory that the journal writes to, as narrow as the journal needs it: [`RealDisk`] is the file system's,
//! `SimulatedDisk` loses power on command. A name is a plain file name, never a path.
//!
//! Two things become durable apart from each other: what is in a file ([`Sink::sync`]) and what the directory says
//! ([`Disk::sync_dir`]). A synced file whose name was never synced may be gone, a name may point to an unsynced file.

mod errors;
mod holder;
mod lock;
mod lock_text;
mod real;
#[cfg(test)]
mod tests;

pub use errors::DirError;
pub use holder::Holder;
pub use lock::{DirLock, LockError};
pub use lock_text::read_lock;
pub use real::RealDisk;

use std::io::{self, Read, Seek};
use std::ops::Range;
use std::time::SystemTime;

/// Bytes copied at a time.
const COPIED: u64 = 1 << 18;

/// A flat directory of files. Nothing in it is durable before it was synced.
pub trait Disk: Send + Sync + 'static {
    /// Opens a file for reading from its start. Never follows a symlink and refuses what is no regular file.
    ///
    /// # Errors
    /// `NotFound` when there is none; `InvalidInput` when `name` is no plain file name; else what the system says.
    fn open(&self, name: &str) -> io::Result<Box<dyn Source>>;

    /// Makes a file that must not be there yet, readable and writable by its owner alone, for appending. Its name is
    /// durable only after [`Disk::sync_dir`].
    ///
    /// # Errors
    /// `AlreadyExists` when anything has the name, a symlink included; else what the system says.
    fn create(&self, name: &str) -> io::Result<Box<dyn Sink>>;

    /// Cuts a file to a length, which may not be above its own, and syncs it: durable once this answers `Ok`.
    ///
    /// # Errors
    /// `NotFound`; `InvalidInput` for a greater length; else what the system says, and then it may be cut or not.
    fn cut(&self, name: &str, len: u64) -> io::Result<()>;

    /// Gives a file another name and takes that name from the file that had it: at every moment, and after a power
    /// cut, `to` is the one file or the other. Says nothing about what is in them: sync first.
    ///
    /// # Errors
    /// `NotFound`; else what the system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Takes a file's name away. It may be back after a power cut until [`Disk::sync_dir`].
    ///
    /// # Errors
    /// `NotFound`; else what the system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// The names of everything here, sorted. A name that is not UTF-8 is none of ours and left out.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes creations, renames and removals durable.
    ///
    /// # Errors
    /// What the system says. Then none of them can be relied on, not even after a second try that answers `Ok`.
    fn sync_dir(&self) -> io::Result<()>;
}

/// A file being read.
pub trait Source: io::Read + io::Seek + Send {
    /// The file's length when it was opened.
    fn len(&self) -> u64;

    /// When it was last written to, where that is known.
    fn modified(&self) -> Option<SystemTime> {
        None
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A file being appended to.
pub trait Sink: Send {
    /// May write less than all of it, as `write(2)` does; answers how much. Survives the process, not a power cut.
    ///
    /// # Errors
    /// What the system says. Nothing is known then about how much was written: [`Sink::cut`] back.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// What was written survives a power cut once this answers `Ok`, if the file's name does.
    ///
    /// # Errors
    /// What the system says. The file must not be trusted again after it: a second sync answers `Ok` without the data.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts back to `len`; the next write appends there. Durable only after [`Sink::sync`].
    ///
    /// # Errors
    /// `InvalidInput` when the file is shorter; else what the system says.
    fn cut(&mut self, len: u64) -> io::Result<()>;

    /// Writes all of it, however many writes it takes.
    ///
    /// # Errors
    /// `WriteZero` when the system takes no more without saying why; else the first error but `Interrupted`. Part of
    /// it may be written then.
    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Puts `bytes` under `name`, all or nothing: after a power cut at any moment `name` has its old content or this, and
/// this for certain once it answered `Ok`.
///
/// # Errors
/// Whatever a step answered. `name` has its old content then, or, if only the directory's sync failed, the new one
/// until a power cut decides. The temporary file is removed where the disk still lets it.
pub fn replace(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    replace_with(disk, name, |file| file.write_all(bytes))
}

/// Puts a part of what is in `from` under `name`, which may be `from` itself, as [`replace`] does. Holds one window of it.
///
/// # Errors
/// As of [`replace`].
pub fn copy(disk: &dyn Disk, from: &str, part: Range<u64>, name: &str) -> io::Result<()> {
    let mut source = disk.open(from)?;
    source.seek(io::SeekFrom::Start(part.start))?;
    let mut rest = source.take(part.end.saturating_sub(part.start));
    let mut window = Vec::new();
    replace_with(disk, name, move |file| {
        loop {
            window.clear();
            if rest.by_ref().take(COPIED).read_to_end(&mut window)? == 0 {
                return Ok(());
            }
            file.write_all(&window)?;
        }
    })
}

fn replace_with(
    disk: &dyn Disk,
    name: &str,
    write: impl FnOnce(&mut dyn Sink) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = temporary_name(name);
    match disk.remove(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let renamed = write_new(disk, &temporary, write).and_then(|()| disk.rename(&temporary, name));
    if renamed.is_err() {
        // The first error is the one to tell; a leftover is removed by the next try.
        let _ = disk.remove(&temporary);
    }
    renamed?;
    disk.sync_dir()
}

/// Where [`replace`] writes before the rename: what a crash may leave behind.
#[must_use]
pub fn temporary_name(name: &str) -> String {
    format!("tmp-{name}")
}

fn write_new(
    disk: &dyn Disk,
    name: &str,
    write: impl FnOnce(&mut dyn Sink) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = disk.create(name)?;
    write(&mut *file)?;
    file.sync()
}

/// Refuses what could lead out of the directory.
pub(crate) fn check_name(name: &str) -> io::Result<()> {
    let plain = !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', '\0', ':']);
    if plain {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a plain file name",
        ))
    }
}

pub(crate) fn check_cut(len: u64, present: u64) -> io::Result<()> {
    if len <= present {
        Ok(())
    } else {
        let message = format!("cannot cut a file of {present} bytes to {len}");
        Err(io::Error::new(io::ErrorKind::InvalidInput, message))
    }
}
