//! The journal as a whole, on simulated and real disks: acknowledged writes are there after each kind of end.

use crate::disk::Disk;
use crate::face::Parts;
use crate::face::open::open;
use crate::journal::options::JournalOptions;
use crate::lock::status::Health;
use crate::model::change::{Change, Login, NewSession, Renewal};
use crate::model::clock::{Clock, ManualClock};
use crate::model::durability::Durability;
use crate::model::event::Reason;
use crate::model::id::SessionId;
use crate::model::standing::Assurance;
use crate::model::text::{Text, TextBuffer};
use crate::planted::{Fault, plant};
use crate::testing::disk::{Crash, SimulatedDisk};
use crate::testing::fixtures::{self, object, session, text};
use crate::testing::objects::data_in;
use crate::testing::simulation::SimulatedStore;
use std::sync::Arc;

fn parts(now: u64, durability: Durability) -> Parts {
    let journal = JournalOptions {
        durability,
        checkpoint_bytes: 1 << 12,
        ..JournalOptions::default()
    };
    fixtures::parts(now, journal)
}

fn data_of(store: &SimulatedStore, id: &SessionId) -> Option<String> {
    let mut buffer = TextBuffer::default();
    let facts = store.handle.load(id, false, &mut buffer).unwrap()?;
    let Text::Latin1(bytes) = buffer.text() else {
        panic!("the text is not Latin-1")
    };
    Some(String::from_utf8(data_in(bytes, &facts).to_vec()).unwrap())
}

fn open_simulated(disk: &SimulatedDisk) -> SimulatedStore {
    SimulatedStore::open(disk, parts(1_000, Durability::Os)).unwrap()
}

#[test]
fn sessions_come_back_with_all_their_facts_after_a_kill_a_close_and_a_checkpoint() {
    for end in ["kill", "close", "checkpoint"] {
        let disk = SimulatedDisk::default();
        let mut store = open_simulated(&disk);
        let with_form = NewSession {
            form: text("{\"secret\":1}"),
            ..session("ann", "{\"a\":1}")
        };
        let (ann, _) = store.handle.create(&with_form).unwrap();
        let (guest, _) = store.handle.create(&session("", "{}")).unwrap();
        let change = Change {
            data: Some(object("{\"a\":2}")),
            ..Change::default()
        };
        store.handle.commit(&ann, None, &change).unwrap();
        let renewal = Renewal {
            change: Change::default(),
            login: Some(Login {
                uid: text("bob"),
                absolute_timeout: None,
                assurance: Assurance::PLAIN,
            }),
        };
        let (_, bob) = store.handle.regenerate(&guest, None, &renewal).unwrap();
        let (gone, _) = store.handle.create(&session("eve", "{}")).unwrap();
        assert!(store.handle.destroy(&gone, Reason::Logout).unwrap());
        let mut buffer = TextBuffer::default();
        let facts = store.handle.load(&ann, false, &mut buffer).unwrap().unwrap();
        let lsn = store.handle.lsn();
        assert!(store.handle.reached().synced < lsn);
        store.settle();
        assert_eq!(
            store.handle.reached().synced,
            lsn,
            "a destroy is synced in each mode"
        );
        if end == "checkpoint" {
            let ticket = store.handle.checkpoint().unwrap();
            store.settle();
            assert_eq!(store.handle.reached().checkpoints, ticket);
        }
        if end == "close" {
            store.handle.close();
            while store.turn() {}
            assert_eq!(store.handle.health(), Health::Closed);
            assert!(store.handle.io_error().is_none());
        }
        let disk = if end == "kill" {
            disk.crash(7, Crash::KillProcess)
        } else {
            disk
        };
        let store = open_simulated(&disk);
        assert_eq!(store.report.sessions, 2, "{end}");
        assert_eq!(data_of(&store, &ann).as_deref(), Some("{\"a\":2}"));
        assert_eq!(data_of(&store, &bob).as_deref(), Some("{}"));
        for dead in [&guest, &gone] {
            assert_eq!(data_of(&store, dead), None, "{end}");
        }
        let again = store.handle.load(&ann, false, &mut buffer).unwrap().unwrap();
        assert_eq!(
            (again.form_units, again.uid_units),
            (0, 3),
            "forms are never written"
        );
        assert_eq!(
            (
                again.version,
                again.created_at,
                again.last_seen_at,
                again.absolute_deadline
            ),
            (
                facts.version,
                facts.created_at,
                facts.last_seen_at,
                facts.absolute_deadline
            )
        );
    }
}

