//! The golden directories in `tests/golden`, of each format and codec that was ever released: every later version can read them.
//!
//! Directories of a released format are never made again. For a new format or codec:
//! `cargo test -p agai-session-core --lib golden -- --ignored`.

use crate::disk::Disk;
use crate::face::Parts;
use crate::format::header::{CODEC, FORMAT};
use crate::inspect::{Ask, Verdict, inspect_disk};
use crate::journal::catalog::RESERVE;
use crate::journal::options::{JournalOptions, OnCorruption};
use crate::model::change::{AtUserLimit, Change, Login, NewSession, Options, Renewal, UNLIMITED};
use crate::model::clock::ManualClock;
use crate::model::error::Error;
use crate::model::event::Reason;
use crate::model::id::SessionId;
use crate::model::keys::KeyChange;
use crate::model::object::ObjectText;
use crate::model::random::Random;
use crate::model::standing::Assurance;
use crate::model::text::{Text, TextBuffer};
use crate::model::time::NEVER;
use crate::testing::disk::{Crash, SimulatedDisk};
use crate::testing::fixtures::{object, object_of, text};
use crate::testing::objects::data_in;
use crate::testing::simulation::SimulatedStore;
use fastrand::Rng;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const NOW: u64 = 1_800_000_000_000;

/// A seeded random source: the same each time.
struct Seeded(Mutex<Rng>);

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.lock().unwrap().fill(bytes);
        Ok(())
    }
}

fn parts(seed: u64, on_corruption: OnCorruption) -> Parts {
    Parts {
        options: Options {
            max_sessions: 1_000,
            max_bytes: 1 << 20,
            max_session_bytes: 1 << 16,
            idle_timeout: 600_000,
            guest_idle_timeout: 300_000,
            absolute_timeout: NEVER,
            max_sessions_per_user: UNLIMITED,
            at_user_limit: AtUserLimit::EvictOldest,
        },
        journal: JournalOptions {
            on_corruption,
            checkpoint_bytes: 1 << 30,
            ..JournalOptions::default()
        },
        clock: Arc::new(ManualClock::new(NOW)),
        random: Arc::new(Seeded(Mutex::new(Rng::with_seed(seed)))),
    }
}

/// A store being made, and every id that it issued.
struct Making {
    disk: SimulatedDisk,
    store: SimulatedStore,
    ids: Vec<SessionId>,
}

impl Making {
    fn begin(disk: &SimulatedDisk, seed: u64, ids: Vec<SessionId>) -> Self {
        let store = SimulatedStore::open(disk, parts(seed, OnCorruption::Error)).unwrap();
        Self {
            disk: disk.clone(),
            store,
            ids,
        }
    }

    fn create(&mut self, uid: Text<'_>, data: ObjectText<'_>, idle_timeout: Option<u64>) -> SessionId {
        let new = NewSession {
            uid,
            form: text("{\"never\":\"written\"}"),
            data,
            idle_timeout,
            absolute_timeout: Some(3_600_000),
            assurance: Assurance::PLAIN,
        };
        let (id, _) = self.store.handle.create(&new).unwrap();
        self.ids.push(id.clone());
        self.store.settle();
        id
    }

    fn checkpoint(&mut self) {
        self.store.handle.checkpoint().unwrap();
        self.store.settle();
    }

    /// Writes a snapshot and records after it, with texts of each kind.
    fn fill(&mut self) {
        let ann = self.create(text("ann"), object("{\"cart\":[\"apple\"]}"), None);
        let guest = self.create(text(""), object("{}"), None);
        self.create(Text::Utf16(&[0x53d8, 0xd800]), object("{\"a\":1}"), Some(NEVER));
        let euro: Vec<u16> =
            "{\"€\":\"20 €\",\"note\":1,\"kept\":\"a text that is longer than a change of others\"}"
                .encode_utf16()
                .collect();
        let eva = self.create(Text::Latin1(b"\xe9va"), object_of(Text::Utf16(&euro)), None);
        let gone = self.create(text("eve"), object("{}"), None);
        self.checkpoint();
        let handle = &self.store.handle;
        let change = Change {
            data: Some(object("{\"cart\":[\"apple\",\"pear\"],\"theme\":\"dark\"}")),
            ..Change::default()
        };
        handle.commit(&ann, None, &change).unwrap();
        let keys = KeyChange::new(object("{\"cart\":[],\"n\":1}"), ObjectText::EMPTY);
        let change = Change {
            keys: Some(&keys),
            ..Change::default()
        };
        handle.commit(&ann, None, &change).unwrap();
        let pound: Vec<u16> = "{\"€\":\"£\"}".encode_utf16().collect();
        let keys = KeyChange::new(object_of(Text::Utf16(&pound)), object("{\"note\":0}"));
        let change = Change {
            keys: Some(&keys),
            ..Change::default()
        };
        handle.commit(&eva, None, &change).unwrap();
        handle.touch(&ann, Some(900_000)).unwrap();
        handle.destroy(&gone, Reason::Logout).unwrap();
        let renewal = Renewal {
            change: Change::default(),
            login: Some(Login {
                uid: text("bob"),
                absolute_timeout: None,
                assurance: Assurance::PLAIN,
            }),
        };
        let (_, bob) = handle.regenerate(&guest, None, &renewal).unwrap();
        self.ids.push(bob);
        self.store.settle();
    }

