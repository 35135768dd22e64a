//! The manifest file, which lists the files of the store. It is replaced atomically, and it alone decides which files count.

use crate::disk::{Disk, replace};
use crate::format::codec::{Manifest, SegmentEntry, SnapshotEntry, decode, encode};
use crate::format::frame::{self, Seed};
use crate::format::header::{FileHeader, FileKind, MOST};
use crate::journal::reader::{FrameReader, HeaderError, Next};
use crate::model::error::Error;
use crate::model::ext;
use crate::model::random::{Random, TokenKey, token_key};
use crate::planted::{Fault, planted};
use std::io;
use std::sync::Arc;

pub const MANIFEST: &str = "MANIFEST";
/// The file that reserves space on the disk: removed on a full disk, so that the ends of sessions can still be written.
pub const RESERVE: &str = "reserve";
const RESERVE_BYTES: usize = 1 << 16;
/// Kind of the only frame in the manifest.
pub const KIND_MANIFEST: u8 = 32;

/// Prefix of the names of files that torn tails were copied to.
pub const TORN: &str = "torn-";

/// A random salt for a file's checksums.
pub fn salt(random: &dyn Random) -> io::Result<u64> {
    let mut bytes = [0; 8];
    random.fill(&mut bytes).map_err(io::Error::other)?;
    Ok(u64::from_le_bytes(bytes))
}

/// The owner of the manifest file, and its only writer.
pub struct Catalog {
    disk: Arc<dyn Disk>,
    random: Arc<dyn Random>,
    manifest: Manifest,
    /// True if an update failed after it may have replaced the file: the next opening may find that manifest instead of this one.
    in_doubt: bool,
}

impl Catalog {
    pub fn new(disk: Arc<dyn Disk>, random: Arc<dyn Random>, manifest: Manifest) -> Self {
        Self {
            disk,
            random,
            manifest,
            in_doubt: false,
        }
    }

    /// Whether another manifest than this one may count. If so, nothing may be appended to the files of either.
    pub fn is_in_doubt(&self) -> bool {
        self.in_doubt
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The key of the store's tokens. One that is made now is written with the next update.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn token_key(&mut self) -> Result<TokenKey, Error> {
        if let Some(Ok(key)) = ext::value(&self.manifest.ext, ext::TOKEN_KEY).map(TokenKey::try_from) {
            return Ok(key);
        }
        let key = token_key(&*self.random)?;
        self.manifest.ext = ext::with(&self.manifest.ext, ext::TOKEN_KEY, &key);
        Ok(key)
    }

    /// Replaces the manifest, and removes the files that it no longer names once it is durable.
    ///
    /// # Errors
    /// Disk errors. If either of both manifests may count then, the files of both are kept.
    pub fn update(&mut self, change: impl FnOnce(&mut Manifest)) -> io::Result<()> {
        let mut next = self.manifest.clone();
        change(&mut next);
        if planted(Fault::UnlinkBeforeManifest) {
            self.remove_unlisted(&next)?;
        }
        if let Err(error) = self.write(&next) {
            // The file may be the new one already, until a power cut decides.
            let there = read_manifest(&*self.disk);
            self.in_doubt = !matches!(there, Ok(Some(there)) if there == self.manifest);
            return Err(error);
        }
        self.in_doubt = false;
        self.manifest = next;
        self.tidy();
        Ok(())
    }

    fn write(&self, manifest: &Manifest) -> io::Result<()> {
        let salt = salt(&*self.random)?;
        let header = FileHeader::new(FileKind::Manifest, manifest.generation, manifest.last_lsn, salt);
        let mut frames = Vec::new();
        frame::append(&mut frames, manifest.last_lsn, KIND_MANIFEST, |body| {
            encode(manifest, body);
        });
        frame::seal(&mut frames, Seed::new(salt), |_| ());
        let bytes = [&header.to_bytes()[..], &frames].concat();
        replace(&*self.disk, MANIFEST, &bytes)
    }

    /// Removes the files of failed attempts, which take up room on a full disk. No attempt may be running.
    pub fn tidy(&self) {
        // Files that cannot be removed now are removed after the next update.
        let _ = self.remove_unlisted(&self.manifest);
    }

