//! Crashes in the recovery, at each of its operations: the next one comes to the same sessions.
//!
//! `cargo test -p agai-session-core --release --features simulation,planted-faults --test recovery -- --nocapture`
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

mod campaign;

use agai_session_core::SessionInfo;
use agai_session_core::clock::ManualClock;
use agai_session_core::journal::disk::simulated::{Crash, SimulatedDisk, Stop};
use agai_session_core::journal::faults::Faults;
use agai_session_core::journal::open::Parts;
use agai_session_core::journal::options::Durability;
use agai_session_core::journal::simulation::SimulatedStore;
use campaign::{Truth, parts, report, seed, size, step};
use fastrand::Rng;
use std::sync::Arc;

const CRASHES: [Crash; 4] = [
    Crash::KillProcess,
    Crash::PowerCut,
    Crash::PowerCutLosingAll,
    Crash::PowerCutLosingNothing,
];

/// What a life left behind that a crash ended somewhere: in a write, a rotation, a checkpoint.
fn left_behind(seed: u64) -> (SimulatedDisk, Crash) {
    let mut rng = Rng::with_seed(seed);
    let disk = SimulatedDisk::new();
    let mut store = SimulatedStore::open(&disk, parts(seed, Durability::Os, Faults::default())).unwrap();
    let mut truth = Truth::default();
    disk.stop_at(disk.operations() + rng.u64(1..80), Stop::Within { seed });
    for _ in 0..100 {
        step(&mut store, &mut truth, &mut rng);
    }
    let crash = CRASHES[rng.usize(0..CRASHES.len())];
    (disk.crash(seed, crash), crash)
}

/// The parts of one more life; with a clock that was set back or as it was.
fn life(number: u64, now: u64) -> Parts {
    let mut parts = parts(number, Durability::Os, Faults::default());
    parts.clock = Arc::new(ManualClock::new(now));
    parts
}

fn sessions(store: &SimulatedStore) -> Vec<SessionInfo> {
    store.handle.page(None, 10_000).unwrap().sessions
}

#[test]
fn a_recovery_that_a_crash_ended_at_any_operation_comes_to_the_same_the_next_time() {
    let (mut crashes, mut compared) = (0, 0);
    let first = seed();
    for seed in first..first + size(60, 2_000) {
        let (disk, before) = left_behind(seed);
        for now in [1_000, 400] {
            let whole = disk.crash(seed, Crash::KillProcess);
            let expected = sessions(&SimulatedStore::open(&whole, life(seed + 1, now)).unwrap());
            for n in 1..=whole.operations() {
                for stop in [Stop::Before, Stop::Within { seed }] {
                    for crash in CRASHES {
                        let stopped = disk.crash(seed, Crash::KillProcess);
                        stopped.stop_at(n, stop);
                        drop(SimulatedStore::open(&stopped, life(seed + 1, now)));
                        let again = SimulatedStore::open(&stopped.crash(n, crash), life(seed + 2, now));
                        let again = again.unwrap_or_else(|error| {
                            panic!("AGAI_SESSION_SEED={seed}: {stop:?} {n}, {crash:?}: {error}")
                        });
                        crashes += 1;
                        // A power cut may take what a process that was killed before had not synced.
                        if crash == Crash::KillProcess || before != Crash::KillProcess {
                            compared += expected.len() as u64;
                            assert_eq!(
                                sessions(&again),
                                expected,
                                "AGAI_SESSION_SEED={seed}: {stop:?} {n}, {crash:?}, clock at {now}"
                            );
                        }
                    }
                }
            }
        }
    }
    report(
        "crash at each operation of a recovery",
        first,
        crashes,
        compared,
        0,
    );
    assert!(compared > 0, "there was something to compare");
}