    fn killed(self) -> (SimulatedDisk, String) {
        let expected = describe(&self.store, &self.ids);
        drop(self.store);
        (self.disk.crash(1, Crash::KillProcess), expected)
    }

    fn closed(mut self) -> (SimulatedDisk, String) {
        let expected = describe(&self.store, &self.ids);
        self.store.handle.close();
        while self.store.turn() {}
        drop(self.store);
        (self.disk, expected)
    }
}

/// Describes the session of each id on a line of its own; of an id without one, only that it is dead.
fn describe(store: &SimulatedStore, ids: &[SessionId]) -> String {
    let mut out = String::new();
    let mut buffer = TextBuffer::default();
    for id in ids {
        let name = id.to_text();
        let Some(facts) = store.handle.load(id, false, &mut buffer).unwrap() else {
            writeln!(out, "{name} dead").unwrap();
            continue;
        };
        let units: Vec<u16> = match buffer.text() {
            Text::Latin1(bytes) => bytes.iter().copied().map(u16::from).collect(),
            Text::Utf16(units) => units.to_vec(),
        };
        let uid = &units[..facts.uid_units];
        let handle = id.handle().to_text();
        writeln!(
            out,
            "{name} {handle} version {} created {} seen {} idle {} absolute {} authenticated {} uid {} data {}",
            facts.version,
            facts.created_at,
            facts.last_seen_at,
            facts.idle_timeout,
            facts.absolute_deadline,
            facts.authenticated_at,
            escaped(uid),
            escaped(data_in(&units, &facts)),
        )
        .unwrap();
    }
    out
}

/// Text as printable ASCII, with all other units escaped.
fn escaped(units: &[u16]) -> String {
    let mut out = String::new();
    for &unit in units {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii_graphic() && byte != b'\\' => out.push(char::from(byte)),
            _ => write!(out, "\\u{unit:04x}").unwrap(),
        }
    }
    out
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn last_segment(disk: &SimulatedDisk) -> String {
    let names = disk.list().unwrap().into_iter();
    names.filter(|name| name.starts_with("log-")).max().unwrap()
}

