//! Damaged files: each bit flipped, each file cut at each byte, files missing, foreign and swapped. Nothing of it goes unnoticed, and
//! nothing panics.
//!
//! `cargo test -p agai-session-core --release --features simulation,planted-faults --test damage -- --nocapture`
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

mod campaign;

use agai_session_core::clock::ManualClock;
use agai_session_core::journal::disk::Disk;
use agai_session_core::journal::disk::simulated::{Crash, SimulatedDisk};
use agai_session_core::journal::faults::{Fault, Faults};
use agai_session_core::journal::open::Parts;
use agai_session_core::journal::options::{Durability, OnCorruption};
use agai_session_core::journal::simulation::SimulatedStore;
use agai_session_core::{Change, Error, NewSession, Reason, SessionId, TextBuffer};
use campaign::{parts, report, text};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn opening(on_corruption: OnCorruption, faults: Faults) -> Parts {
    static LIVES: AtomicU64 = AtomicU64::new(0);
    // Another sequence of random numbers in each life, as everywhere.
    let mut parts = parts(LIVES.fetch_add(1, Ordering::Relaxed), Durability::Os, faults);
    parts.journal.on_corruption = on_corruption;
    parts.journal.checkpoint_bytes = 1 << 30;
    parts
}

fn new_session(data: &str) -> NewSession<'_> {
    NewSession {
        uid: text("ann"),
        form: text(""),
        data: text(data),
        idle_timeout: None,
        absolute_timeout: None,
    }
}

/// What is alive: the data by id.
fn alive(store: &SimulatedStore, ids: &[SessionId]) -> BTreeMap<usize, (u64, usize)> {
    let mut buffer = TextBuffer::default();
    let loaded = ids
        .iter()
        .map(|id| store.handle.load(id.key(), false, &mut buffer).unwrap());
    let facts: Vec<_> = loaded.collect();
    (0..)
        .zip(facts)
        .filter_map(|(at, facts)| Some((at, (facts?.version, facts?.uid_units))))
        .collect()
}

/// A store with a snapshot, a sealed segment and an open one of about `bytes`, killed; and the ids of its sessions.
fn make(bytes: u64) -> (SimulatedDisk, Vec<SessionId>) {
    let disk = SimulatedDisk::new();
    let mut ids = Vec::new();
    let mut store = SimulatedStore::open(&disk, opening(OnCorruption::Error, Faults::default())).unwrap();
    for n in 0..20 {
        ids.push(
            store
                .handle
                .create(&new_session(&format!("{{\"n\":{n}}}")))
                .unwrap()
                .0,
        );
    }
    store.handle.checkpoint().unwrap();
    store.settle();
    store.handle.destroy(ids[3].key(), Reason::Destroy).unwrap();
    store.settle();
    drop(store);
    let mut store = SimulatedStore::open(&disk, opening(OnCorruption::Error, Faults::default())).unwrap();
    let data = format!("{{\"x\":\"{}\"}}", "x".repeat(300));
    while disk.total_bytes() < bytes + 70_000 {
        ids.push(store.handle.create(&new_session(&data)).unwrap().0);
        let change = Change {
            data: Some(text("{}")),
            ..Change::default()
        };
        let at = ids.len() * 7 % ids.len().min(20);
        store.handle.commit(ids[at].key(), None, &change).unwrap();
        if ids.len() % 5 == 0 {
            store.handle.flush().unwrap();
        }
        store.settle();
    }
    store.handle.flush().unwrap();
    store.settle();
    drop(store);
    (disk.crash(1, Crash::KillProcess), ids)
}

fn names(disk: &SimulatedDisk) -> Vec<String> {
    let all = disk.list().unwrap().into_iter();
    all.filter(|name| name == "MANIFEST" || name.starts_with("log-") || name.starts_with("snap-"))
        .collect()
}

/// A copy that is changed on its own.
fn copy(disk: &SimulatedDisk) -> SimulatedDisk {
    disk.crash(0, Crash::KillProcess)
}

/// Opens a damaged copy: refused, or reported as a torn tail that took nothing but the last batch.
fn is_noticed(disk: &SimulatedDisk, faults: Faults) -> bool {
    match SimulatedStore::open(disk, opening(OnCorruption::Error, faults)) {
        Err(Error::Corrupt { .. } | Error::FormatNewer { .. }) => true,
        Err(other) => panic!("{other}"),
        Ok(store) => store.report.torn_bytes > 0,
    }
}

#[test]
fn every_flipped_bit_is_reported() {
    let (disk, _) = make(1 << 16);
    let mut flips = 0;
    for name in names(&disk) {
        for bit in 0..disk.contents(&name).unwrap().len() * 8 {
            let damaged = copy(&disk);
            assert!(damaged.flip(&name, bit));
            assert!(is_noticed(&damaged, Faults::default()), "bit {bit} of {name}");
            flips += 1;
        }
    }
    report("each bit of log, snapshot, manifest flipped", 0, flips, flips, 0);
}

