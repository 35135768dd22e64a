//! The fuzzer's entry points: each takes any bytes, and panics if a guarantee about them is broken. Never in a published binary.
//!
//! An input, except those of [`codec`] and [`object`], is a byte of flags, a file's salt and its frames. Bit 0 of the flags asks for right checksums and
//! bit 1 for LSNs in order, so that mutations get past both checks; bit 2 asks for the foot of a snapshot.
#![expect(
    clippy::missing_panics_doc,
    reason = "a panic is how the fuzzer notices a bug"
)]

use crate::face::Parts;
use crate::format::codec::{
    Block, Foot, Head, Keys, Manifest, Mark, Put, Remove, SegmentEntry, SnapshotEntry, Touch, decode,
    decode_first, encode,
};
use crate::format::frame::{self, Seed};
use crate::format::header::{FileHeader, FileKind, MOST};
use crate::format::queue::kind;
use crate::journal::catalog::{Catalog, KIND_MANIFEST, MANIFEST, read_manifest};
use crate::journal::options::{JournalOptions, OnCorruption};
use crate::journal::snapshot::{KIND_BLOCK, KIND_FOOT};
use crate::model::change::{AtUserLimit, Options, UNLIMITED};
use crate::model::clock::ManualClock;
use crate::model::error::Error;
use crate::model::lsn::Lsn;
use crate::model::object::ObjectText;
use crate::model::random::Random;
use crate::model::text::Text;
use crate::testing::disk::{Crash, SimulatedDisk};
use crate::testing::objects::{DataWrite, Members};
use crate::testing::simulation::SimulatedStore;
use crc32c::crc32c_append;
use std::sync::Arc;

/// Zeros in place of random bytes: nothing here is secret.
struct Zeros;

impl Random for Zeros {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        bytes.fill(0);
        Ok(())
    }
}

/// A parsed input: the salt, and the frames, corrected as the flags ask.
struct Frames {
    salt: u64,
    bytes: Vec<u8>,
    /// The foot of a snapshot with these frames.
    foot: Foot,
}

impl Frames {
    fn new(input: &[u8]) -> Option<Self> {
        let (&flags, rest) = input.split_first()?;
        let (salt, frames) = rest.split_first_chunk()?;
        let salt = u64::from_le_bytes(*salt);
        let mut bytes = frames.to_vec();
        if flags & 2 != 0 {
            bytes = renumbered(&bytes);
        }
        if flags & 1 != 0 {
            frame::seal(&mut bytes, Seed::new(salt), |_| ());
        }
        let mut foot = Foot::default();
        let mut rest = &bytes[..];
        while let Some((frame, next)) = frame::split(rest) {
            foot.digest = crc32c_append(foot.digest, &frame.crc.to_le_bytes());
            if frame.kind == KIND_BLOCK {
                let block = decode_first::<Block>(frame.body);
                foot.sessions += block.map_or(0, |(block, _)| u64::from(block.count));
                foot.blocks += 1;
            }
            rest = next;
        }
        Some(Self { salt, bytes, foot })
    }

    /// The bytes of a file with these frames.
    fn file(&self, kind: FileKind, start_lsn: Lsn) -> Vec<u8> {
        let header = FileHeader {
            number: u32::from(kind == FileKind::Segment),
            ..FileHeader::new(kind, 1, start_lsn, self.salt)
        };
        [&header.to_bytes()[..], &self.bytes].concat()
    }
}

/// The frames with the LSNs that they have in a log from record 1 on.
fn renumbered(mut frames: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(frames.len());
    let mut lsn = Lsn::default();
    while let Some((frame, rest)) = frame::split(frames) {
        if kind::is_record(frame.kind) {
            lsn = lsn.next();
        }
        frame::append(&mut out, lsn, frame.kind, |body| {
            body.extend_from_slice(frame.body);
        });
        frames = rest;
    }
    out.extend_from_slice(frames);
    out
}

/// Asserts that a value decoded from `$body` is encoded to no more bytes than it took, and decoded as the same value.
macro_rules! round_trips {
    ($body:expr, $kind:ty) => {
        if let Some((value, rest)) = decode_first::<$kind>($body) {
            let mut again = Vec::new();
            encode(&value, &mut again);
            assert!(again.len() <= $body.len() - rest.len());
            assert_eq!(decode(&again), Some(value));
        }
    };
}

