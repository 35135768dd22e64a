//! What the campaigns cannot see: whether the journal's thread sleeps and wakes, and stores opened in unusual ways.
//!
//! `cargo test -p agai-session-core --release --features testing --test rest`
#![expect(clippy::unwrap_used, reason = "a test")]

use agai_session_core::disk::Disk;
use agai_session_core::face::Parts;
use agai_session_core::journal::options::{JournalOptions, OnCorruption};
use agai_session_core::lock::status::Health;
use agai_session_core::model::clock::ManualClock;
use agai_session_core::model::durability::Durability;
use agai_session_core::model::random::OsRandom;
use agai_session_core::testing::disk::{Crash, DiskFault, Failure, Operation, SimulatedDisk};
use agai_session_core::testing::simulation::SimulatedStore;
use agai_session_core::{NewSession, Options, Reason, SessionId, Text};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A pause that no test outlives: what is due only after it is due when a test says so.
const LONG: Duration = Duration::from_secs(5);

fn parts(max_sessions: u32) -> Parts {
    Parts {
        options: Options {
            max_sessions,
            max_bytes: 1 << 24,
            max_session_bytes: 1 << 20,
            idle_timeout: 1_000_000,
            guest_idle_timeout: 1_000_000,
            absolute_timeout: 10_000_000,
        },
        journal: JournalOptions {
            durability: Durability::Os,
            retry_pause: LONG,
            ..JournalOptions::default()
        },
        clock: Arc::new(ManualClock::new(1_000)),
        random: Arc::new(OsRandom),
    }
}

fn open(disk: &SimulatedDisk) -> SimulatedStore {
    SimulatedStore::open(disk, parts(1_000)).unwrap()
}

fn create(store: &SimulatedStore, data: &str) -> SessionId {
    let new = NewSession {
        uid: Text::Latin1(b"ann"),
        form: Text::Latin1(b""),
        data: Text::Latin1(data.as_bytes()),
        idle_timeout: None,
        absolute_timeout: None,
    };
    store.handle.create(&new).unwrap().0
}

/// Turns until the thread would sleep, which must come soon.
fn falls_asleep(store: &mut SimulatedStore) {
    assert!((0..100).any(|_| store.rests()), "the thread works for nothing");
    store.pass_time();
    assert!(
        (0..100).any(|_| store.rests()),
        "the thread works for nothing later on"
    );
}

fn fail(disk: &SimulatedDisk, n: u64, only: Operation, sticky: bool) {
    let failure = Failure {
        error: DiskFault::Io,
        sticky,
        only: Some(only),
    };
    disk.fail_at(disk.operations_of(only) + n, failure);
}

/// A disk that is full, but for the ends of sessions.
fn filled(disk: &SimulatedDisk, store: &mut SimulatedStore) {
    store.settle();
    disk.set_capacity(disk.total_bytes() + 100);
    create(store, &"x".repeat(1_000));
    store.rests();
    assert_eq!(store.handle.health(), Health::Healing);
    disk.set_capacity(u64::MAX);
}

/// A log whose sync failed was given up, and the first try to write everything anew was due at once; but the thread went to sleep
/// without a time to wake, and no write woke it, since nothing is queued for a log that is lost. So the store stayed without a disk
/// until somebody closed it. The campaign of errors takes turns by itself and could not see that.
#[test]
fn a_lost_log_is_healed_without_being_asked() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    let id = create(&store, "{}");
    store.handle.flush().unwrap();
    fail(&disk, 1, Operation::Sync, false);
    assert!(!store.rests(), "the thread sleeps beside a log that is lost");
    falls_asleep(&mut store);
    assert_eq!(store.handle.health(), Health::Healthy);
    assert!(store.handle.reached().synced >= store.handle.lsn());
    let store = open(&disk.crash(1, Crash::PowerCutLosingAll));
    assert!(store.handle.has(&id).unwrap());
}

/// A checkpoint syncs what was written before it, but the time by which that was due stayed set. Once it had passed with nothing more
/// to sync, the thread never slept again until the next write: one processor busy for an idle store.
#[test]
fn a_checkpoint_leaves_no_sync_due() {
    let mut store = open(&SimulatedDisk::new());
    create(&store, "{}");
    store.handle.checkpoint().unwrap();
    falls_asleep(&mut store);
}