    /// Removes temporary files and, unless another manifest may count, the journal's files that `manifest` does not name.
    fn remove_unlisted(&self, manifest: &Manifest) -> io::Result<()> {
        let listed = listed(manifest);
        let is_unlisted =
            |name: &String| !self.in_doubt && is_journal(name) && name != MANIFEST && !listed.contains(name);
        let mut removed = false;
        for name in self.disk.list()? {
            if is_unlisted(&name) || name.starts_with("tmp-") {
                self.disk.remove(&name)?;
                removed = true;
            }
        }
        if removed {
            self.disk.sync_dir()?;
        }
        Ok(())
    }

    /// Creates the reserve file, unless it exists.
    ///
    /// # Errors
    /// Disk errors.
    pub fn reserve(&self) -> io::Result<()> {
        if self.disk.list()?.iter().any(|name| name == RESERVE) {
            return Ok(());
        }
        replace(&*self.disk, RESERVE, &vec![0; RESERVE_BYTES])
    }

    /// Removes the reserve file, so that its space can be used.
    pub fn release_reserve(&self) {
        // If it is missing or cannot be removed, there is no more space than before.
        let _ = self.disk.remove(RESERVE);
    }
}

/// Names of the files that a manifest lists.
pub fn listed(manifest: &Manifest) -> Vec<String> {
    let kept = manifest.kept.iter().cloned();
    current(manifest).chain(kept).collect()
}

/// Names of the files that have the sessions.
pub fn current(manifest: &Manifest) -> impl Iterator<Item = String> {
    let segments = manifest.segments.iter().map(SegmentEntry::name);
    segments.chain(manifest.snapshot.as_ref().map(SnapshotEntry::name))
}

/// Whether a name is that of a manifest, a segment or a snapshot.
pub fn is_journal(name: &str) -> bool {
    name == MANIFEST || name.starts_with("log-") || name.starts_with("snap-")
}

/// Reason why the manifest cannot be read.
#[derive(Debug)]
pub enum ManifestError {
    Io(io::Error),
    Newer { format: u16 },
    Damaged { offset: u64 },
}

/// Reads the manifest; `None` if there is none.
///
/// # Errors
/// [`ManifestError`].
pub fn read_manifest(disk: &dyn Disk) -> Result<Option<Manifest>, ManifestError> {
    use crate::format::header::Unreadable;
    let mut reader = match FrameReader::open(disk, MANIFEST, FileKind::Manifest) {
        Ok((_, reader)) => reader,
        Err(HeaderError::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(HeaderError::Io(error)) => return Err(ManifestError::Io(error)),
        Err(HeaderError::Unreadable(Unreadable::Newer { format, .. })) => {
            return Err(ManifestError::Newer { format });
        }
        Err(HeaderError::Unreadable(Unreadable::Damaged)) => {
            return Err(ManifestError::Damaged { offset: 0 });
        }
    };
    let offset = reader.offset();
    let manifest = match reader.next().map_err(ManifestError::Io)? {
        Next::Frame { frame, .. } if frame.kind == KIND_MANIFEST => decode(frame.body),
        _ => None,
    };
    match manifest {
        Some(manifest) if reader.offset() == reader.end() && is_plausible(&manifest) => Ok(Some(manifest)),
        _ => Err(ManifestError::Damaged { offset }),
    }
}

/// Whether all numbers in the manifest are ones that a store can reach.
fn is_plausible(manifest: &Manifest) -> bool {
    const MOST_BYTES: u64 = 1 << 48;
    let counts = |counters: &[u64]| counters.iter().all(|&counter| counter <= MOST);
    let snapshot = manifest.snapshot.is_none_or(|snapshot| {
        counts(&[snapshot.generation, snapshot.lsn.get()]) && snapshot.len <= MOST_BYTES
    });
    let segments = manifest.segments.iter().all(|segment| {
        let is_sealed_plausibly = segment
            .sealed
            .is_none_or(|sealed| counts(&[sealed.last_lsn.get()]) && sealed.len <= MOST_BYTES);
        is_sealed_plausibly
            && counts(&[segment.generation, segment.start_lsn.get()])
            && segment.number < u32::MAX
    });
    snapshot && segments && counts(&[manifest.generation, manifest.last_lsn.get()])
}
