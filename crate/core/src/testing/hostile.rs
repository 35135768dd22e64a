//! Hostile files, with right checksums and impossible contents: they cause no panic and no allocation for sessions that do not exist, and
//! inspection and opening agree on them.

use crate::format::codec::{Manifest, encode};
use crate::format::frame::{self, Seed};
use crate::format::header;
use crate::inspect::tests::{agree, copy, journal_names, killed};
use crate::journal::catalog::{KIND_MANIFEST, MANIFEST, read_manifest};
use crate::model::lsn::Lsn;
use crate::testing::disk::SimulatedDisk;
use fastrand::Rng;

const EXTREMES: [u64; 10] = [
    0,
    1,
    2,
    250,
    1 << 16,
    1 << 32,
    (1 << 48) - 1,
    u64::MAX >> 1,
    u64::MAX - 1,
    u64::MAX,
];

/// A file, split into its header and its frames.
struct File {
    header: [u8; header::LEN],
    /// LSN, kind, body.
    frames: Vec<(Lsn, u8, Vec<u8>)>,
}

impl File {
    fn take_apart(bytes: &[u8]) -> Self {
        let (header, mut rest) = bytes.split_first_chunk().unwrap();
        let mut frames = Vec::new();
        while let Some((frame, behind)) = frame::split(rest) {
            frames.push((frame.lsn, frame.kind, frame.body.to_vec()));
            rest = behind;
        }
        Self {
            header: *header,
            frames,
        }
    }

    /// The file's bytes, with right checksums.
    fn put_together(&self) -> Vec<u8> {
        let mut header = self.header;
        let crc = crc32c::crc32c(&header[..52]);
        header[52..].copy_from_slice(&crc.to_le_bytes());
        let salt = u64::from_le_bytes(*header[32..].first_chunk().unwrap());
        let mut frames = Vec::new();
        for (lsn, kind, body) in &self.frames {
            frame::append(&mut frames, *lsn, *kind, |out| out.extend_from_slice(body));
        }
        frame::seal(&mut frames, Seed::new(salt), |_| ());
        [&header[..], &frames].concat()
    }
}

fn change_frame(file: &mut File, rng: &mut Rng) {
    let at = rng.usize(..file.frames.len());
    let again = file.frames[at].clone();
    let how = rng.u8(..8);
    if how == 4 {
        file.frames.remove(at);
        return;
    }
    if how == 5 {
        file.frames.insert(at, again);
        return;
    }
    let (lsn, kind, body) = &mut file.frames[at];
    match how {
        0 => *lsn = Lsn::new(rng.choice(EXTREMES).unwrap()),
        1 => {
            *kind = rng
                .choice([1, 2, 3, 4, 5, 6, 7, 8, 16, 17, 18, 32, 0, 255])
                .unwrap();
        }
        2 => body.truncate(rng.usize(..=body.len())),
        3 => body.extend_from_slice(&[0xfd, 0xff, 0xff]),
        6 if !body.is_empty() => {
            // An encoded 64-bit integer in place of the byte there.
            let from = rng.usize(..body.len());
            let to = body.len().min(from + 1);
            let value = rng.choice(EXTREMES).unwrap().to_le_bytes();
            body.splice(from..to, [0xfd].into_iter().chain(value));
        }
        _ => {
            for _ in 0..rng.usize(1..4) {
                let length = body.len();
                if length > 0 {
                    let any = rng.u8(..);
                    body[rng.usize(..length)] =
                        rng.choice([0, 1, 250, 251, 252, 253, 254, 255, any]).unwrap();
                }
            }
        }
    }
}

#[test]
fn frames_with_impossible_contents_do_no_harm() {
    let disk = killed();
    let mut rng = Rng::with_seed(11);
    for name in journal_names(&disk) {
        let bytes = disk.contents(&name).unwrap();
        for round in 0..1_500 {
            let mut file = File::take_apart(&bytes);
            for _ in 0..rng.usize(1..3) {
                if !file.frames.is_empty() {
                    change_frame(&mut file, &mut rng);
                }
            }
            let hostile = copy(&disk);
            hostile.put(&name, &file.put_together());
            agree(&hostile, &format!("{name}, round {round}"));
        }
    }
}