/// The next try of a checkpoint that somebody had asked for once was waited for, though nothing tried again: past it, the thread
/// never slept again.
#[test]
fn a_checkpoint_that_failed_is_not_waited_for_when_the_log_is_short() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    create(&store, "{}");
    store.handle.flush().unwrap();
    store.settle();
    let ticket = store.handle.checkpoint().unwrap();
    // The segment's and the manifest's names pass; that of the snapshot does not.
    fail(&disk, 2, Operation::Rename, false);
    falls_asleep(&mut store);
    assert_eq!(store.handle.reached().checkpoints, ticket);
    assert_eq!(store.handle.health(), Health::Healthy);
}

/// A checkpoint that could not begin its segment took the log with it, so that writes were refused though the log could go on.
#[test]
fn a_checkpoint_that_cannot_begin_a_segment_leaves_the_log_as_it_is() {
    for operation in [Operation::Create, Operation::Rename] {
        let disk = SimulatedDisk::new();
        let mut store = open(&disk);
        create(&store, "{}");
        store.handle.flush().unwrap();
        store.settle();
        let ticket = store.handle.checkpoint().unwrap();
        fail(&disk, 0, operation, true);
        store.settle();
        assert_eq!(store.handle.reached().checkpoints, ticket);
        let id = create(&store, "{\"n\":1}");
        store.settle();
        assert_eq!(
            store.handle.reached().written,
            store.handle.lsn(),
            "the log goes on"
        );
        assert_eq!(store.handle.health(), Health::Healthy);
        disk.mend();
        let crashed = open(&disk.crash(1, Crash::KillProcess));
        assert!(crashed.handle.has(&id).unwrap());
    }
}

/// A checkpoint that was asked for while the disk was full cannot begin before it heals. The thread asked itself again and again.
#[test]
fn a_checkpoint_asked_for_on_a_full_disk_waits_for_the_healing() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    filled(&disk, &mut store);
    let ticket = store.handle.checkpoint().unwrap();
    assert!((0..100).any(|_| store.rests()), "the thread works for nothing");
    falls_asleep(&mut store);
    assert_eq!(store.handle.health(), Health::Healthy);
    assert_eq!(store.handle.reached().checkpoints, ticket);
}

/// A store that healed with the room set aside for logouts wrote on until the disk was full once more, and then no logout could be
/// written.
#[test]
fn a_full_disk_is_not_healed_with_the_room_for_logouts() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    let ids: Vec<_> = (0..40).map(|_| create(&store, "{}")).collect();
    store.settle();
    disk.set_capacity(disk.total_bytes() + 500);
    for id in ids {
        for _ in 0..20 {
            // Refused, or made in memory alone.
            let new = NewSession {
                uid: Text::Latin1(b"ann"),
                form: Text::Latin1(b""),
                data: Text::Latin1(&[b'x'; 300]),
                idle_timeout: None,
                absolute_timeout: None,
            };
            let _ = store.handle.create(&new);
        }
        store.pass_time();
        store.rests();
        assert!(store.handle.destroy(&id, Reason::Logout).unwrap());
        store.rests();
        let reached = store.handle.reached();
        assert!(reached.ends_synced >= store.handle.lsn(), "{reached:?}");
    }
    assert_ne!(store.handle.health(), Health::Healthy);
    disk.set_capacity(1 << 30);
    falls_asleep(&mut store);
    assert_eq!(store.handle.health(), Health::Healthy);
}

/// A snapshot found room on a full disk, but the segment or the manifest behind it did not: it stayed there, in all the room that had
/// been set aside for logouts, and the next logout could not be written.
#[test]
fn a_try_to_heal_that_comes_to_nothing_leaves_the_room_to_logouts() {
    let mut healthy = 0;
    let rooms = (0..3_000).step_by(8);
    for room in rooms.clone() {
        let disk = SimulatedDisk::new();
        let mut store = open(&disk);
        let ids: Vec<_> = (0..70).map(|_| create(&store, &"x".repeat(900))).collect();
        store.settle();
        // Too little for a snapshot of all, though what is set aside is given back; each logout makes it shorter.
        disk.set_capacity(disk.total_bytes() + room);
        create(&store, &"x".repeat(3_000));
        for id in &ids[..4] {
            store.pass_time();
            store.rests();
            assert!(store.handle.destroy(id, Reason::Logout).unwrap());
            store.rests();
            let reached = store.handle.reached();
            assert!(reached.ends_synced >= store.handle.lsn(), "{room}: {reached:?}");
        }
        healthy += usize::from(store.handle.health() == Health::Healthy);
    }
    assert!((1..rooms.count()).contains(&healthy), "some heal, some cannot");
}

