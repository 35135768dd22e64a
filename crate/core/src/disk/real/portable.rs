//! A directory on systems without directory descriptors: every step goes by the path, and access rights are those of the folder.

use super::{DirError, invalid, only_regular};
use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    identity: (u64, u64),
}

impl Directory {
    pub fn open(path: &Path) -> Result<Self, DirError> {
        match fs::create_dir(path) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                return Err(DirError::from_io(path, source));
            }
            _ => {}
        }
        Self::open_existing(path)
    }

    pub fn open_existing(path: &Path) -> Result<Self, DirError> {
        let fail = |source| DirError::from_io(path, source);
        let facts = fs::symlink_metadata(path).map_err(fail)?;
        if facts.is_symlink() {
            return Err(DirError::Symlink {
                path: path.to_owned(),
            });
        }
        if !facts.is_dir() {
            return Err(DirError::NotADirectory {
                path: path.to_owned(),
            });
        }
        let path = fs::canonicalize(path).map_err(fail)?;
        // The inode cannot be read without unsafe code; a hash of the canonical path replaces it.
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        let identity = (0, hasher.finish());
        Ok(Self { path, identity })
    }

    /// Checks nothing: the folder's own access rights decide who may use it.
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "the check on Unix can fail"
    )]
    pub fn check(&self, _path: &Path) -> Result<(), DirError> {
        Ok(())
    }

    pub fn identity(&self) -> (u64, u64) {
        self.identity
    }

    pub fn open_for_reading(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OpenOptions::new().read(true))
    }

    pub fn open_for_writing(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OpenOptions::new().read(true).write(true))
    }

    pub fn open_or_create(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        self.open_file(name, options.read(true).write(true).create(true).truncate(false))
    }

    pub fn create(&self, name: &str) -> io::Result<File> {
        self.open_file(name, OpenOptions::new().write(true).create_new(true))
    }

    fn open_file(&self, name: &str, options: &OpenOptions) -> io::Result<File> {
        let path = self.path.join(name);
        let symlink = fs::symlink_metadata(&path).is_ok_and(|facts| facts.is_symlink());
        if symlink {
            return Err(invalid("a symlink is not followed"));
        }
        only_regular(options.open(path)?)
    }

    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    pub fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    pub fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }

    /// Does nothing, because a directory cannot be synced here: the file system journals changes of names itself, in order.
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "the sync on Unix can fail"
    )]
    pub fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}