/// A directory: its name, its files, and the description of its sessions.
type Case = (&'static str, SimulatedDisk, String);

fn begin(seed: u64) -> Making {
    Making::begin(&SimulatedDisk::new(), seed, Vec::new())
}

fn empty() -> Case {
    let (disk, expected) = begin(1).closed();
    ("empty", disk, expected)
}

fn closed() -> Case {
    let mut making = begin(2);
    making.fill();
    let (disk, expected) = making.closed();
    ("closed", disk, expected)
}

/// A store whose sessions were all cleared after its snapshot, killed.
fn cleared() -> Case {
    let mut making = begin(3);
    making.create(text("ann"), object("{}"), None);
    making.checkpoint();
    making.create(text("bob"), object("{}"), None);
    making.store.handle.clear().unwrap();
    making.create(text("eve"), object("{}"), None);
    let (disk, expected) = making.killed();
    ("cleared", disk, expected)
}

/// A store killed while the disk was full: a refused write left only its LSN, a logout its record.
fn full() -> Case {
    let mut making = begin(4);
    making.fill();
    let ann = making.ids[0].clone();
    making.disk.set_capacity(making.disk.total_bytes());
    let dan = making.create(text("dan"), object("{\"refused\":\"for want of room\"}"), None);
    assert!(making.store.handle.io_error().is_some(), "the disk is full");
    making.store.handle.destroy(&ann, Reason::Logout).unwrap();
    making.store.handle.destroy(&dan, Reason::Destroy).unwrap();
    making.store.settle();
    let (disk, expected) = making.killed();
    disk.set_capacity(u64::MAX);
    ("full", disk, expected)
}

/// A store killed, opened and killed again; the same with a torn tail; the same damaged, salvaged, and killed once more.
fn killed() -> [Case; 3] {
    let mut making = begin(5);
    making.fill();
    let ids = making.ids.clone();
    let (disk, _) = making.killed();
    let mut making = Making::begin(&disk, 6, ids);
    making.create(text("fay"), object("{\"in\":\"another life\"}"), None);
    making.store.handle.flush().unwrap();
    making.store.settle();
    let without_last = describe(&making.store, &making.ids);
    let last = making.create(text("gus"), object("{\"written\":\"last\"}"), None);
    let ids = making.ids.clone();
    let (killed, expected) = making.killed();

    let torn = killed.crash(0, Crash::KillProcess);
    let name = last_segment(&torn);
    let bytes = torn.contents(&name).unwrap();
    torn.put(&name, &bytes[..bytes.len() - 5]);

    let damaged = killed.crash(0, Crash::KillProcess);
    assert!(damaged.flip("snap-2", (56 + 17 + 1) * 8));
    let making = Making {
        store: SimulatedStore::open(&damaged, parts(7, OnCorruption::Salvage)).unwrap(),
        disk: damaged,
        ids,
    };
    let (salvaged, all_salvaged) = making.killed();
    [
        ("killed", killed, expected),
        ("torn", torn, format!("{without_last}{} dead\n", last.to_text())),
        ("salvaged", salvaged, all_salvaged),
    ]
}

#[test]
#[ignore = "only for a format that was not released yet"]
fn write_the_directories_of_this_format() {
    let folder = root().join(format!("format-{FORMAT}-codec-{CODEC}"));
    let _ = fs::remove_dir_all(&folder);
    for (name, disk, expected) in [empty(), closed(), cleared(), full()].into_iter().chain(killed()) {
        let files = folder.join(name).join("sessions.data");
        fs::create_dir_all(&files).unwrap();
        // The reserve is 64 KiB, and the next opening makes it again.
        for name in disk.list().unwrap().iter().filter(|name| *name != RESERVE) {
            fs::write(files.join(name), disk.contents(name).unwrap()).unwrap();
        }
        fs::write(folder.join(name).join("sessions.txt"), expected).unwrap();
    }
}

fn load(path: &Path) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    for file in fs::read_dir(path).unwrap() {
        let file = file.unwrap();
        disk.put(
            &file.file_name().into_string().unwrap(),
            &fs::read(file.path()).unwrap(),
        );
    }
    disk
}

#[test]
fn directories_of_every_released_format_can_be_read() {
    let mut seen = 0;
    let mut kinds = BTreeSet::new();
    for format in fs::read_dir(root()).unwrap() {
        for case in fs::read_dir(format.unwrap().path()).unwrap() {
            let path = case.unwrap().path();
            let expected = fs::read_to_string(path.join("sessions.txt")).unwrap();
            let ids: Vec<_> = expected
                .lines()
                .map(|line| SessionId::parse(line.split(' ').next().unwrap().as_bytes()).unwrap())
                .collect();
            let disk = load(&path.join("sessions.data"));
            let found = inspect_disk(&disk, Ask::default(), NOW, &mut ()).unwrap();
            let contents = found.files.iter().filter_map(|file| file.contents.as_ref());
            kinds.extend(contents.flat_map(|contents| contents.frames.keys().copied()));
            let is_torn = path.ends_with("torn");
            assert_eq!(
                found.verdict,
                if is_torn { Verdict::Torn } else { Verdict::Sound },
                "{path:?}"
            );
            let live = expected.lines().filter(|line| !line.ends_with(" dead")).count();
            assert_eq!(found.sessions.unwrap().live, live as u64, "{path:?}");
            // It opens, is written to, and opens again from what this version wrote.
            let mut store = SimulatedStore::open(&disk, parts(6, OnCorruption::Error)).unwrap();
            assert_eq!(describe(&store, &ids), expected, "{path:?}");
            assert_eq!(store.report.torn_bytes > 0, is_torn, "{path:?}");
            store.handle.checkpoint().unwrap();
            store.settle();
            drop(store);
            let again = SimulatedStore::open(&disk, parts(7, OnCorruption::Error)).unwrap();
            assert_eq!(describe(&again, &ids), expected, "{path:?}");
            seen += 1;
        }
    }
    assert!(seen >= 7, "{seen} directories");
    let all = (1..=8).chain(16..=18).chain([32]);
    assert_eq!(all.collect::<BTreeSet<_>>(), kinds, "every kind of frame");
}
