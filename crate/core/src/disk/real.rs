//! A directory of the file system, opened once.

#[cfg(not(unix))]
#[path = "real/portable.rs"]
mod directory;
#[cfg(unix)]
#[path = "real/unix.rs"]
mod directory;

use super::{DirError, Disk, Holder, Sink, Source, check_cut, check_name, holder, invalid, lock_text};
use directory::Directory;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::SystemTime;

/// A directory of the file system. On Unix it is held by its descriptor: it stays the one that was opened and checked, even if it is
/// renamed or another takes its place.
#[derive(Debug)]
pub struct RealDisk {
    directory: Directory,
}

impl RealDisk {
    /// Opens the directory for writing, and creates it (mode 0700, durable) if only its last component is missing.
    ///
    /// # Errors
    /// [`DirError`]: anything that would let another user at the files, or make the first write fail.
    pub fn open(path: &Path) -> Result<Self, DirError> {
        let directory = Directory::open(path)?;
        Ok(Self { directory })
    }

    /// Opens an existing directory, for tools that only read: owner and mode are not checked.
    ///
    /// # Errors
    /// [`DirError`] if it is missing, a symlink, not a directory, or may not be read.
    pub fn open_existing(path: &Path) -> Result<Self, DirError> {
        let directory = Directory::open_existing(path)?;
        Ok(Self { directory })
    }

    /// Device and inode: the same for every path to this directory.
    #[must_use]
    pub fn identity(&self) -> (u64, u64) {
        self.directory.identity()
    }

    /// Why [`RealDisk::open`] would refuse this directory; `None` if it would not.
    #[must_use]
    pub fn refusal(&self, path: &Path) -> Option<DirError> {
        self.directory.check(path).err()
    }

    /// The process that has the directory locked, found without locking anything.
    #[must_use]
    pub fn holder(&self) -> Holder {
        holder::find(self.directory.open_for_reading(lock_text::NAME))
    }

    /// Opens a file for reading and writing, and creates it empty (mode 0600) if it is missing.
    pub(super) fn open_or_create(&self, name: &str) -> io::Result<File> {
        check_name(name)?;
        self.directory.open_or_create(name)
    }
}

impl Disk for RealDisk {
    fn open(&self, name: &str) -> io::Result<Box<dyn Source>> {
        check_name(name)?;
        let file = self.directory.open_for_reading(name)?;
        let len = file.metadata()?.len();
        Ok(Box::new(RealSource { file, len }))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Sink>> {
        check_name(name)?;
        Ok(Box::new(self.directory.create(name)?))
    }

    fn cut(&self, name: &str, len: u64) -> io::Result<()> {
        check_name(name)?;
        let file = self.directory.open_for_writing(name)?;
        check_cut(len, file.metadata()?.len())?;
        file.set_len(len)?;
        file.sync_all()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        check_name(from)?;
        check_name(to)?;
        self.directory.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        check_name(name)?;
        self.directory.remove(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = self.directory.list()?;
        names.sort_unstable();
        Ok(names)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.directory.sync()
    }
}

struct RealSource {
    file: File,
    len: u64,
}

impl Read for RealSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for RealSource {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Source for RealSource {
    fn len(&self) -> u64 {
        self.len
    }

    fn modified(&self) -> Option<SystemTime> {
        self.file.metadata().ok()?.modified().ok()
    }
}

impl Sink for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        check_cut(len, self.metadata()?.len())?;
        self.set_len(len)?;
        // Where files are not opened for appending, a cursor beyond the end would leave a hole.
        self.seek(SeekFrom::Start(len))?;
        Ok(())
    }
}

/// Refuses a pipe, a device or a directory under a file's name.
fn only_regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(invalid("not a regular file"))
    }
}
