//! Damaged files: each bit flipped, each file cut at each byte, files missing, foreign and swapped. All of it is noticed, and nothing
//! panics.
//!
//! `cargo test -p agai-session-core --release --features testing --test damage -- --nocapture`; with
//! `AGAI_SESSION_FULL=1` ten stores, with `AGAI_SESSION_SEED=N` from another seed.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

#[path = "../campaign/mod.rs"]
mod campaign;
mod kit;
mod stale;

use agai_session_core::disk::Disk;
use agai_session_core::journal::options::OnCorruption;
use agai_session_core::model::clock::ManualClock;
use agai_session_core::planted::{Fault, plant};
use agai_session_core::testing::disk::SimulatedDisk;
use agai_session_core::testing::simulation::SimulatedStore;
use campaign::{report, seed, size};
use kit::{
    AFTER, ENDED, NEXT, Noticed, alive, copy, is_noticed, make, names, new_session, notice, open_segment,
    opened, opening,
};
use std::ops::Range;
use std::sync::Arc;

/// The seeds, from each of which a store is made.
fn seeds() -> Range<u64> {
    seed()..seed() + size(1, 10)
}

#[test]
fn every_flipped_bit_is_reported_and_loses_only_what_was_written_last() {
    let (mut flips, mut checked) = (0, 0);
    for seed in seeds() {
        let made = make(seed, 1 << 16);
        for name in names(&made.disk) {
            for bit in 0..made.disk.contents(&name).unwrap().len() * 8 {
                let damaged = copy(&made.disk);
                assert!(damaged.flip(&name, bit));
                let what = format!("AGAI_SESSION_SEED={seed}: bit {bit} of {name}");
                match notice(&damaged) {
                    Noticed::Refused => (),
                    Noticed::Torn(store) => checked += made.check(&store, &what),
                    Noticed::Not => panic!("{what}"),
                }
                flips += 1;
            }
        }
    }
    report(
        "each bit of log, snapshot, manifest flipped",
        seed(),
        flips,
        checked,
        0,
    );
}

#[test]
fn every_cut_is_reported_except_between_records_at_the_end_of_the_log() {
    let (mut cuts, mut silent, mut checked) = (0, 0, 0);
    for seed in seeds() {
        let made = make(seed, 1 << 16);
        let open_segment = open_segment(&made.disk);
        for name in names(&made.disk) {
            let bytes = made.disk.contents(&name).unwrap();
            for len in 0..bytes.len() {
                let damaged = copy(&made.disk);
                damaged.put(&name, &bytes[..len]);
                cuts += 1;
                let what = format!("AGAI_SESSION_SEED={seed}: {name} cut at {len}");
                let store = match notice(&damaged) {
                    Noticed::Refused => continue,
                    Noticed::Torn(store) => *store,
                    Noticed::Not => {
                        // A cut between two records of the open segment leaves no sign that there was more.
                        assert_eq!(name, open_segment, "{what}");
                        silent += 1;
                        opened(&damaged, AFTER, OnCorruption::Error)
                    }
                };
                // Nor is there a sign that more was synced. A session that ended before stays ended.
                assert!(!store.handle.has(&made.ids[ENDED]).unwrap(), "{what}");
                checked += 1;
            }
        }
    }
    println!("{silent} of {cuts} cuts were between two records at the end of the log");
    report("each file cut at each byte", seed(), cuts, checked, 0);
}

#[test]
fn missing_and_swapped_files_are_reported() {
    let mut faults = 0;
    for seed in seeds() {
        let disk = make(seed, 1 << 12).disk;
        let foreign = make(seed.wrapping_add(1), 1 << 12).disk;
        for name in names(&disk) {
            let mut damage = |bytes: Option<Vec<u8>>, what: &str| {
                let damaged = copy(&disk);
                match bytes {
                    Some(bytes) => damaged.put(&name, &bytes),
                    None => damaged.remove(&name).unwrap(),
                }
                let what = format!("AGAI_SESSION_SEED={seed}: {name}: {what}");
                assert!(is_noticed(&damaged), "{what}");
                faults += 1;
            };
            damage(None, "missing");
            for other in names(&disk).iter().filter(|other| **other != name) {
                damage(disk.contents(other), other);
            }
            if name != "MANIFEST" {
                damage(foreign.contents(&name), "foreign");
            }
        }
    }
    report("files missing, swapped, foreign", seed(), faults, 0, 0);
}