fn change_manifest(manifest: &mut Manifest, rng: &mut Rng) {
    let value = rng.choice(EXTREMES).unwrap();
    let at = rng.usize(..manifest.segments.len().max(1));
    let segment = manifest.segments.get_mut(at);
    match (rng.u8(..14), segment, &mut manifest.snapshot) {
        (0, ..) => manifest.generation = value,
        (1, ..) => manifest.now = value,
        (2, ..) => manifest.last_lsn = Lsn::new(value),
        (3, Some(segment), _) => segment.start_lsn = Lsn::new(value),
        (4, Some(segment), _) => segment.generation = value,
        (5, Some(segment), _) => segment.number = u32::try_from(value).unwrap_or(u32::MAX),
        (6, Some(segment), _) => segment.sealed = None,
        (7..=9, Some(segment), _) => {
            if let Some(sealed) = &mut segment.sealed {
                match rng.u8(..3) {
                    0 => sealed.len = value,
                    1 => sealed.last_lsn = Lsn::new(value),
                    _ => sealed.chain = rng.u32(..),
                }
            }
        }
        (10, _, Some(snapshot)) => snapshot.len = value,
        (11, _, Some(snapshot)) => snapshot.lsn = Lsn::new(value),
        (12, _, Some(snapshot)) => snapshot.foot.sessions = value,
        (13, ..) => manifest.segments.reverse(),
        _ => {
            manifest.segments.truncate(at);
            manifest.snapshot = None;
        }
    }
}

fn with_manifest(disk: &SimulatedDisk, manifest: &Manifest) -> SimulatedDisk {
    let mut file = File::take_apart(&disk.contents(MANIFEST).unwrap());
    let mut body = Vec::new();
    encode(manifest, &mut body);
    file.frames = vec![(manifest.last_lsn, KIND_MANIFEST, body)];
    let hostile = copy(disk);
    hostile.put(MANIFEST, &file.put_together());
    hostile
}

#[test]
fn manifests_with_impossible_contents_do_no_harm() {
    let disk = killed();
    let manifest = read_manifest(&disk).unwrap().unwrap();
    let mut rng = Rng::with_seed(12);
    for round in 0..3_000 {
        let mut hostile = manifest.clone();
        for _ in 0..rng.usize(1..4) {
            change_manifest(&mut hostile, &mut rng);
        }
        agree(
            &with_manifest(&disk, &hostile),
            &format!("round {round}: {hostile:?}"),
        );
    }
}

/// The LSNs of all files are moved up to the greatest possible ones, in files that agree with each other.
#[test]
fn records_with_the_greatest_numbers_do_no_harm() {
    let disk = killed();
    let manifest = read_manifest(&disk).unwrap().unwrap();
    for short_of in 0..30 {
        let by = u64::MAX - manifest.last_lsn.get() - short_of;
        let later = |lsn: Lsn| Lsn::new(lsn.get().wrapping_add(by));
        let mut moved = manifest.clone();
        moved.last_lsn = later(moved.last_lsn);
        let moved_disk = copy(&disk);
        for segment in &mut moved.segments {
            segment.start_lsn = later(segment.start_lsn);
            segment.sealed = None;
        }
        if let Some(snapshot) = &mut moved.snapshot {
            snapshot.lsn = later(snapshot.lsn);
        }
        for name in journal_names(&disk).iter().filter(|name| *name != MANIFEST) {
            let mut file = File::take_apart(&disk.contents(name).unwrap());
            let start = u64::from_le_bytes(*file.header[24..].first_chunk().unwrap());
            file.header[24..32].copy_from_slice(&start.wrapping_add(by).to_le_bytes());
            for (lsn, ..) in &mut file.frames {
                *lsn = later(*lsn);
            }
            moved_disk.put(name, &file.put_together());
        }
        agree(
            &with_manifest(&moved_disk, &moved),
            &format!("{short_of} short of all"),
        );
    }
}
