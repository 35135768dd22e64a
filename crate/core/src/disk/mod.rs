//! The directory that the journal writes to, as an interface that has only what the journal needs: [`RealDisk`] is a directory of the
//! file system, `SimulatedDisk` loses power on command. A name is a plain file name, never a path.
//!
//! Two things become durable separately: a file's contents ([`Sink::sync`]) and its name ([`Disk::sync_dir`]). After a power cut a synced
//! file whose name was never synced may be gone, and a name may lead to an unsynced file.

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

/// A flat directory of files. Nothing in it is durable until it is synced.
pub trait Disk: Send + Sync + 'static {
    /// Opens a file for reading from its start. Never follows a symlink, and refuses anything but a regular file.
    ///
    /// # Errors
    /// `NotFound` if there is none; `InvalidInput` if `name` is not a plain file name; else the system's error.
    fn open(&self, name: &str) -> io::Result<Box<dyn Source>>;

    /// Creates a file for appending, which must not exist yet, readable and writable by its owner alone. Its name is durable only after
    /// [`Disk::sync_dir`].
    ///
    /// # Errors
    /// `AlreadyExists` if anything has the name, even a symlink; else the system's error.
    fn create(&self, name: &str) -> io::Result<Box<dyn Sink>>;

    /// Cuts a file to a length that is not greater than its own, and syncs it: durable once this returns `Ok`.
    ///
    /// # Errors
    /// `NotFound`; `InvalidInput` for a greater length; else the system's error, and then the file may be cut or not.
    fn cut(&self, name: &str, len: u64) -> io::Result<()>;

    /// Renames a file, and atomically replaces the one that had the name: at every moment, and after a power cut, `to` is one file or the
    /// other. Does not make contents durable: sync them first.
    ///
    /// # Errors
    /// `NotFound`; else the system's error.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. Until [`Disk::sync_dir`] it may be back after a power cut.
    ///
    /// # Errors
    /// `NotFound`; else the system's error.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// The names of all entries, sorted. A name that is not UTF-8 is not the journal's, and left out.
    ///
    /// # Errors
    /// The system's error.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes creations, renames and removals durable.
    ///
    /// # Errors
    /// The system's error. Then none of them can be relied on, not even after a second try that returns `Ok`.
    fn sync_dir(&self) -> io::Result<()>;
}

/// A file being read.
pub trait Source: io::Read + io::Seek + Send {
    /// The file's length when it was opened.
    fn len(&self) -> u64;

    /// When the file was last written to, if known.
    fn modified(&self) -> Option<SystemTime> {
        None
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A file being appended to.
pub trait Sink: Send {
    /// Appends bytes, perhaps only some of them, as `write(2)` does; returns how many. They survive the process, but not a power cut.
    ///
    /// # Errors
    /// The system's error. It is unknown then how much was written: [`Sink::cut`] back.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Makes the contents durable: they survive a power cut once this returns `Ok`, if the file's name does.
    ///
    /// # Errors
    /// The system's error. The file must not be trusted after it: a second sync may return `Ok` without the data.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file back to `len`, where the next write appends. Durable only after [`Sink::sync`].
    ///
    /// # Errors
    /// `InvalidInput` if the file is shorter; else the system's error.
    fn cut(&mut self, len: u64) -> io::Result<()>;

    /// Appends all bytes, in as many writes as that takes.
    ///
    /// # Errors
    /// `WriteZero` if the system takes no more and does not say why; else the first error except `Interrupted`. A part may be written then.
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

/// Writes `bytes` to the file `name`, all or nothing: after a power cut at any moment it has its old contents or these, and these for
/// certain once this has returned `Ok`.
///
/// # Errors
/// The error of the step that failed. The file has its old contents then, or, if only the sync of the directory failed, the new ones
/// until a power cut decides. The temporary file is removed if the disk still allows that.
pub fn replace(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    replace_with(disk, name, |file| file.write_all(bytes))
}

/// Writes a part of the file `from` to the file `name`, which may be the same, as [`replace`] does. Needs memory for one window of it.
///
/// # Errors
/// Those of [`replace`].
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
    remove_leftover(disk, &temporary)?;
    let written = disk.create(&temporary).and_then(|mut file| {
        write(&mut *file)?;
        file.sync()
    });
    let renamed = written.and_then(|()| disk.rename(&temporary, name));
    if renamed.is_err() {
        // The first error is the one to return; the next try removes a leftover.
        let _ = disk.remove(&temporary);
    }
    renamed?;
    disk.sync_dir()
}

/// The name of the file that [`replace`] writes before the rename, and that a crash may leave.
#[must_use]
pub fn temporary_name(name: &str) -> String {
    format!("tmp-{name}")
}

/// Removes a file, if it exists, that a crash left before it had its name or a manifest named it.
///
/// # Errors
/// Those of [`Disk::remove`], except `NotFound`.
pub fn remove_leftover(disk: &dyn Disk, name: &str) -> io::Result<()> {
    match disk.remove(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Refuses names that could lead out of the directory.
pub(crate) fn check_name(name: &str) -> io::Result<()> {
    let plain = !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', '\0', ':']);
    if plain {
        Ok(())
    } else {
        Err(invalid("not a plain file name"))
    }
}

pub(crate) fn check_cut(len: u64, present: u64) -> io::Result<()> {
    if len <= present {
        Ok(())
    } else {
        Err(invalid(&format!("cannot cut a file of {present} bytes to {len}")))
    }
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}