#[test]
fn every_cut_is_reported_but_at_the_end_of_what_was_written_last() {
    let (disk, ids) = make(1 << 16);
    let whole = SimulatedStore::open(&copy(&disk), opening(OnCorruption::Error, Faults::default())).unwrap();
    let whole = alive(&whole, &ids);
    let open_segment = names(&disk)
        .into_iter()
        .filter(|name| name.starts_with("log-"))
        .max()
        .unwrap();
    let (mut cuts, mut silent) = (0, 0);
    for name in names(&disk) {
        let bytes = disk.contents(&name).unwrap();
        for len in 0..bytes.len() {
            let damaged = copy(&disk);
            damaged.put(&name, &bytes[..len]);
            cuts += 1;
            if is_noticed(&damaged, Faults::default()) {
                continue;
            }
            // Between two records of the open segment nothing tells that there was more.
            assert_eq!(name, open_segment, "cut at {len}");
            let store =
                SimulatedStore::open(&damaged, opening(OnCorruption::Error, Faults::default())).unwrap();
            assert!(alive(&store, &ids).len() <= whole.len());
            silent += 1;
        }
    }
    println!("{silent} of {cuts} cuts were between two records at the end of the log");
    report("each file cut at each byte", 0, cuts, cuts - silent, 0);
}

#[test]
fn missing_and_swapped_files_are_reported() {
    let (disk, _) = make(1 << 12);
    for name in names(&disk) {
        let damaged = copy(&disk);
        damaged.remove(&name).unwrap();
        assert!(is_noticed(&damaged, Faults::default()), "{name} missing");
        for other in names(&disk).iter().filter(|other| **other != name) {
            let damaged = copy(&disk);
            damaged.put(&name, &disk.contents(other).unwrap());
            assert!(
                is_noticed(&damaged, Faults::default()),
                "{other} in place of {name}"
            );
        }
        let (foreign, _) = make(1 << 12);
        if let Some(bytes) = foreign
            .contents(&name)
            .filter(|bytes| name != "MANIFEST" && *bytes != disk.contents(&name).unwrap())
        {
            let damaged = copy(&disk);
            damaged.put(&name, &bytes);
            assert!(is_noticed(&damaged, Faults::default()), "a foreign {name}");
        }
    }
}

/// `salvage` takes what can be read and `fresh` nothing; both keep the damaged files, and go on.
#[test]
fn damaged_stores_open_when_asked_to_and_keep_their_files() {
    let (disk, ids) = make(1 << 13);
    for name in names(&disk) {
        let bytes = disk.contents(&name).unwrap();
        for at in (0..bytes.len()).step_by(97) {
            for how in [OnCorruption::Salvage, OnCorruption::Fresh] {
                let damaged = copy(&disk);
                assert!(damaged.flip(&name, at * 8 + 3));
                let mut store = SimulatedStore::open(&damaged, opening(how, Faults::default())).unwrap();
                let found = alive(&store, &ids).len();
                let is_torn = store.report.damages.is_empty();
                assert!(
                    is_torn || how == OnCorruption::Salvage || found == 0,
                    "{name} at {at}"
                );
                if !is_torn {
                    for kept in &store.report.kept {
                        assert!(damaged.contents(kept).is_some(), "{kept} is kept");
                    }
                }
                let (id, _) = store.handle.create(&new_session("{}")).unwrap();
                store.settle();
                drop(store);
                let again =
                    SimulatedStore::open(&copy(&damaged), opening(OnCorruption::Error, Faults::default()))
                        .unwrap();
                assert!(again.handle.has(id.key()).unwrap());
                assert_eq!(alive(&again, &ids).len(), found, "{name} at {at}");
            }
        }
    }
}

#[test]
fn the_checks_notice_a_torn_record_replayed_past() {
    // A hole in the middle of what was synced.
    let (disk, _) = make(1 << 12);
    let open_segment = names(&disk)
        .into_iter()
        .filter(|name| name.starts_with("log-"))
        .max()
        .unwrap();
    let bits = disk.contents(&open_segment).unwrap().len() * 8;
    let unnoticed = |fault| {
        (0..bits).step_by(61).any(|bit| {
            let damaged = copy(&disk);
            assert!(damaged.flip(&open_segment, bit));
            !is_noticed(&damaged, Faults::plant(fault))
        })
    };
    assert!(
        unnoticed(Fault::ReplayPastTorn),
        "going on behind a torn record would be noticed"
    );
}

