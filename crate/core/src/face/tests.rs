//! Tests of concurrent openings, and of cancelled ones.

use crate::face::handle::{Owner, StoreHandle};
use crate::face::open::open;
use crate::face::parts::Parts;
use crate::face::registry;
use crate::face::report::Report;
use crate::face::terms::Terms;
use crate::journal::options::{JournalOptions, OnCorruption};
use crate::journal::recover::Watch;
use crate::lock::shared::Shared;
use crate::lock::status::Health;
use crate::model::change::{AtUserLimit, NewSession, Options, UNLIMITED};
use crate::model::clock::{ManualClock, SystemClock};
use crate::model::durability::Durability;
use crate::model::error::Error;
use crate::model::object::ObjectText;
use crate::model::random::{OsRandom, Random};
use crate::model::standing::Assurance;
use crate::model::text::{Text, TextBuffer};
use crate::model::time::NEVER;
use crate::store::Store;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(50);

const ANN: NewSession<'_> = NewSession {
    uid: Text::Latin1(b"ann"),
    form: Text::Latin1(b""),
    data: ObjectText::EMPTY,
    idle_timeout: None,
    absolute_timeout: None,
    assurance: Assurance::PLAIN,
};

fn parts() -> Parts {
    Parts {
        options: Options {
            max_sessions: 10_000,
            max_bytes: 1 << 24,
            max_session_bytes: 1 << 16,
            idle_timeout: 10_000_000,
            guest_idle_timeout: 10_000_000,
            absolute_timeout: 10_000_000,
            max_sessions_per_user: UNLIMITED,
            at_user_limit: AtUserLimit::EvictOldest,
        },
        journal: JournalOptions::default(),
        clock: Arc::new(SystemClock::default()),
        random: Arc::new(OsRandom),
    }
}

fn store_in_memory() -> (Owner, Report) {
    let store = Store::new(parts().options);
    let shared = Shared::new(store, parts().clock, Arc::new(OsRandom));
    (Owner::still(Arc::new(shared)), Report::default())
}

fn join_or_open(
    inode: u64,
    watch: &mut dyn Watch,
    open: impl FnOnce(&mut dyn Watch) -> Result<(Owner, Report), Error>,
) -> Result<StoreHandle, Error> {
    let (path, terms) = (Path::new("nowhere"), Terms::of(&parts()));
    let opened = registry::join_or_open(path, (u64::MAX, inode), terms, watch, open);
    opened.map(|(handle, _)| handle)
}

/// Opens a store in another thread, in the directory with this inode. The opening ends with the result that `disk` delivers.
fn open_slowly(inode: u64, disk: Receiver<Result<(), Error>>) -> Receiver<Result<StoreHandle, Error>> {
    let ((started, is_started), (sender, opened)) = (channel(), channel());
    std::thread::spawn(move || {
        let open = |_: &mut dyn Watch| {
            started.send(()).unwrap();
            disk.recv().unwrap().map(|()| store_in_memory())
        };
        sender.send(join_or_open(inode, &mut (), open)).unwrap();
    });
    is_started.recv_timeout(LONG).unwrap();
    opened
}

/// Opens a store in another thread, without waiting for a disk.
fn open_at_once(inode: u64) -> Receiver<Result<StoreHandle, Error>> {
    let (sender, opened) = channel();
    std::thread::spawn(move || {
        let opened = join_or_open(inode, &mut (), |_| Ok(store_in_memory()));
        sender.send(opened).unwrap();
    });
    opened
}

/// One mutex was once held during a whole recovery, so that a directory on a hanging disk blocked all others.
#[test]
fn an_opening_does_not_wait_for_an_opening_of_another_directory() {
    let (disk, results) = channel();
    let slow = open_slowly(1, results);
    assert!(open_at_once(2).recv_timeout(LONG).unwrap().is_ok());
    disk.send(Ok(())).unwrap();
    assert!(slow.recv_timeout(LONG).unwrap().is_ok());
}

#[test]
fn a_second_opening_of_a_directory_waits_and_shares_the_store() {
    let (disk, results) = channel();
    let slow = open_slowly(3, results);
    let second = open_at_once(3);
    assert!(second.recv_timeout(SHORT).is_err());
    disk.send(Ok(())).unwrap();
    let first = slow.recv_timeout(LONG).unwrap().unwrap();
    let second = second.recv_timeout(LONG).unwrap().unwrap();
    let (id, _) = first.create(&ANN).unwrap();
    assert!(second.has(&id).unwrap());
}

/// The store was once shown to others before its own opening had a handle: one that joined and closed in between closed it, and what had
/// just been opened was closed.
#[test]
fn an_opening_returns_an_open_store_whatever_others_close_meanwhile() {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5_000 {
                    let store = join_or_open(7, &mut (), |_| Ok(store_in_memory())).unwrap();
                    assert!(store.create(&ANN).is_ok(), "just opened");
                    store.close();
                }
            });
        }
    });
}

#[test]
fn a_second_opening_of_a_directory_tries_by_itself_if_the_first_fails_or_panics() {
    for (inode, panics) in [(4, false), (5, true)] {
        let (disk, results) = channel();
        let slow = open_slowly(inode, results);
        let second = open_at_once(inode);
        assert!(second.recv_timeout(SHORT).is_err());
        if panics {
            drop(disk);
            assert!(slow.recv_timeout(LONG).is_err());
        } else {
            disk.send(Err(Error::Degraded)).unwrap();
            assert!(matches!(slow.recv_timeout(LONG).unwrap(), Err(Error::Degraded)));
        }
        assert!(second.recv_timeout(LONG).unwrap().is_ok());
    }
}