#[test]
fn a_thousand_writes_with_checkpoints_between_them_come_back() {
    let disk = SimulatedDisk::default();
    let mut store = open_simulated(&disk);
    let mut ids = Vec::new();
    for n in 0..1_000 {
        let (id, _) = store
            .handle
            .create(&session("u", &format!("{{\"n\":{n}}}")))
            .unwrap();
        ids.push(id);
        if n % 3 == 0 {
            store.turn();
        }
        if n % 5 == 4 {
            let dead = ids.swap_remove(n * 7 % ids.len());
            store.handle.destroy(&dead, Reason::Destroy).unwrap();
        }
    }
    store.settle();
    let names: Vec<_> = disk.crash(1, Crash::KillProcess).list().unwrap();
    assert!(names.iter().any(|name| name.starts_with("snap-")), "{names:?}");
    let store = open_simulated(&disk.crash(1, Crash::KillProcess));
    assert_eq!(store.report.sessions, ids.len() as u64);
    assert!(ids.iter().all(|id| data_of(&store, id).is_some()));
}

/// After an error the journal's thread had nothing to write and slept for ever: the disk worked again, but the log was healed only when the
/// next call woke the thread.
#[test]
fn a_failed_sync_is_healed_without_another_call() {
    use crate::testing::disk::{DiskFault, Failure, Operation};
    let disk = SimulatedDisk::default();
    let mut store = open_simulated(&disk);
    let failure = Failure {
        error: DiskFault::Io,
        sticky: false,
        only: Some(Operation::Sync),
    };
    disk.fail_at(disk.operations_of(Operation::Sync) + 1, failure);
    store.handle.create(&session("ann", "{}")).unwrap();
    store.handle.flush().unwrap();
    store.settle();
    assert!(store.handle.io_error().is_some());
    assert_eq!(store.handle.health(), Health::Healthy);
}

#[test]
fn a_directory_has_one_owner_and_a_second_opening_changes_no_byte() {
    use crate::disk::{DirLock, RealDisk};
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.data");
    let (store, _) = open(&path, parts(1_000, Durability::Os), &mut ()).unwrap();
    store.close();
    while store.health() != Health::Closed {
        std::thread::yield_now();
    }
    drop(store);
    let content = || {
        let names = std::fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = names
            .map(|name| (name.clone(), std::fs::read(name).unwrap()))
            .collect();
        files.sort();
        files
    };
    let before = content();
    // As another process: a lock on a file that was opened separately.
    let mut lock = DirLock::acquire(&RealDisk::open(&path).unwrap()).unwrap();
    let refused = open(&path, parts(1_000, Durability::Os), &mut ()).err().unwrap();
    assert_eq!(refused.code(), "ERR_SESSION_LOCKED");
    assert_eq!(content(), before);
    lock.sign("pid 4711\n").unwrap();
    let refused = open(&path, parts(1_000, Durability::Os), &mut ()).err().unwrap();
    assert!(refused.to_string().contains("4711"), "{refused}");
    let _planted = plant(Fault::LockSkipped);
    assert!(
        open(&path, parts(1_000, Durability::Os), &mut ()).is_ok(),
        "the check notices a lock that is skipped"
    );
}

#[test]
fn a_real_directory_keeps_its_sessions_and_is_shared_within_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.data");
    let clock = Arc::new(ManualClock::new(1_000));
    let parts = || Parts {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..parts(1_000, Durability::Disk)
    };
    let (store, report) = open(&path, parts(), &mut ()).unwrap();
    assert!(report.created);
    let (id, _) = store.create(&session("ann", "{}")).unwrap();
    let lsn = store.lsn();
    while store.reached().synced < lsn {
        std::thread::yield_now();
    }
    let (other, _) = open(&path, parts(), &mut ()).unwrap();
    assert!(other.has(&id).unwrap());
    other.close();
    assert!(store.has(&id).unwrap());
    store.close();
    while store.health() != Health::Closed {
        std::thread::yield_now();
    }
    let (again, report) = open(&path, parts(), &mut ()).unwrap();
    assert_eq!((report.sessions, report.created), (1, false));
    assert!(again.has(&id).unwrap());
}

#[test]
fn a_torn_tail_is_cut_off_and_copied_aside_whole() {
    let disk = SimulatedDisk::default();
    let mut store = open_simulated(&disk);
    let (ann, _) = store.handle.create(&session("ann", "{}")).unwrap();
    store.settle();
    drop(store);
    let disk = disk.crash(1, Crash::KillProcess);
    let names = disk.list().unwrap().into_iter();
    let log = names.filter(|name| name.starts_with("log-")).max().unwrap();
    let whole = disk.contents(&log).unwrap();
    // Longer than one read.
    let tail: Vec<u8> = (0..700_000_u32).flat_map(u32::to_be_bytes).collect();
    disk.put(&log, &[&whole[..], &tail].concat());
    let store = open_simulated(&disk);
    assert_eq!(store.report.torn_bytes, tail.len() as u64);
    assert_eq!(
        disk.contents(store.report.torn_file.as_ref().unwrap()),
        Some(tail)
    );
    assert_eq!(disk.contents(&log), Some(whole));
    assert!(data_of(&store, &ann).is_some());
}