/// A whole record taken out of the middle leaves the others as they were; only the numbers tell.
#[test]
fn a_record_missing_in_the_middle_is_reported() {
    let (disk, _) = make(1 << 12);
    let open_segment = names(&disk)
        .into_iter()
        .filter(|name| name.starts_with("log-"))
        .max()
        .unwrap();
    let bytes = disk.contents(&open_segment).unwrap();
    let mut starts = vec![56];
    while let Some(&length) = bytes[starts[starts.len() - 1]..].first_chunk::<4>() {
        starts.push(starts[starts.len() - 1] + 17 + u32::from_le_bytes(length) as usize);
    }
    let mut silent = 0;
    // All but the last record and the mark before it, behind which nothing tells.
    for frame in starts
        .windows(2)
        .take(starts.len() - 3)
        .filter(|frame| bytes[frame[0] + 16] != 7)
    {
        let damaged = copy(&disk);
        damaged.put(&open_segment, &[&bytes[..frame[0]], &bytes[frame[1]..]].concat());
        assert!(
            is_noticed(&damaged, Faults::default()),
            "the record at {} is missing",
            frame[0]
        );
        silent += u32::from(!is_noticed(&damaged, Faults::plant(Fault::GapIgnored)));
        // Salvaged it is told too, and not gone on with as if it were whole: the next opening would refuse it.
        let store =
            SimulatedStore::open(&damaged, opening(OnCorruption::Salvage, Faults::default())).unwrap();
        assert_eq!(
            store.report.damages.len(),
            1,
            "the record at {} is missing",
            frame[0]
        );
        drop(store);
        SimulatedStore::open(&damaged, opening(OnCorruption::Error, Faults::default())).unwrap();
    }
    assert!(silent > 0, "the check notices a gap that is ignored");
}

/// The machine's clock was set back between two lives: nothing lives longer for it, and what had died stays dead.
#[test]
fn a_clock_set_back_lengthens_no_life() {
    let outlives = |faults| {
        let disk = SimulatedDisk::new();
        let at = |now| {
            let mut parts = opening(OnCorruption::Error, faults);
            parts.options.idle_timeout = 1_000;
            parts.clock = Arc::new(ManualClock::new(now));
            parts
        };
        let mut store = SimulatedStore::open(&disk, at(1_000_000)).unwrap();
        let (id, _) = store.handle.create(&new_session("{}")).unwrap();
        store.settle();
        drop(store);
        // 900 of 1,000 milliseconds have passed when it opens next; the clock then falls back by far.
        drop(SimulatedStore::open(&disk, at(1_000_900)).unwrap());
        let clock = Arc::new(ManualClock::new(5_000));
        let mut parts = at(0);
        parts.clock = Arc::clone(&clock) as _;
        let store = SimulatedStore::open(&disk, parts).unwrap();
        assert!(
            store.handle.has(id.key()).unwrap(),
            "what was left of its life is left"
        );
        clock.advance(101);
        store.handle.has(id.key()).unwrap()
    };
    assert!(!outlives(Faults::default()));
    assert!(
        outlives(Faults::plant(Fault::WallClockOnly)),
        "the check notices a wall clock taken as it is"
    );
}

/// A file system may hand out blocks with old bytes: whole frames of other files, behind the tail, are cut off and told, never replayed.
#[test]
fn whole_records_of_other_files_behind_the_tail_are_not_replayed() {
    let (disk, ids) = make(1 << 12);
    let (foreign, _) = make(1 << 12);
    let whole = SimulatedStore::open(&copy(&disk), opening(OnCorruption::Error, Faults::default())).unwrap();
    let whole = alive(&whole, &ids);
    let segments = |disk: &SimulatedDisk| {
        let all = names(disk).into_iter();
        all.filter(|name| name.starts_with("log-")).collect::<Vec<_>>()
    };
    let open_segment = segments(&disk).into_iter().max().unwrap();
    let bytes = disk.contents(&open_segment).unwrap();
    let older = segments(&disk).into_iter().filter(|name| *name != open_segment);
    let stale = older.map(|name| disk.contents(&name).unwrap());
    let others = segments(&foreign)
        .into_iter()
        .map(|name| foreign.contents(&name).unwrap());
    let mut tails = 0;
    for other in stale.chain(others).filter(|other| other.len() > 56) {
        let tail = &other[56..];
        let recycled = copy(&disk);
        recycled.put(&open_segment, &[&bytes[..], tail].concat());
        let store = SimulatedStore::open(&recycled, opening(OnCorruption::Error, Faults::default())).unwrap();
        assert_eq!(store.report.torn_bytes, tail.len() as u64);
        assert_eq!(alive(&store, &ids), whole);
        tails += 1;
    }
    assert!(tails >= 2, "there were other files to take from");
}
