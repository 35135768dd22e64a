//! What an inspection counts.

use crate::journal::codec::{Manifest, SegmentEntry, SnapshotEntry};
use crate::journal::disk::Disk;
use crate::journal::entries::kind;
use crate::journal::image::Image;
use crate::journal::log::segment_name;
use crate::journal::recover::Watch;
use crate::journal::snapshot::{KIND_BLOCK, snapshot_name};
use crate::record::{NEVER, is_over};
use std::collections::HashMap;

/// A file and a number of bytes: its length, or those that are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFigures {
    pub file: String,
    pub bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFigures {
    pub file: String,
    pub bytes: u64,
    /// As the manifest has it.
    pub sessions: u64,
    /// Replay begins behind this record.
    pub lsn: u64,
    pub blocks: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SegmentFigures {
    pub file: String,
    pub bytes: u64,
    pub sealed: bool,
    pub first_lsn: Option<u64>,
    pub last_lsn: Option<u64>,
    pub puts: u64,
    pub renews: u64,
    pub touches: u64,
    pub removes: u64,
    pub clears: u64,
    pub skips: u64,
    pub marks: u64,
}

/// The sessions of all files together, as they would be at an opening.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sessions {
    pub guests: u64,
    pub users: u64,
    pub expired_guests: u64,
    pub expired_users: u64,
    /// What they take in memory. This and all that follows is of the live ones.
    pub bytes: u64,
    pub oldest_created_at: Option<u64>,
    pub newest_created_at: Option<u64>,
    pub oldest_seen_at: Option<u64>,
    pub newest_seen_at: Option<u64>,
    /// `None` when none of them ever ends.
    pub next_deadline: Option<u64>,
}

impl Sessions {
    #[must_use]
    pub fn live(&self) -> u64 {
        self.guests + self.users
    }

    #[must_use]
    pub fn expired(&self) -> u64 {
        self.expired_guests + self.expired_users
    }

    pub(super) fn count(image: &Image, now: u64) -> Self {
        let mut all = Self::default();
        for record in (0..image.slab.capacity()).filter_map(|index| image.slab.get(index)) {
            let facts = record.facts();
            let (is_user, is_expired) = (record.is_user(), is_over(facts.deadline(), now));
            *match (is_user, is_expired) {
                (false, false) => &mut all.guests,
                (true, false) => &mut all.users,
                (false, true) => &mut all.expired_guests,
                (true, true) => &mut all.expired_users,
            } += 1;
            if is_expired {
                continue;
            }
            all.bytes += record.bytes();
            earliest(&mut all.oldest_created_at, facts.created_at);
            all.newest_created_at = all.newest_created_at.max(Some(facts.created_at));
            earliest(&mut all.oldest_seen_at, facts.last_seen_at);
            all.newest_seen_at = all.newest_seen_at.max(Some(facts.last_seen_at));
            if facts.deadline() < NEVER {
                earliest(&mut all.next_deadline, facts.deadline());
            }
        }
        all
    }
}

fn earliest(known: &mut Option<u64>, instant: u64) {
    *known = Some(known.map_or(instant, |known| known.min(instant)));
}

/// What was counted in the files, by their names.
#[derive(Default)]
pub(super) struct Collected {
    files: HashMap<String, SegmentFigures>,
    blocks: u64,
}

/// Counts while the files are read, and passes on how far that is.
pub(super) struct Collector<'a> {
    next: &'a mut dyn Watch,
    pub collected: Collected,
    current: SegmentFigures,
}

impl<'a> Collector<'a> {
    pub fn new(next: &'a mut dyn Watch) -> Self {
        Self {
            next,
            collected: Collected::default(),
            current: SegmentFigures::default(),
        }
    }
}

impl Watch for Collector<'_> {
    fn total(&mut self, bytes: u64) {
        self.next.total(bytes);
    }

    fn read(&mut self, bytes: u64, sessions: u64) {
        self.next.read(bytes, sessions);
    }

    fn frame(&mut self, kind: u8, lsn: u64) {
        let current = &mut self.current;
        *match kind {
            kind::PUT => &mut current.puts,
            kind::RENEW => &mut current.renews,
            kind::TOUCH => &mut current.touches,
            kind::REMOVE => &mut current.removes,
            kind::CLEAR => &mut current.clears,
            kind::SKIP => &mut current.skips,
            kind::MARK => &mut current.marks,
            KIND_BLOCK => &mut self.collected.blocks,
            _ => return,
        } += 1;
        if kind::is_record(kind) {
            current.first_lsn.get_or_insert(lsn);
            current.last_lsn = Some(lsn);
        }
    }

    fn file(&mut self, name: &str, bytes: u64, records: u64) {
        let counted = std::mem::take(&mut self.current);
        self.collected.files.insert(name.to_owned(), counted);
        self.next.file(name, bytes, records);
    }
}

impl SnapshotFigures {
    pub(super) fn new(entry: &SnapshotEntry, collected: &Collected) -> Self {
        Self {
            file: snapshot_name(entry.generation),
            bytes: entry.len,
            sessions: entry.foot.sessions,
            lsn: entry.lsn,
            blocks: collected.blocks,
        }
    }
}

impl SegmentFigures {
    pub(super) fn new(
        entry: &SegmentEntry,
        named: Option<&Manifest>,
        disk: &dyn Disk,
        collected: &Collected,
    ) -> Self {
        let file = segment_name(entry.generation, entry.number);
        let on_disk = named.and_then(|named| {
            let mut segments = named.segments.iter();
            segments.find(|it| (it.generation, it.number) == (entry.generation, entry.number))
        });
        Self {
            bytes: disk.open(&file).map_or(0, |source| source.len()),
            sealed: on_disk.is_some_and(|it| it.sealed.is_some()),
            ..collected.files.get(&file).cloned().unwrap_or_default()
        }
        .named(file)
    }

    fn named(self, file: String) -> Self {
        Self { file, ..self }
    }
}