/// The same of a checkpoint whose snapshot found room and its manifest none. Worse, the log was given up, though nothing was wrong with it.
#[test]
fn a_checkpoint_that_comes_to_nothing_leaves_the_log_and_its_room() {
    let mut failed = 0;
    for room in (0..2_000).step_by(8) {
        let disk = SimulatedDisk::new();
        let mut store = open(&disk);
        let id = create(&store, &"x".repeat(900));
        store.settle();
        store.handle.checkpoint().unwrap();
        disk.set_capacity(disk.total_bytes() + room);
        store.settle();
        assert_eq!(store.handle.health(), Health::Healthy, "{room}");
        let names = Disk::list(&disk).unwrap();
        let is_done = names.iter().any(|name| name == "snap-2");
        failed += usize::from(!is_done);
        assert!(store.handle.destroy(&id, Reason::Logout).unwrap());
        store.rests();
        let reached = store.handle.reached();
        assert!(reached.ends_synced >= store.handle.lsn(), "{room}: {reached:?}");
    }
    assert!(failed > 0);
}

/// Segments without a record begin at one number, and a checkpoint kept all that begin behind it. From the sixteenth opening on,
/// which makes a checkpoint of the many segments, it kept the sixteen, and so was due again at once, for ever.
#[test]
fn a_store_that_is_opened_many_times_and_never_written_to_sleeps() {
    let mut disk = SimulatedDisk::new();
    for life in 0..40 {
        falls_asleep(&mut open(&disk));
        disk = disk.crash(life, Crash::KillProcess);
    }
    let segments = |name: &String| name.starts_with("log-");
    let names = Disk::list(&disk).unwrap();
    assert!(
        names.iter().filter(|name| segments(name)).count() <= 17,
        "{names:?}"
    );
}

/// Whoever ended it, "there is none" is acknowledged when the disk says so: at once, and not with the next sync that is due anyway.
#[test]
fn the_end_of_a_session_that_is_gone_is_synced_at_once_by_id_and_by_handle() {
    for by_handle in [false, true] {
        let disk = SimulatedDisk::new();
        let mut store = SimulatedStore::open(&disk, parts(1)).unwrap();
        let id = create(&store, "{}");
        let name = id.handle();
        // There is room for one.
        create(&store, "{}");
        assert!((0..100).any(|_| store.rests()));
        assert!(store.handle.reached().ends_synced < store.handle.lsn());
        let ended = if by_handle {
            store.handle.destroy_by_handle(name, Reason::Logout)
        } else {
            store.handle.destroy(&id, Reason::Logout)
        };
        assert!(!ended.unwrap());
        assert!((0..100).any(|_| store.rests()));
        assert_eq!(store.handle.reached().ends_synced, store.handle.lsn());
    }
}

/// A logout between a turn's write and its try to heal was taken along for the snapshot, and put back into the old log when that came
/// to nothing; but the wish to have it synced was not, and nobody was told of it any more.
#[test]
fn a_logout_during_a_try_to_heal_that_fails_is_acknowledged() {
    let disk = SimulatedDisk::new();
    let mut parts = parts(1_000);
    parts.journal.retry_pause = Duration::ZERO;
    let mut store = SimulatedStore::open(&disk, parts).unwrap();
    let id = create(&store, "{}");
    store.handle.flush().unwrap();
    store.settle();
    // Never dropped: a handle must not be owned by what it is told by.
    let other = std::mem::ManuallyDrop::new(store.another());
    let done = Arc::new(AtomicBool::new(false));
    let (ended, is_done) = (id.clone(), Arc::clone(&done));
    // Told of the full disk, in the middle of the turn.
    store.handle.on_signal(move || {
        if !done.swap(true, Ordering::Relaxed) {
            assert!(other.destroy(&ended, Reason::Logout).unwrap());
        }
    });
    fail(&disk, 1, Operation::Rename, true);
    disk.set_capacity(disk.total_bytes() + 100);
    create(&store, &"x".repeat(1_000));
    store.rests();
    assert!(is_done.load(Ordering::Relaxed));
    assert!(!store.handle.has(&id).unwrap());
    store.settle();
    assert!(store.handle.reached().ends_synced >= store.handle.lsn());
    disk.set_capacity(u64::MAX);
    let store = open(&disk.crash(1, Crash::PowerCutLosingAll));
    assert!(!store.handle.has(&id).unwrap(), "the logout was undone");
}

