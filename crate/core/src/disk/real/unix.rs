//! A directory on Unix: every step goes through its descriptor, and none follows a symlink.

use super::{DirError, only_regular};
use rustix::fs::{Access, AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(super) struct Directory {
    dir: File,
    identity: (u64, u64),
}

const DIR_FLAGS: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// `NONBLOCK`: opening a pipe in a file's place must not wait for its other end. Regular files ignore the flag.
const FILE_FLAGS: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Group's and others' write bits.
const FOREIGN_WRITE: u32 = 0o022;

impl Directory {
    pub fn open(path: &Path) -> Result<Self, DirError> {
        let directory = match Self::open_existing(path) {
            Err(DirError::Missing { .. }) => Self::make(path)?,
            Ok(directory) => {
                // The process that created it may have died before its name was durable. Without permission to read the parent that
                // cannot be helped.
                let _ = parent(path).and_then(|parent| sync(&parent));
                directory
            }
            Err(error) => return Err(error),
        };
        directory.check(path)?;
        Ok(directory)
    }

    pub fn open_existing(path: &Path) -> Result<Self, DirError> {
        // `components` drops a trailing slash, with which a symlink would be followed.
        let bare: PathBuf = path.components().collect();
        let opened = rustix::fs::openat(CWD, &bare, DIR_FLAGS, Mode::empty());
        Self::new(opened.map_err(|errno| explain(path, &bare, errno))?.into(), path)
    }

    fn new(dir: File, path: &Path) -> Result<Self, DirError> {
        let facts = dir.metadata().map_err(|source| DirError::from_io(path, source))?;
        Ok(Self {
            dir,
            identity: (facts.dev(), facts.ino()),
        })
    }

    fn make(path: &Path) -> Result<Self, DirError> {
        let fail = |source: io::Error| DirError::from_io(path, source);
        let parent = parent(path).map_err(fail)?;
        let name = path.file_name().ok_or_else(|| fail(Errno::NOENT.into()))?;
        match rustix::fs::mkdirat(&parent, name, Mode::RWXU) {
            // `EXIST`: another process was faster; the checks decide whether its directory is used.
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(fail(errno.into())),
        }
        let opened = rustix::fs::openat(&parent, name, DIR_FLAGS, Mode::empty());
        let directory = Self::new(opened.map_err(|errno| explain(path, path, errno))?.into(), path)?;
        sync(&parent).map_err(fail)?;
        Ok(directory)
    }

    pub fn check(&self, path: &Path) -> Result<(), DirError> {
        let facts = self
            .dir
            .metadata()
            .map_err(|source| DirError::from_io(path, source))?;
        let user = rustix::process::geteuid().as_raw();
        let path = path.to_owned();
        if facts.uid() != user {
            let owner = facts.uid();
            return Err(DirError::Foreign { path, owner, user });
        }
        if facts.mode() & FOREIGN_WRITE != 0 {
            let mode = facts.mode() & 0o7777;
            return Err(DirError::Writable { path, mode });
        }
        let needed = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
        match rustix::fs::accessat(&self.dir, ".", needed, AtFlags::EACCESS) {
            Err(Errno::ACCESS) => Err(DirError::Denied { path }),
            Err(Errno::ROFS) => Err(DirError::ReadOnly { path }),
            // An old kernel or a sandbox may not support this check; then the first write shows it.
            _ => Ok(()),
        }
    }

    pub fn identity(&self) -> (u64, u64) {
        self.identity
    }

    pub fn open_for_reading(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::RDONLY)
    }

    pub fn open_for_writing(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::RDWR)
    }

    pub fn open_or_create(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OFlags::RDWR | OFlags::CREATE)
    }

    pub fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::APPEND;
        self.open_file(name, flags)
    }

    fn open_file(&self, name: &str, flags: OFlags) -> io::Result<File> {
        let opened = rustix::fs::openat(&self.dir, name, flags | FILE_FLAGS, FILE_MODE)?;
        only_regular(opened.into())
    }

    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.dir, from, &self.dir, to)?)
    }

    pub fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.dir, name, AtFlags::empty())?)
    }

    pub fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.dir)? {
            let entry = entry?;
            match entry.file_name().to_str() {
                Ok("." | "..") | Err(_) => {}
                Ok(name) => names.push(name.to_owned()),
            }
        }
        Ok(names)
    }

    pub fn sync(&self) -> io::Result<()> {
        sync(&self.dir)
    }
}

fn parent(path: &Path) -> io::Result<File> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, parent, flags, Mode::empty())?.into())
}

fn sync(dir: &File) -> io::Result<()> {
    match dir.sync_all() {
        // Some file systems (network, FUSE) cannot sync a directory and say so; they make names durable in their own way.
        Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => Ok(()),
        result => result,
    }
}

/// The error for a directory that could not be opened. Systems differ in the error for a symlink, so the file's type is looked at.
fn explain(path: &Path, bare: &Path, errno: Errno) -> DirError {
    let found = rustix::fs::statat(CWD, bare, AtFlags::SYMLINK_NOFOLLOW);
    let kind = found.map(|facts| FileType::from_raw_mode(facts.st_mode));
    match kind {
        Ok(FileType::Symlink) => DirError::Symlink {
            path: path.to_owned(),
        },
        _ => DirError::from_io(path, errno.into()),
    }
}
