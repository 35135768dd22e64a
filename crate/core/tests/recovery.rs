//! Crashes during a recovery, at each of its operations: the next recovery finds the same sessions.
//!
//! `cargo test -p agai-session-core --release --features testing --test recovery -- --nocapture`; with
//! `AGAI_SESSION_FULL=1` many more directories, with `AGAI_SESSION_SEED=N` from another seed.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

mod campaign;

use agai_session_core::SessionInfo;
use agai_session_core::disk::Disk;
use agai_session_core::face::Parts;
use agai_session_core::journal::options::OnCorruption;
use agai_session_core::model::clock::ManualClock;
use agai_session_core::model::durability::Durability;
use agai_session_core::testing::disk::{Crash, DiskFault, Failure, Operation, SimulatedDisk, Stop};
use agai_session_core::testing::simulation::SimulatedStore;
use campaign::{Truth, parts, report, seed, size, step};
use fastrand::Rng;
use std::sync::Arc;

const CRASHES: [Crash; 4] = [
    Crash::KillProcess,
    Crash::PowerCut,
    Crash::PowerCutLosingAll,
    Crash::PowerCutLosingNothing,
];

/// The kind of a directory to recover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A crash ended the run at some operation: in a write, a rotation, a checkpoint.
    Crashed,
    /// The store was closed.
    Closed,
    /// An operation of the disk failed, once or for a while, and a crash ended the run during the healing or after it.
    Healed,
    /// Crashed, with a damaged file besides, and recovered by a salvage.
    Damaged,
}

const SHAPES: [Shape; 4] = [Shape::Crashed, Shape::Closed, Shape::Healed, Shape::Damaged];

impl Shape {
    /// Returns the disk after a run, and the crash that ended it.
    fn left_behind(self, seed: u64) -> (SimulatedDisk, Crash) {
        let mut rng = Rng::with_seed(seed);
        let disk = SimulatedDisk::new();
        let mut store = SimulatedStore::open(&disk, parts(seed, Durability::Os)).unwrap();
        let mut truth = Truth::default();
        let mut work = |store: &mut SimulatedStore, rng: &mut Rng, steps| {
            for _ in 0..steps {
                step(store, &mut truth, rng);
            }
        };
        match self {
            Self::Crashed | Self::Damaged => {
                disk.stop_at(disk.operations() + rng.u64(1..80), Stop::Within { seed });
                work(&mut store, &mut rng, 100);
            }
            Self::Closed => {
                work(&mut store, &mut rng, 60);
                store.handle.close();
                while store.turn() {}
                return (
                    disk.crash(seed, Crash::PowerCutLosingAll),
                    Crash::PowerCutLosingAll,
                );
            }
            Self::Healed => {
                work(&mut store, &mut rng, 30);
                let failure = Failure {
                    error: [DiskFault::Io, DiskFault::NoSpace][rng.usize(0..2)],
                    sticky: rng.bool(),
                    only: [None, Some(Operation::Write), Some(Operation::Sync)][rng.usize(0..3)],
                };
                let so_far = failure
                    .only
                    .map_or(disk.operations(), |only| disk.operations_of(only));
                disk.fail_at(so_far + rng.u64(1..6), failure);
                work(&mut store, &mut rng, 30);
                disk.clear_failures();
                disk.stop_at(disk.operations() + rng.u64(1..40), Stop::Within { seed });
                work(&mut store, &mut rng, 60);
            }
        }
        let crash = CRASHES[rng.usize(0..CRASHES.len())];
        let disk = disk.crash(seed, crash);
        if self == Self::Damaged {
            damage(&disk, &mut rng);
        }
        (disk, crash)
    }

    /// The parts of the next run, with its clock at `now`.
    fn next_run(self, seed: u64, now: u64) -> Parts {
        let mut parts = parts(seed, Durability::Os);
        parts.clock = Arc::new(ManualClock::new(now));
        if self == Self::Damaged {
            parts.journal.on_corruption = OnCorruption::Salvage;
        }
        parts
    }
}

/// Flips a bit of a file, cuts it or removes it: never the manifest, without which nothing can be salvaged.
fn damage(disk: &SimulatedDisk, rng: &mut Rng) {
    let names = disk.list().unwrap().into_iter();
    let names: Vec<_> = names
        .filter(|name| name.starts_with("log-") || name.starts_with("snap-"))
        .collect();
    let name = &names[rng.usize(0..names.len())];
    let bytes = disk.contents(name).unwrap();
    match rng.u8(0..4) {
        0 => {
            disk.remove(name).unwrap();
            disk.sync_dir().unwrap();
        }
        1 => disk.put(name, &bytes[..rng.usize(0..=bytes.len())]),
        _ if bytes.is_empty() => disk.put(name, b"damaged"),
        _ => assert!(disk.flip(name, rng.usize(0..bytes.len() * 8))),
    }
}

fn sessions(store: &SimulatedStore) -> Vec<SessionInfo> {
    store.handle.page(0, 10_000).unwrap().sessions
}

/// The results of a shape's recoveries.
#[derive(Debug, Default)]
struct Counts {
    crashes: u64,
    compared: u64,
    /// Recoveries that had to give something up.
    salvaged: u64,
}

/// Recovers one directory with a crash before each operation and within it, and then once more.
fn recover(shape: Shape, seed: u64, counts: &mut Counts) {
    let (disk, before) = shape.left_behind(seed);
    for now in [1_000, 400] {
        let whole = disk.crash(seed, Crash::KillProcess);
        let store = SimulatedStore::open(&whole, shape.next_run(seed + 1, now));
        let store = store.unwrap_or_else(|error| panic!("AGAI_SESSION_SEED={seed}: {shape:?}: {error}"));
        counts.salvaged += u64::from(!store.report.damages.is_empty());
        let expected = sessions(&store);
        for n in 1..=whole.operations() {
            for stop in [Stop::Before, Stop::Within { seed }] {
                for crash in CRASHES {
                    let what = format!(
                        "AGAI_SESSION_SEED={seed}: {shape:?}: {stop:?} {n}, {crash:?}, clock at {now}"
                    );
                    let stopped = disk.crash(seed, Crash::KillProcess);
                    stopped.stop_at(n, stop);
                    drop(SimulatedStore::open(&stopped, shape.next_run(seed + 1, now)));
                    let again = SimulatedStore::open(&stopped.crash(n, crash), shape.next_run(seed + 2, now));
                    let again = again.unwrap_or_else(|error| panic!("{what}: {error}"));
                    counts.crashes += 1;
                    // A power cut may lose what a process that was killed before had not synced.
                    if crash == Crash::KillProcess || before != Crash::KillProcess {
                        counts.compared += expected.len() as u64;
                        assert_eq!(sessions(&again), expected, "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn after_a_crash_at_any_operation_of_a_recovery_the_next_one_finds_the_same_sessions() {
    let first = seed();
    for shape in SHAPES {
        let mut counts = Counts::default();
        let directories = size(40, 1_000);
        for seed in first..first + directories {
            recover(shape, seed, &mut counts);
        }
        report(
            &format!("crash at each operation: {shape:?}"),
            first,
            counts.crashes,
            counts.compared,
            0,
        );
        assert!(counts.compared > 0, "there was something to compare");
        let is_damaged = shape == Shape::Damaged;
        assert!(
            is_damaged == (counts.salvaged > directories / 2),
            "{shape:?}: {counts:?}"
        );
    }
}
