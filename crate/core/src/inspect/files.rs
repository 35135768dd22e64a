//! The files of a store's directory: the purpose and the contents of each.

use super::passes::Passes;
use super::walk::{FileContents, walk};
use crate::disk::Disk;
use crate::format::codec::{Manifest, SegmentEntry};
use crate::format::header::FileKind;
use crate::journal::catalog::{MANIFEST, RESERVE, TORN, is_journal};
use std::collections::HashSet;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

/// The purpose of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Manifest,
    Snapshot,
    /// A segment of the log. A sealed one is not written to any more; `None` without a manifest, which would say so.
    Segment {
        sealed: Option<bool>,
    },
    /// A damaged file that an opening kept.
    Kept,
    /// A copy of a torn tail that was cut off.
    Torn,
    /// A journal file that the manifest does not name: the next opening removes it.
    Void,
    Reserve,
    Lock,
}

/// A file of the store, as an inspection found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    pub name: String,
    pub role: Role,
    /// `None` if it is missing or cannot be opened.
    pub bytes: Option<u64>,
    /// When it was last written to, in milliseconds since 1970.
    pub modified: Option<u64>,
    /// Why it could not be read.
    pub trouble: Option<String>,
    /// `None` if it cannot be read, or is neither snapshot, segment nor manifest.
    pub contents: Option<FileContents>,
    /// For a segment: whether it continues the checksum chain of the segment before. `None` for the first one, after a damaged one, and if
    /// its header cannot be read.
    pub chained: Option<bool>,
}

/// Returns the files of the store, those that the manifest names first, and the number of foreign files.
pub fn facts(
    disk: &dyn Disk,
    names: Vec<String>,
    manifest: Option<&Manifest>,
    passes: &mut Passes<'_>,
) -> (Vec<FileFacts>, u64) {
    let mut files = Vec::new();
    if names.iter().any(|name| name == MANIFEST) || manifest.is_some() {
        files.push(fact(disk, MANIFEST, Role::Manifest, None, passes));
    }
    if let Some(manifest) = manifest {
        if let Some(snapshot) = manifest.snapshot {
            files.push(fact(disk, &snapshot.name(), Role::Snapshot, None, passes));
        }
        let mut chain = None;
        for segment in &manifest.segments {
            let (file, end) = segment_fact(disk, segment, chain, passes);
            files.push(file);
            chain = end;
        }
    }
    let counting: HashSet<_> = files.iter().map(|file| file.name.clone()).collect();
    let mut foreign = 0;
    let mut others = Vec::new();
    for name in names.into_iter().filter(|name| !counting.contains(name)) {
        match role_of(&name, manifest) {
            Some(role) => others.push(fact(disk, &name, role, None, passes)),
            None => foreign += 1,
        }
    }
    others.sort_by_key(|file| file.role);
    files.extend(others);
    (files, foreign)
}

/// The role of a file that holds no current data according to the manifest. `None` for a foreign file.
fn role_of(name: &str, manifest: Option<&Manifest>) -> Option<Role> {
    let is_kept = manifest.is_some_and(|manifest| manifest.kept.iter().any(|kept| kept == name));
    match name {
        _ if is_kept || name.starts_with("damaged-") => Some(Role::Kept),
        RESERVE => Some(Role::Reserve),
        "LOCK" => Some(Role::Lock),
        _ if name.starts_with(TORN) => Some(Role::Torn),
        // Without a manifest it is unknown which of them are current.
        _ if manifest.is_none() && name.starts_with("snap-") => Some(Role::Snapshot),
        _ if manifest.is_none() && name.starts_with("log-") => Some(Role::Segment { sealed: None }),
        _ if is_journal(name) || name.starts_with("tmp-") => Some(Role::Void),
        _ => None,
    }
}

fn segment_fact(
    disk: &dyn Disk,
    segment: &SegmentEntry,
    chain: Option<u32>,
    passes: &mut Passes<'_>,
) -> (FileFacts, Option<u32>) {
    let role = Role::Segment {
        sealed: Some(segment.sealed.is_some()),
    };
    let mut file = fact(
        disk,
        &segment.name(),
        role,
        segment.sealed.map(|sealed| sealed.len),
        passes,
    );
    let contents = file
        .contents
        .as_ref()
        .filter(|contents| contents.header.is_some());
    file.chained = chain
        .zip(contents)
        .map(|(chain, contents)| chain == contents.chain.0);
    let end = contents.filter(|contents| contents.gap_count == 0);
    let end = end.map(|contents| contents.chain.1);
    (file, end)
}

fn fact(disk: &dyn Disk, name: &str, role: Role, limit: Option<u64>, passes: &mut Passes<'_>) -> FileFacts {
    let mut file = FileFacts {
        name: name.to_owned(),
        role,
        bytes: None,
        modified: None,
        trouble: None,
        contents: None,
        chained: None,
    };
    match disk.open(name) {
        Ok(source) => {
            file.bytes = Some(source.len());
            file.modified = source.modified().and_then(millis);
        }
        Err(error) => {
            let is_missing = error.kind() == io::ErrorKind::NotFound;
            file.trouble = Some(if is_missing {
                "it is missing".to_owned()
            } else {
                error.to_string()
            });
            return file;
        }
    }
    if let Some(kind) = kind_of(name) {
        match walk(disk, name, kind, limit, passes) {
            Ok(contents) => file.contents = Some(contents),
            Err(error) => file.trouble = Some(error.to_string()),
        }
        passes.before += file.bytes.unwrap_or_default();
    }
    file
}

/// The codec number in a file's header, which may be of a later version. 0 if the header cannot be read.
pub fn codec_of(disk: &dyn Disk, name: &str) -> u16 {
    let contents = kind_of(name).and_then(|kind| walk(disk, name, kind, Some(0), &mut ()).ok());
    contents
        .and_then(|contents| contents.header)
        .map_or(0, |header| header.codec)
}

/// The kind of a file of frames, by its name.
fn kind_of(name: &str) -> Option<FileKind> {
    match name {
        MANIFEST => Some(FileKind::Manifest),
        _ if name.starts_with("snap-") => Some(FileKind::Snapshot),
        _ if name.starts_with("log-") => Some(FileKind::Segment),
        _ => None,
    }
}

fn millis(time: SystemTime) -> Option<u64> {
    u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}