/// Decodes a frame's body; the first byte selects its type.
pub fn codec(input: &[u8]) {
    let Some((&which, body)) = input.split_first() else {
        return;
    };
    match which % 9 {
        0 => round_trips!(body, Put<'_>),
        1 => round_trips!(body, Touch),
        2 => round_trips!(body, Remove),
        3 => round_trips!(body, Mark),
        4 => round_trips!(body, Block),
        5 => round_trips!(body, Head),
        6 => round_trips!(body, Foot),
        7 => round_trips!(body, Keys<'_>),
        _ => round_trips!(body, Manifest),
    }
}

/// Scans a text, and the same text as UTF-16: both have the same members, which make up the text. Of up to three texts, with a byte 0xff
/// between them, the second sets keys of the first, and the third removes some.
pub fn object(input: &[u8]) {
    let mut texts = input.split(|&byte| byte == 0xff).map(|text| {
        let wide: Vec<u16> = text.iter().map(|&byte| byte.into()).collect();
        let (mut places, mut wide_places) = (Vec::new(), Vec::new());
        let object = ObjectText::scan(Text::Latin1(text), &mut places);
        let wide_object = ObjectText::scan(Text::Utf16(&wide), &mut wide_places);
        assert_eq!(
            object.map(ObjectText::places),
            wide_object.map(ObjectText::places)
        );
        object.map(|object| Members::of(text, object.places()))
    });
    let (Some(Some(stored)), Some(Some(set)), Some(Some(removed))) =
        (texts.next(), texts.next(), texts.next())
    else {
        return;
    };
    let write = DataWrite::Keys { set, removed };
    assert_eq!(write.spliced_into(&stored), write.applied_to(&stored).to_string());
}

/// Parses frames: an accepted frame lies within the bytes, and is not accepted under another salt.
pub fn frame(input: &[u8]) {
    let Some(frames) = Frames::new(input) else { return };
    let (seed, another) = (Seed::new(frames.salt), Seed::new(!frames.salt));
    let mut rest = &frames.bytes[..];
    while let Ok(frame) = frame::parse(rest, rest.len() as u64, seed) {
        assert!(frame.len() <= rest.len());
        assert!(frame::parse(rest, rest.len() as u64, another).is_err());
        let (split, next) = frame::split(rest).unwrap_or_else(|| unreachable!("a frame that was accepted"));
        assert_eq!(split, frame);
        rest = next;
    }
}

/// Opens a store whose manifest has any content: it is read, or refused.
pub fn manifest(input: &[u8]) {
    let Some(frames) = Frames::new(input) else { return };
    let disk = SimulatedDisk::new();
    disk.put(MANIFEST, &frames.file(FileKind::Manifest, Lsn::default()));
    if let Ok(Some(manifest)) = read_manifest(&disk) {
        let mut body = Vec::new();
        encode(&manifest, &mut body);
        assert_eq!(decode::<Manifest>(&body).as_ref(), Some(&manifest));
        let is_one = frame::split(&frames.bytes).is_some_and(|(frame, _)| frame.kind == KIND_MANIFEST);
        assert!(is_one);
    }
    opens(&disk);
}

/// Opens a store with a sound manifest and a log of any content.
pub fn log(input: &[u8]) {
    let Some(frames) = Frames::new(input) else { return };
    let segment = SegmentEntry {
        generation: 1,
        number: 1,
        salt: frames.salt,
        start_lsn: Lsn::new(1),
        sealed: None,
    };
    let disk = SimulatedDisk::new();
    disk.put(&segment.name(), &frames.file(FileKind::Segment, Lsn::new(1)));
    list(&disk, None, vec![segment]);
    opens(&disk);
}

/// Opens a store with a sound manifest and a snapshot of any content.
pub fn snapshot(input: &[u8]) {
    let Some(mut frames) = Frames::new(input) else {
        return;
    };
    if input.first().is_some_and(|flags| flags & 4 != 0) {
        frames.end();
    }
    let file = frames.file(FileKind::Snapshot, Lsn::default());
    let snapshot = SnapshotEntry {
        generation: 1,
        salt: frames.salt,
        len: file.len() as u64,
        lsn: Lsn::default(),
        foot: frames.foot,
    };
    let disk = SimulatedDisk::new();
    disk.put(&snapshot.name(), &file);
    list(&disk, Some(snapshot), Vec::new());
    opens(&disk);
}

impl Frames {
    /// Appends the foot that fits these blocks.
    fn end(&mut self) {
        let mut end = Vec::new();
        frame::append(&mut end, Lsn::default(), KIND_FOOT, |body| {
            encode(&self.foot, body);
        });
        let digest = &mut self.foot.digest;
        frame::seal(&mut end, Seed::new(self.salt), |frame| {
            *digest = crc32c_append(*digest, &frame.crc.to_le_bytes());
        });
        self.bytes.extend_from_slice(&end);
    }
}

/// Writes the manifest that names these files.
fn list(disk: &SimulatedDisk, snapshot: Option<SnapshotEntry>, segments: Vec<SegmentEntry>) {
    let manifest = Manifest {
        generation: 1,
        snapshot,
        segments,
        now: 0,
        last_lsn: Lsn::default(),
        kept: Vec::new(),
        clean: false,
        ext: Vec::new(),
    };
    let mut catalog = Catalog::new(Arc::new(disk.clone()), Arc::new(Zeros), manifest);
    catalog
        .update(|_| ())
        .unwrap_or_else(|error| panic!("the manifest is not written: {error}"));
}

fn parts(on_corruption: OnCorruption) -> Parts {
    Parts {
        options: Options {
            max_sessions: 1_000_000,
            max_bytes: 1 << 30,
            max_session_bytes: 1 << 20,
            idle_timeout: 1_000_000,
            guest_idle_timeout: 1_000_000,
            absolute_timeout: 10_000_000,
            max_sessions_per_user: UNLIMITED,
            at_user_limit: AtUserLimit::EvictOldest,
        },
        journal: JournalOptions {
            on_corruption,
            ..JournalOptions::default()
        },
        clock: Arc::new(ManualClock::new(1_000)),
        random: Arc::new(Zeros),
    }
}

/// A store this close to [`MOST`] may open, and then run out of numbers.
const LAST_NUMBERS: u64 = 1 << 32;

/// Asserts that the store opens, or is refused with nothing changed, and that its sessions are there again after a power cut.
fn opens(disk: &SimulatedDisk) {
    for on_corruption in [OnCorruption::Error, OnCorruption::Salvage] {
        let disk = disk.crash(0, Crash::KillProcess);
        let before = disk.operations();
        let Ok(store) = SimulatedStore::open(&disk, parts(on_corruption)) else {
            assert_eq!(
                disk.operations(),
                before,
                "the opening was refused, but changed something"
            );
            continue;
        };
        let report = store.report.clone();
        let last = store.handle.stats().map_or(0, |_| store.handle.lsn().get());
        drop(store);
        let disk = disk.crash(0, Crash::PowerCutLosingAll);
        let again = match SimulatedStore::open(&disk, parts(OnCorruption::Error)) {
            Ok(again) => again,
            // No store gets this far by writing; a forged one has no numbers left to go on with.
            Err(_) if last.max(report.generation) > MOST - LAST_NUMBERS => continue,
            Err(error) => panic!("it opened once, and does not open again: {error}"),
        };
        // An expired session counts as expired again, until the log has its removal.
        let lasted = again.report.sessions + again.report.expired;
        let are_there = report.sessions..=report.sessions + report.expired;
        assert!(
            again.report.sessions <= report.sessions && are_there.contains(&lasted),
            "first {report:?}, then {:?}",
            again.report
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A salvage went on after the largest LSN that a frame can have, and its manifest could not be read again.
    #[test]
    fn a_salvage_does_not_accept_an_lsn_that_no_store_can_reach() {
        let mut input = vec![1; 9];
        for kind in [0xfd, kind::SKIP, kind::CLEAR] {
            frame::append(&mut input, Lsn::new(MOST), kind, |_| ());
            log(&input);
            input.truncate(9);
        }
    }

    /// Found by the fuzzer: a manifest, valid in every other way, with the last number that is accepted. The store opened, and its next
    /// manifest was beyond that number. The numbers are used up, which is no bug of the opening.
    #[test]
    fn a_store_that_opens_with_the_last_number_may_be_refused_the_next_time() {
        #[rustfmt::skip]
        manifest(&[
            0x03, 0x77, 0xd4, 0xfb, 0xe0, 0xc1, 0x6b, 0xa4, 0x13, 0x4a, 0x00, 0x00, 0x00, 0xf2, 0x49, 0xaa,
            0x81, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x20, 0x02, 0x8e, 0x5a, 0xf8, 0x40, 0x30,
            0x74, 0xdb, 0x33, 0x51, 0xc1, 0x34, 0x68, 0xd2, 0x32, 0xc9, 0xe9, 0x01, 0x02, 0xfd, 0xa4, 0x03,
            0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0xfb, 0x05, 0xf0, 0xfc, 0x01, 0x01, 0x4d, 0x20, 0x19,
            0x0b, 0x01, 0x01, 0x02, 0xfd, 0xa9, 0x9a, 0xe4, 0x6b, 0x73, 0x22, 0x7f, 0x71, 0x27, 0x01, 0xfb,
            0x01, 0x09, 0xfc, 0x92, 0x16, 0x48, 0x78, 0xd6, 0x02, 0xfd, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
            0x00, 0x40, 0x00, 0x01,
        ]);
    }
}
