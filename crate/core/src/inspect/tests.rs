//! An inspection's verdict is what an opening does, whatever happened to the files, and an inspection changes nothing.

use super::{Ask, Inspection, Role, Verdict, inspect, inspect_disk, kind_name};
use crate::disk::{Disk, Holder, Sink, Source};
use crate::face::Parts;
use crate::face::open::open;
use crate::journal::options::JournalOptions;
use crate::model::change::Change;
use crate::model::error::Error;
use crate::model::event::Reason;
use crate::model::keys::KeyChange;
use crate::model::object::ObjectText;
use crate::testing::disk::{Crash, SimulatedDisk};
use crate::testing::fixtures::{self, object, session, text};
use crate::testing::simulation::SimulatedStore;
use fastrand::Rng;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

const NOW: u64 = 50_000;

fn parts(now: u64) -> Parts {
    let journal = JournalOptions {
        checkpoint_bytes: 1 << 30,
        ..JournalOptions::default()
    };
    fixtures::parts(now, journal)
}

/// The disk of a killed store with a snapshot, a sealed segment and an open one of several batches; some sessions have expired at [`NOW`].
pub fn killed() -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let mut store = SimulatedStore::open(&disk, parts(NOW - 6_000)).unwrap();
    let mut ids = Vec::new();
    for n in 0..8 {
        let uid = if n % 2 == 0 { "ann" } else { "" };
        ids.push(store.handle.create(&session(uid, "{\"n\":1}")).unwrap().0);
    }
    store.handle.checkpoint().unwrap();
    store.settle();
    store.handle.destroy(&ids[0], Reason::Logout).unwrap();
    store.settle();
    drop(store);
    let mut store = SimulatedStore::open(&disk, parts(NOW - 2_000)).unwrap();
    for n in 0..6 {
        let (id, _) = store
            .handle
            .create(&session("bob", "{\"longer\":\"text\"}"))
            .unwrap();
        let keys = KeyChange::new(object("{\"n\":1}"), ObjectText::EMPTY);
        let change = Change {
            data: (n < 3).then_some(ObjectText::EMPTY),
            keys: (n >= 3).then_some(&keys),
            ..Change::default()
        };
        store.handle.commit(&id, None, &change).unwrap();
        if n % 2 == 0 {
            store.handle.flush().unwrap();
        }
        store.settle();
    }
    drop(store);
    disk.crash(1, Crash::KillProcess)
}

pub fn look(disk: &SimulatedDisk) -> Inspection {
    inspect_disk(disk, Ask::default(), NOW, &mut ()).unwrap()
}

pub fn copy(disk: &SimulatedDisk) -> SimulatedDisk {
    disk.crash(0, Crash::KillProcess)
}

fn contents(disk: &SimulatedDisk) -> Vec<(String, Option<Vec<u8>>)> {
    let names = disk.list().unwrap().into_iter();
    names.map(|name| (name.clone(), disk.contents(&name))).collect()
}

/// Asserts that an inspection and an opening agree, and that the inspection changes nothing. Returns the verdict.
pub fn agree(disk: &SimulatedDisk, what: &str) -> Verdict {
    let before = (contents(disk), disk.operations());
    let found = look(disk);
    assert_eq!(
        (contents(disk), disk.operations()),
        before,
        "{what}: an inspection changes nothing"
    );
    match SimulatedStore::open(&copy(disk), parts(NOW)) {
        Ok(store) => {
            let report = &store.report;
            let expected = match (report.created, report.torn_bytes) {
                (true, _) => Verdict::Empty,
                (_, 0) => Verdict::Sound,
                _ => Verdict::Torn,
            };
            assert_eq!(found.verdict, expected, "{what}");
            assert_eq!(found.damages, [], "{what}");
            assert_eq!(found.torn.map_or(0, |torn| torn.len), report.torn_bytes, "{what}");
            let sessions = found.sessions.unwrap_or_default();
            assert_eq!(
                (sessions.live, sessions.expired, found.records),
                (report.sessions, report.expired, report.records),
                "{what}"
            );
        }
        Err(Error::Corrupt { damage, .. }) => {
            assert_eq!(found.verdict, Verdict::Damaged, "{what}");
            let first = &found.damages[0].damage;
            assert_eq!(
                (&first.file, first.offset, first.after_lsn, &first.what),
                (&damage.file, damage.offset, damage.after_lsn, &damage.what),
                "{what}"
            );
        }
        Err(Error::FormatNewer { file, format, .. }) => {
            assert!(
                matches!(&found.verdict, Verdict::Newer { file: named, format: of, .. } if (named, *of) == (&file, format)),
                "{what}: {:?}",
                found.verdict
            );
        }
        Err(error) => panic!("{what}: {error}"),
    }
    found.verdict
}

pub fn journal_names(disk: &SimulatedDisk) -> Vec<String> {
    let names = disk.list().unwrap().into_iter();
    names
        .filter(|name| crate::journal::catalog::is_journal(name))
        .collect()
}

