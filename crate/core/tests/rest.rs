//! Tests of what the campaigns cannot see: whether the journal's thread sleeps and wakes, and stores opened in unusual ways.
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
use agai_session_core::model::standing::Assurance;
use agai_session_core::testing::disk::{Crash, DiskFault, Failure, Operation, SimulatedDisk};
use agai_session_core::testing::objects::object;
use agai_session_core::testing::simulation::SimulatedStore;
use agai_session_core::{AtUserLimit, NewSession, Options, Reason, SessionId, Text, UNLIMITED};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A pause longer than any test: it ends only by [`SimulatedStore::pass_time`].
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
            max_sessions_per_user: UNLIMITED,
            at_user_limit: AtUserLimit::EvictOldest,
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

/// The text of an object, `bytes` long.
fn data_of(bytes: usize) -> String {
    format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8))
}

fn create(store: &SimulatedStore, data: &str) -> SessionId {
    let new = NewSession {
        uid: Text::Latin1(b"ann"),
        form: Text::Latin1(b""),
        data: object(data),
        idle_timeout: None,
        absolute_timeout: None,
        assurance: Assurance::PLAIN,
    };
    store.handle.create(&new).unwrap().0
}

/// Asserts that the journal's thread would sleep after a few turns, now and once all its pauses are over.
fn falls_asleep(store: &mut SimulatedStore) {
    assert!((0..100).any(|_| store.rests()), "the thread never sleeps");
    store.pass_time();
    assert!(
        (0..100).any(|_| store.rests()),
        "the thread never sleeps after its pauses"
    );
}

/// Makes the `n`-th next operation of a kind fail.
fn fail(disk: &SimulatedDisk, n: u64, only: Operation, sticky: bool) {
    let failure = Failure {
        error: DiskFault::Io,
        sticky,
        only: Some(only),
    };
    disk.fail_at(disk.operations_of(only) + n, failure);
}

/// Fills the disk until the store has to heal, and then gives it room again.
fn filled(disk: &SimulatedDisk, store: &mut SimulatedStore) {
    store.settle();
    disk.set_capacity(disk.total_bytes() + 100);
    create(store, &data_of(1_000));
    store.rests();
    assert_eq!(store.handle.health(), Health::Healing);
    disk.set_capacity(u64::MAX);
}

/// A log whose sync failed was given up, and the first attempt to write everything anew was due at once; but the thread slept without a
/// deadline, and no write woke it, since nothing is queued for a lost log. The store wrote nothing more until it was closed. The campaign
/// of errors runs the turns itself and could not see that.
#[test]
fn a_lost_log_is_healed_without_another_call() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    let id = create(&store, "{}");
    store.handle.flush().unwrap();
    fail(&disk, 1, Operation::Sync, false);
    assert!(!store.rests(), "the thread sleeps although the log is lost");
    falls_asleep(&mut store);
    assert_eq!(store.handle.health(), Health::Healthy);
    assert!(store.handle.reached().synced >= store.handle.lsn());
    let store = open(&disk.crash(1, Crash::PowerCutLosingAll));
    assert!(store.handle.has(&id).unwrap());
}

/// A checkpoint syncs what was written before it, but the deadline of that sync stayed set. Once it had passed with nothing more to sync,
/// the thread never slept again until the next write: one processor busy for an idle store.
#[test]
fn a_checkpoint_leaves_no_sync_due() {
    let mut store = open(&SimulatedDisk::new());
    create(&store, "{}");
    store.handle.checkpoint().unwrap();
    falls_asleep(&mut store);
}

/// The thread waited for the retry of a checkpoint that had been asked for once, though nothing retried it: after that time, it never slept
/// again.
#[test]
fn the_retry_of_a_failed_checkpoint_is_not_waited_for_when_the_log_is_short() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    create(&store, "{}");
    store.handle.flush().unwrap();
    store.settle();
    let ticket = store.handle.checkpoint().unwrap();
    // The manifest's rename succeeds; that of the snapshot fails.
    fail(&disk, 2, Operation::Rename, false);
    falls_asleep(&mut store);
    assert_eq!(store.handle.reached().checkpoints, ticket);
    assert_eq!(store.handle.health(), Health::Healthy);
}