/// A full disk had room again, and everything was written anew; only the sync of the directory behind the new manifest's name failed.
/// The store went on in the old log, which the next opening does not look at: it reads the manifest that is there. A logout that was
/// acknowledged in between was undone by the next `kill -9`.
#[test]
fn a_logout_behind_a_manifest_in_doubt_is_not_undone() {
    for crash in [
        Crash::KillProcess,
        Crash::PowerCutLosingAll,
        Crash::PowerCutLosingNothing,
    ] {
        let disk = SimulatedDisk::new();
        let mut store = open(&disk);
        let id = create(&store, "{}");
        store.handle.flush().unwrap();
        filled(&disk, &mut store);
        // The snapshot's, the segment's, then the manifest's.
        fail(&disk, 3, Operation::SyncDir, false);
        store.pass_time();
        store.rests();
        assert_ne!(store.handle.health(), Health::Healthy);
        assert!(store.handle.destroy(&id, Reason::Logout).unwrap());
        let lsn = store.handle.lsn();
        store.settle();
        let is_acknowledged = store.handle.reached().ends_synced >= lsn;
        let after = open(&disk.crash(1, crash));
        assert!(
            !is_acknowledged || !after.handle.has(&id).unwrap(),
            "{crash:?}: the logout was undone"
        );
        for _ in 0..10 {
            store.pass_time();
            store.rests();
        }
        assert_eq!(store.handle.health(), Health::Healthy);
        let after = open(&disk.crash(2, crash));
        assert!(!after.handle.has(&id).unwrap(), "{crash:?}: healed, and undone");
    }
}

/// Sessions that lower bounds pushed out at the opening were numbered before the new segment began, and written behind its beginning:
/// the opening after that one found records missing, and refused a store that nothing was wrong with.
#[test]
fn a_store_opened_with_lower_bounds_opens_again() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    let ids: Vec<_> = (0..10).map(|_| create(&store, "{}")).collect();
    store.handle.flush().unwrap();
    store.settle();
    let disk = disk.crash(1, Crash::KillProcess);
    let mut store = SimulatedStore::open(&disk, parts(4)).unwrap();
    assert_eq!((store.report.sessions, store.report.evicted), (4, 6));
    store.settle();
    let more = create(&store, "{}");
    store.handle.flush().unwrap();
    store.settle();
    let store = SimulatedStore::open(&disk.crash(2, Crash::PowerCutLosingAll), parts(4)).unwrap();
    assert_eq!(store.report.sessions, 4);
    assert!(store.handle.has(&more).unwrap());
    assert!(!store.handle.has(&ids[0]).unwrap());
}

/// Sessions that lower bounds pushed out at the opening counted as gone from the disk before that was written. A logout of one of
/// them was acknowledged at once, and undone by a crash in that moment, if the bounds were higher again behind it.
#[test]
fn the_end_of_a_session_that_an_opening_pushed_out_is_acknowledged_when_the_disk_has_it() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    let ids: Vec<_> = (0..3).map(|_| create(&store, "{}")).collect();
    store.handle.flush().unwrap();
    store.settle();
    let disk = disk.crash(1, Crash::KillProcess);
    let store = SimulatedStore::open(&disk, parts(1)).unwrap();
    assert!(!store.handle.destroy(&ids[0], Reason::Logout).unwrap());
    // What the opening pushed out is on the disk already.
    assert_eq!(store.handle.reached().ends_synced, store.handle.lsn());
    let store = open(&disk.crash(2, Crash::PowerCutLosingAll));
    assert!(!store.handle.has(&ids[0]).unwrap(), "the logout was undone");
}

/// A block of a snapshot had to follow the one before it, so behind one that could not be read none counted: one flipped bit, and
/// `salvage` brought back nobody.
#[test]
fn salvage_brings_back_what_is_behind_a_damaged_block() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    for _ in 0..900 {
        create(&store, "{}");
    }
    store.handle.checkpoint().unwrap();
    store.settle();
    let disk = disk.crash(1, Crash::KillProcess);
    let names = Disk::list(&disk).unwrap();
    let snapshot = names.iter().find(|name| name.starts_with("snap-")).unwrap();
    assert!(disk.flip(snapshot, 200 * 8), "in the first block");
    let refused = SimulatedStore::open(&disk, parts(1_000)).err().unwrap();
    assert_eq!(refused.code(), "ERR_SESSION_CORRUPT");
    let mut salvage = parts(1_000);
    salvage.journal.on_corruption = OnCorruption::Salvage;
    let store = SimulatedStore::open(&disk, salvage).unwrap();
    // A block has 256 places.
    assert_eq!(store.report.sessions, 900 - 256);
    assert!(!store.report.damages.is_empty());
}