#[test]
fn a_store_with_a_bit_flipped_in_any_byte_gets_the_verdict_of_an_opening() {
    let disk = killed();
    assert_eq!(agree(&disk, "as it was"), Verdict::Sound);
    let mut damaged = 0;
    for name in journal_names(&disk) {
        for at in 0..disk.contents(&name).unwrap().len() {
            let flipped = copy(&disk);
            assert!(flipped.flip(&name, at * 8 + at % 8));
            damaged += u32::from(agree(&flipped, &format!("byte {at} of {name}")) == Verdict::Damaged);
        }
    }
    assert!(damaged > 500, "{damaged}");
}

#[test]
fn a_store_with_a_file_cut_at_any_byte_gets_the_verdict_of_an_opening() {
    let disk = killed();
    let mut torn = 0;
    for name in journal_names(&disk) {
        let bytes = disk.contents(&name).unwrap();
        for len in 0..bytes.len() {
            let cut = copy(&disk);
            cut.put(&name, &bytes[..len]);
            torn += u32::from(agree(&cut, &format!("{name} cut at {len}")) == Verdict::Torn);
        }
    }
    assert!(torn > 50, "{torn}");
}

#[test]
fn a_store_with_missing_swapped_or_random_files_gets_the_verdict_of_an_opening() {
    let disk = killed();
    let mut rng = Rng::with_seed(7);
    for name in journal_names(&disk) {
        let missing = copy(&disk);
        missing.remove(&name).unwrap();
        assert_eq!(agree(&missing, &format!("{name} missing")), Verdict::Damaged);
        for other in journal_names(&disk) {
            let swapped = copy(&disk);
            swapped.put(&name, &disk.contents(&other).unwrap());
            agree(&swapped, &format!("{other} in place of {name}"));
        }
        let bytes = disk.contents(&name).unwrap();
        for round in 0..300 {
            let mut bytes = bytes.clone();
            let from = rng.usize(..bytes.len());
            let to = rng.usize(from..bytes.len().min(from + 400));
            match round % 4 {
                0 => rng.fill(&mut bytes[from..to]),
                1 => bytes[from..to].fill(0),
                2 => drop(bytes.drain(from..to)),
                _ => bytes.extend(std::iter::repeat_with(|| rng.u8(..)).take(200)),
            }
            let random = copy(&disk);
            random.put(&name, &bytes);
            agree(&random, &format!("{name}, round {round}"));
        }
    }
    let empty = SimulatedDisk::new();
    assert_eq!(agree(&empty, "nothing"), Verdict::Empty);
    empty.put("holiday.jpg", b"foreign");
    assert_eq!(agree(&empty, "a foreign file"), Verdict::Empty);
    assert_eq!(look(&empty).foreign, 1);
}

#[test]
fn a_later_format_is_reported_as_newer() {
    let disk = killed();
    for name in journal_names(&disk) {
        let mut bytes = disk.contents(&name).unwrap();
        bytes[8] = 9;
        let crc = crc32c::crc32c(&bytes[..52]);
        bytes[52..56].copy_from_slice(&crc.to_le_bytes());
        let newer = copy(&disk);
        newer.put(&name, &bytes);
        let newest = Verdict::Newer {
            file: name.clone(),
            format: 9,
            codec: 1,
        };
        assert_eq!(agree(&newer, &name), newest);
    }
}

#[test]
fn a_sound_store_is_reported_with_all_its_files() {
    let disk = killed();
    disk.put("log-1-900", b"left over");
    disk.put("torn-log-1-001-77", b"torn");
    let found = look(&disk);
    let sessions = found.sessions.unwrap();
    // One of the first eight was logged out; the four guests among them expire after five seconds, and six have passed.
    assert_eq!((sessions.live, sessions.expired, sessions.guests), (9, 4, 0));
    assert_eq!(
        (sessions.oldest, sessions.newest),
        (Some(NOW - 6_000), Some(NOW - 2_000))
    );
    assert_eq!(sessions.next_deadline, Some(NOW + 4_000));
    let roles: Vec<_> = found
        .files
        .iter()
        .map(|file| (&file.name[..], file.role))
        .collect();
    assert!(matches!(
        roles[..],
        [
            ("MANIFEST", Role::Manifest),
            (_, Role::Snapshot),
            (_, Role::Segment { sealed: Some(true) }),
            (_, Role::Segment { .. }),
            ..
        ]
    ));
    assert!(roles.contains(&("log-1-900", Role::Void)));
    assert!(roles.contains(&("torn-log-1-001-77", Role::Torn)));
    let snapshot = found.files[1].contents.as_ref().unwrap();
    assert_eq!((snapshot.sessions, snapshot.foot_fits), (8, Some(true)));
    assert_eq!(found.files[3].chained, Some(true));
    let frames = &found.files[3].contents.as_ref().unwrap().frames;
    let counts: Vec<_> = frames
        .iter()
        .map(|(&kind, &count)| (kind_name(kind), count))
        .collect();
    assert_eq!(counts, [("put", 9), ("keys", 3), ("mark", 6)]);
}