/// Cancels at once, or when the first record has been read.
struct Cancels {
    at_once: bool,
    was_read: AtomicBool,
}

impl Cancels {
    fn new(at_once: bool) -> Self {
        Self {
            at_once,
            was_read: AtomicBool::new(false),
        }
    }
}

impl Watch for Cancels {
    fn is_cancelled(&self) -> bool {
        self.at_once || self.was_read.load(Ordering::Relaxed)
    }

    fn read(&mut self, _bytes: u64, sessions: u64) {
        assert!(!self.was_read.load(Ordering::Relaxed), "it was cancelled");
        self.was_read.store(sessions > 0, Ordering::Relaxed);
    }
}

#[test]
fn an_opening_that_waits_for_another_of_its_directory_can_be_cancelled() {
    let (disk, results) = channel();
    let slow = open_slowly(6, results);
    let second = join_or_open(6, &mut Cancels::new(true), |_| Ok(store_in_memory()));
    assert!(matches!(second, Err(Error::Closed)));
    disk.send(Ok(())).unwrap();
    assert!(slow.recv_timeout(LONG).unwrap().is_ok());
}

fn names_in(path: &Path) -> Vec<String> {
    let entries = path.read_dir().unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// `worker.terminate()` and `process.exit()` once waited for a whole recovery.
#[test]
fn a_cancelled_opening_ends_at_the_next_record_changes_nothing_and_releases_the_directory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.data");
    // A store that is dropped without a close leaves a log, one that is closed a snapshot.
    for (sessions, ends_with_a_close) in [(0, false), (1_000, true), (2_000, false)] {
        if sessions > 0 {
            for at_once in [true, false] {
                let before = names_in(&path);
                let opened = open(&path, parts(), &mut Cancels::new(at_once));
                assert!(matches!(opened, Err(Error::Closed)));
                assert_eq!(names_in(&path), before);
            }
        }
        let (handle, report) = open(&path, parts(), &mut ()).unwrap();
        assert_eq!(report.sessions, sessions);
        for _ in 0..1_000 {
            handle.create(&ANN).unwrap();
        }
        if ends_with_a_close {
            handle.close();
            while handle.health() != Health::Closed {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// The options of the second opening were once ignored.
#[test]
fn an_open_store_is_not_joined_with_other_options_and_the_error_names_each_difference() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.data");
    let (handle, _) = open(&path, parts(), &mut ()).unwrap();
    let mut other = parts();
    other.options.max_sessions = 5;
    other.options.absolute_timeout = NEVER;
    other.journal.durability = Durability::Disk;
    other.clock = Arc::new(ManualClock::new(0));
    let error = open(&path, other, &mut ()).err().unwrap();
    assert_eq!(error.code(), "ERR_SESSION_OPTIONS");
    let differences = "maxSessions is 10000 there and 5 here, absoluteTimeout is 10000000 ms there and Infinity here, durability is 'os' \
                       there and 'disk' here, clock is the system clock there and a ManualClock here.";
    assert!(error.to_string().contains(differences), "{error}");
    let mut same = parts();
    same.journal.on_corruption = OnCorruption::Salvage;
    assert!(open(&path, same, &mut ()).is_ok());
    handle.close();
}

/// Where the store's structures contradicted each other, reading answered an empty session, and went on.
#[test]
fn a_contradiction_in_memory_poisons_the_store() {
    let (owner, _) = store_in_memory();
    let owner = Arc::new(owner);
    let store = StoreHandle::new(&owner);
    let (id, _) = store.create(&ANN).unwrap();
    owner.shared.lock().store.lose_a_body();
    let mut buffer = TextBuffer::default();
    let read = catch_unwind(AssertUnwindSafe(|| store.load(&id, true, &mut buffer)));
    assert!(read.is_err(), "loudly");
    assert!(matches!(store.has(&id), Err(Error::Poisoned)));
    assert!(matches!(store.create(&ANN), Err(Error::Poisoned)));
}

/// A source of random bytes that gives each of these numbers, as every byte of an id, once.
struct Numbers(Mutex<Vec<u8>>);

impl Random for Numbers {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        bytes.fill(self.0.lock().unwrap().remove(0));
        Ok(())
    }
}

#[test]
fn s04_equal_random_numbers_overwrite_no_session() {
    let numbers = Numbers(Mutex::new(vec![1, 1, 1, 2, 1, 2, 3]));
    let store = StoreHandle::open(parts().options, parts().clock, Box::new(numbers)).unwrap();
    let (ann, before) = store.create(&ANN).unwrap();
    let guest = NewSession {
        uid: Text::Latin1(b""),
        ..ANN
    };
    let (other, _) = store.create(&guest).unwrap();
    assert_ne!(
        ann.handle(),
        other.handle(),
        "the number was drawn twice more, until it was free"
    );
    let is_as_it_was = || {
        let mut buffer = TextBuffer::default();
        let after = store.load(&ann, false, &mut buffer).unwrap().unwrap();
        let uid = matches!(buffer.text(), Text::Latin1(text) if text.starts_with(b"ann"));
        uid && after.version == before.version && after.created_at == before.created_at
    };
    assert!(is_as_it_was());
    let (third, _) = store.create(&guest).unwrap();
    assert!(![ann.handle(), other.handle()].contains(&third.handle()));
    assert!(is_as_it_was());
    assert_eq!(store.stats().unwrap().created, 3);
}