/// After a checkpoint that could not begin its segment the log was given up too, so that writes were refused though the log could go on.
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
        disk.clear_failures();
        let crashed = open(&disk.crash(1, Crash::KillProcess));
        assert!(crashed.handle.has(&id).unwrap());
    }
}

/// A checkpoint that was asked for while the disk was full cannot begin before the store heals. The thread tried it again and again.
#[test]
fn a_checkpoint_asked_for_on_a_full_disk_waits_until_the_store_heals() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    filled(&disk, &mut store);
    let ticket = store.handle.checkpoint().unwrap();
    assert!((0..100).any(|_| store.rests()), "the thread never sleeps");
    falls_asleep(&mut store);
    assert_eq!(store.handle.health(), Health::Healthy);
    assert_eq!(store.handle.reached().checkpoints, ticket);
}

/// A store that healed by using the reserve for logouts wrote on until the disk was full once more, and then no logout could be written.
#[test]
fn a_store_on_a_full_disk_does_not_use_the_reserve_for_logouts_to_heal() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    let ids: Vec<_> = (0..40).map(|_| create(&store, "{}")).collect();
    store.settle();
    disk.set_capacity(disk.total_bytes() + 500);
    let data = data_of(300);
    for id in ids {
        for _ in 0..20 {
            // Refused, or created in memory only.
            let new = NewSession {
                uid: Text::Latin1(b"ann"),
                form: Text::Latin1(b""),
                data: object(&data),
                idle_timeout: None,
                absolute_timeout: None,
                assurance: Assurance::PLAIN,
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

/// A snapshot fitted on a full disk, but the segment or the manifest after it did not: it stayed there and took up the reserve for logouts,
/// so that the next logout could not be written.
#[test]
fn a_failed_attempt_to_heal_leaves_the_reserve_to_logouts() {
    let mut healthy = 0;
    let rooms = (0..3_000).step_by(8);
    for room in rooms.clone() {
        let disk = SimulatedDisk::new();
        let mut store = open(&disk);
        let ids: Vec<_> = (0..70).map(|_| create(&store, &data_of(900))).collect();
        store.settle();
        // Too little for a snapshot of all sessions, even with the reserve given back; each logout makes the snapshot shorter.
        disk.set_capacity(disk.total_bytes() + room);
        create(&store, &data_of(3_000));
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
    assert!(
        (1..rooms.count()).contains(&healthy),
        "some stores heal, some cannot"
    );
}

/// The same for a checkpoint whose snapshot fitted and whose manifest did not. Worse, the log was given up, though nothing was wrong with
/// it.
#[test]
fn a_failed_checkpoint_leaves_the_log_and_the_reserve() {
    let mut failed = 0;
    for room in (0..2_000).step_by(8) {
        let disk = SimulatedDisk::new();
        let mut store = open(&disk);
        let id = create(&store, &data_of(900));
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

/// Segments without a record all begin at the same LSN, and a checkpoint kept every segment that begins after its own. The sixteenth
/// opening makes a checkpoint because of the many segments: it kept all sixteen, and so was due again at once, for ever.
#[test]
fn a_store_that_is_opened_many_times_and_never_written_to_sleeps() {
    let mut disk = SimulatedDisk::new();
    for run in 0..40 {
        falls_asleep(&mut open(&disk));
        disk = disk.crash(run, Crash::KillProcess);
    }
    let segments = |name: &String| name.starts_with("log-");
    let names = Disk::list(&disk).unwrap();
    assert!(
        names.iter().filter(|name| segments(name)).count() <= 17,
        "{names:?}"
    );
}

/// A destroy that finds no session is acknowledged only once the end of that session is durable, whatever ended it. The sync comes at once,
/// and not with the next one that is due anyway.
#[test]
fn a_destroy_of_an_evicted_session_by_id_or_by_handle_syncs_its_end_at_once() {
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

/// A logout between a turn's write and its attempt to heal was taken for the snapshot, and put back into the old log when that failed; but
/// its request for a sync was not put back, and it was never acknowledged.
#[test]
fn a_logout_during_a_failed_attempt_to_heal_is_acknowledged() {
    let disk = SimulatedDisk::new();
    let mut parts = parts(1_000);
    parts.journal.retry_pause = Duration::ZERO;
    let mut store = SimulatedStore::open(&disk, parts).unwrap();
    let id = create(&store, "{}");
    store.handle.flush().unwrap();
    store.settle();
    // Never dropped: a handle must not be owned by its own signal's callback.
    let other = std::mem::ManuallyDrop::new(store.another());
    let done = Arc::new(AtomicBool::new(false));
    let (ended, is_done) = (id.clone(), Arc::clone(&done));
    // Called because of the full disk, in the middle of the turn.
    store.handle.on_signal(move || {
        if !done.swap(true, Ordering::Relaxed) {
            assert!(other.destroy(&ended, Reason::Logout).unwrap());
        }
    });
    fail(&disk, 1, Operation::Rename, true);
    disk.set_capacity(disk.total_bytes() + 100);
    create(&store, &data_of(1_000));
    store.rests();
    assert!(is_done.load(Ordering::Relaxed));
    assert!(!store.handle.has(&id).unwrap());
    store.settle();
    assert!(store.handle.reached().ends_synced >= store.handle.lsn());
    disk.set_capacity(u64::MAX);
    let store = open(&disk.crash(1, Crash::PowerCutLosingAll));
    assert!(!store.handle.has(&id).unwrap(), "the logout was undone");
}

/// A full disk had room again, and everything was written anew; only the directory's sync after the new manifest's rename failed. The store
/// went on in the old log, which the next opening does not read, since it follows the manifest that is there. A logout acknowledged in
/// between was undone by the next `kill -9`.
#[test]
fn a_logout_after_a_manifest_whose_name_could_not_be_synced_is_not_undone() {
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
        // The third is the manifest's, after the snapshot's and the segment's.
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
        assert!(
            !after.handle.has(&id).unwrap(),
            "{crash:?}: the store healed, and the logout was undone"
        );
    }
}

/// The evictions of an opening with lower bounds got their LSNs before the new segment began, and were written after its beginning: the
/// next opening found records missing, and refused a sound store.
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

/// Sessions that an opening with lower bounds evicted counted as gone from the disk before that was written. A logout of one of them was
/// acknowledged at once, and undone by a crash at that moment if the bounds were higher again afterwards.
#[test]
fn the_end_of_a_session_that_an_opening_evicted_is_acknowledged_once_it_is_durable() {
    let disk = SimulatedDisk::new();
    let mut store = open(&disk);
    let ids: Vec<_> = (0..3).map(|_| create(&store, "{}")).collect();
    store.handle.flush().unwrap();
    store.settle();
    let disk = disk.crash(1, Crash::KillProcess);
    let store = SimulatedStore::open(&disk, parts(1)).unwrap();
    assert!(!store.handle.destroy(&ids[0], Reason::Logout).unwrap());
    // The evictions of the opening are durable already.
    assert_eq!(store.handle.reached().ends_synced, store.handle.lsn());
    let store = open(&disk.crash(2, Crash::PowerCutLosingAll));
    assert!(!store.handle.has(&ids[0]).unwrap(), "the logout was undone");
}

/// A block of a snapshot had to follow the one before it, so that none counted after an unreadable one: one flipped bit, and `salvage`
/// recovered no session.
#[test]
fn salvage_recovers_the_blocks_after_a_damaged_one() {
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
    // A block has 256 slots.
    assert_eq!(store.report.sessions, 900 - 256);
    assert!(!store.report.damages.is_empty());
}