#[test]
fn a_damaged_place_is_reported_with_its_length_and_the_record_after_it() {
    let disk = killed();
    let name = journal_names(&disk)
        .into_iter()
        .filter(|name| name.starts_with("log-"))
        .max()
        .unwrap();
    let bytes = disk.contents(&name).unwrap();
    // The first mark, and after it the record whose body is damaged.
    let end_of = |at: usize| at + 17 + usize::from(bytes[at]);
    let first = end_of(56);
    assert!(disk.flip(&name, (first + 20) * 8));
    let found = look(&disk);
    let place = &found.damages[0];
    assert_eq!(place.damage.offset, first as u64);
    assert_eq!(place.len, Some(17 + u64::from(bytes[first])));
    assert_eq!(place.damage.next_lsn, Some(place.damage.after_lsn.next().next()));
    assert!(
        found.sessions.is_some_and(|sessions| sessions.live > 0),
        "the other sessions are recovered"
    );
}

#[test]
fn without_a_manifest_the_other_files_are_still_reported_one_by_one() {
    let disk = killed();
    disk.remove("MANIFEST").unwrap();
    let found = look(&disk);
    assert_eq!((found.verdict, found.manifest), (Verdict::Damaged, None));
    assert_eq!(found.damages[0].damage.file, "MANIFEST");
    let read = found.files.iter().filter_map(|file| file.contents.as_ref());
    let records: Vec<_> = read.map(|contents| contents.frames.len()).collect();
    assert!(
        records.len() >= 3 && records.iter().all(|&kinds| kinds > 0),
        "{records:?}"
    );
}

#[test]
fn sessions_and_their_data_are_listed_only_if_asked_for() {
    let disk = killed();
    let list = |data| {
        let ask = Ask { list: 3, data };
        inspect_disk(&disk, ask, NOW, &mut ())
            .unwrap()
            .sessions
            .unwrap()
            .listed
    };
    assert_eq!(look(&disk).sessions.unwrap().listed, []);
    let listed = list(false);
    assert_eq!(listed.len(), 3);
    assert!(listed.iter().all(|session| session.data.is_none()));
    let listed = list(true);
    let data: Vec<_> = listed.iter().flat_map(|session| &session.data).collect();
    assert!(
        data.iter().any(|data| data.as_text() == text("{\"n\":1}")),
        "{data:?}"
    );
}

#[test]
fn a_store_in_use_can_be_inspected_and_its_holder_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.data");
    let missing = inspect(&path, Ask::default(), NOW, &mut ()).unwrap_err();
    assert_eq!(missing.code(), "ERR_SESSION_PATH");
    assert!(!path.exists(), "an inspection does not create the directory");
    let (store, _) = open(&path, parts(NOW), &mut ()).unwrap();
    store.create(&session("ann", "{}")).unwrap();
    while store.reached().written < store.lsn() {
        std::thread::yield_now();
    }
    let found = inspect(&path, Ask::default(), NOW, &mut ()).unwrap();
    assert_eq!(found.verdict, Verdict::Sound);
    assert_eq!(found.sessions.unwrap().live, 1);
    assert!(matches!(found.holder, Holder::Process { pid: Some(pid), .. } if pid == std::process::id()));
    assert_eq!(found.refusal, None);
}

/// A disk on which each listing of the files puts the next of `manifests` in place, as a store in use would.
struct Restless {
    disk: SimulatedDisk,
    manifests: Vec<Vec<u8>>,
    listed: AtomicUsize,
}

impl Disk for Restless {
    fn open(&self, name: &str) -> io::Result<Box<dyn Source>> {
        self.disk.open(name)
    }

    fn create(&self, _name: &str) -> io::Result<Box<dyn Sink>> {
        unreachable!("nothing is created")
    }

    fn cut(&self, _name: &str, _len: u64) -> io::Result<()> {
        unreachable!("nothing is cut")
    }

    fn rename(&self, _from: &str, _to: &str) -> io::Result<()> {
        unreachable!("nothing is renamed")
    }

    fn remove(&self, _name: &str) -> io::Result<()> {
        unreachable!("nothing is removed")
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let at = self.listed.fetch_add(1, Ordering::Relaxed);
        if let Some(manifest) = self.manifests.get(at) {
            self.disk.put("MANIFEST", manifest);
        }
        self.disk.list()
    }

    fn sync_dir(&self) -> io::Result<()> {
        unreachable!("nothing is synced")
    }
}

#[test]
fn an_inspection_begins_again_when_the_store_replaces_its_manifest_meanwhile() {
    let disk = killed();
    let manifest = disk.contents("MANIFEST").unwrap();
    // Each has another salt, and so a wrong checksum.
    let others = |count: u8| {
        let made = (0..count).map(|n| [&manifest[..33], &[n], &manifest[34..]].concat());
        made.collect::<Vec<_>>()
    };
    let look = |manifests: Vec<Vec<u8>>| {
        let disk = Restless {
            disk: copy(&disk),
            manifests,
            listed: AtomicUsize::new(0),
        };
        inspect_disk(&disk, Ask::default(), NOW, &mut ()).unwrap()
    };
    let mut settles = others(2);
    settles.push(manifest.clone());
    assert_eq!(look(settles).verdict, Verdict::Sound);
    let found = look(others(20));
    assert_eq!((found.verdict, found.damages), (Verdict::Unsettled, Vec::new()));
}