/// `salvage` recovers what can be read and `fresh` nothing; both keep the damaged files, and go on.
#[test]
fn damaged_stores_open_with_salvage_and_with_fresh_and_keep_their_files() {
    let (mut faults, mut checked) = (0, 0);
    for seed in seeds() {
        let made = make(seed, 1 << 13);
        for name in names(&made.disk) {
            let bytes = made.disk.contents(&name).unwrap();
            for at in (0..bytes.len()).step_by(97) {
                for how in [OnCorruption::Salvage, OnCorruption::Fresh] {
                    let what = format!("AGAI_SESSION_SEED={seed}: {name} at {at}, {how:?}");
                    let damaged = copy(&made.disk);
                    assert!(damaged.flip(&name, at * 8 + 3));
                    let mut store = opened(&damaged, NEXT, how);
                    let found = alive(&store, &made.ids);
                    let is_torn = store.report.damages.is_empty();
                    assert!(
                        is_torn || how == OnCorruption::Salvage || found.is_empty(),
                        "{what}"
                    );
                    if !is_torn {
                        for kept in &store.report.kept {
                            assert!(damaged.contents(kept).is_some(), "{what}: {kept} is kept");
                        }
                    }
                    let (id, _) = store.handle.create(&new_session("{}")).unwrap();
                    store.settle();
                    drop(store);
                    let again = opened(&copy(&damaged), AFTER, OnCorruption::Error);
                    assert!(again.handle.has(&id).unwrap(), "{what}");
                    assert_eq!(alive(&again, &made.ids), found, "{what}");
                    faults += 1;
                    checked += found.len() as u64 + 1;
                }
            }
        }
    }
    report("damaged, salvaged or begun afresh", seed(), faults, checked, 0);
}

#[test]
fn the_checks_notice_a_recovery_that_goes_on_after_a_torn_record() {
    // A hole in the middle of what was synced.
    let disk = make(seed(), 1 << 12).disk;
    let open_segment = open_segment(&disk);
    let bits = disk.contents(&open_segment).unwrap().len() * 8;
    let _planted = plant(Fault::ReplayPastTorn);
    let unnoticed = (0..bits).step_by(61).any(|bit| {
        let damaged = copy(&disk);
        assert!(damaged.flip(&open_segment, bit));
        !is_noticed(&damaged)
    });
    assert!(
        unnoticed,
        "the checks notice a recovery that goes on after a torn record"
    );
}

/// A whole record taken out of the middle leaves the others as they were; only the LSNs show it.
#[test]
fn a_record_missing_in_the_middle_is_reported() {
    let (mut faults, mut silent) = (0, 0);
    for seed in seeds() {
        let disk = make(seed, 1 << 12).disk;
        let open_segment = open_segment(&disk);
        let bytes = disk.contents(&open_segment).unwrap();
        let mut starts = vec![56];
        while let Some(&length) = bytes[starts[starts.len() - 1]..].first_chunk::<4>() {
            starts.push(starts[starts.len() - 1] + 17 + u32::from_le_bytes(length) as usize);
        }
        // All except the last record and the mark before it, after which nothing shows it.
        for frame in starts
            .windows(2)
            .take(starts.len() - 3)
            .filter(|frame| bytes[frame[0] + 16] != 8)
        {
            let what = format!("AGAI_SESSION_SEED={seed}: the record at {} is missing", frame[0]);
            let damaged = copy(&disk);
            damaged.put(&open_segment, &[&bytes[..frame[0]], &bytes[frame[1]..]].concat());
            assert!(is_noticed(&damaged), "{what}");
            let planted = plant(Fault::GapIgnored);
            silent += u32::from(!is_noticed(&damaged));
            drop(planted);
            // A salvage reports it too, and does not go on in the segment as if it were whole: the next opening would refuse it.
            let store = opened(&damaged, NEXT, OnCorruption::Salvage);
            assert_eq!(store.report.damages.len(), 1, "{what}");
            drop(store);
            opened(&damaged, AFTER, OnCorruption::Error);
            faults += 1;
        }
    }
    report("a record taken out", seed(), faults, 0, 0);
    assert!(silent > 0, "the check notices a gap that is ignored");
}

/// The machine's clock was set back between two runs: no session lives longer for it, and an expired one stays expired.
#[test]
fn a_clock_set_back_lengthens_no_session() {
    let outlives = || {
        let disk = SimulatedDisk::new();
        let at = |run, now| {
            let mut parts = opening(run, OnCorruption::Error);
            parts.options.idle_timeout = 1_000;
            parts.clock = Arc::new(ManualClock::new(now));
            parts
        };
        let mut store = SimulatedStore::open(&disk, at(1, 1_000_000)).unwrap();
        let (id, _) = store.handle.create(&new_session("{}")).unwrap();
        store.settle();
        drop(store);
        // 900 of 1,000 milliseconds have passed when it opens next; the clock then falls back by far.
        drop(SimulatedStore::open(&disk, at(2, 1_000_900)).unwrap());
        let clock = Arc::new(ManualClock::new(5_000));
        let mut parts = at(3, 0);
        parts.clock = Arc::clone(&clock) as _;
        let store = SimulatedStore::open(&disk, parts).unwrap();
        assert!(
            store.handle.has(&id).unwrap(),
            "the session has its remaining time"
        );
        clock.advance(101);
        store.handle.has(&id).unwrap()
    };
    assert!(!outlives());
    let _planted = plant(Fault::WallClockOnly);
    assert!(outlives(), "the check notices deadlines that are not corrected");
}
