//! The core against a plain model over many openings: closes, kills, power cuts, and clocks that jump in between.
//!
//! `cargo test -p agai-session-core --release --features testing --test reopen -- --nocapture`; with
//! `AGAI_SESSION_FULL=1` many more runs, with `AGAI_SESSION_SEED=N` from another seed.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

#[path = "../campaign/mod.rs"]
mod campaign;
mod model;
mod operations;
mod reopening;
mod steps;
mod world;

use agai_session_core::planted::{Fault, plant};
use campaign::{report, seed, size};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};
use std::cell::Cell;
use steps::{reopening, run_options, step};
use world::World;

/// Attempts to find a shorter case that fails too.
const SHRINKS: u32 = 20_000;

/// The number of runs that ended, and of records acknowledged by then.
#[derive(Debug, Default)]
struct Counts {
    ended: Cell<u64>,
    acknowledged: Cell<u64>,
}

impl Counts {
    fn add(&self, world: &World) {
        self.ended.set(self.ended.get() + world.ended);
        self.acknowledged
            .set(self.acknowledged.get() + world.acknowledged);
    }
}

/// Runs one case: steps on a new store, then one more opening.
fn run_case(seed: u64, shrinks: u32, counts: &Counts) -> Result<(), String> {
    let config = ProptestConfig {
        cases: 1,
        max_shrink_iters: shrinks,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let start = prop_oneof![0u64..20_000, Just(1_700_000_000_000)];
    let input = (
        start,
        run_options(),
        prop::collection::vec(step(), 1..120),
        reopening(),
    );
    let outcome = runner.run(&input, |(now, options, steps, last)| {
        let mut world = World::open(seed, now, options);
        for step in &steps {
            world.step(step)?;
        }
        world.reopen(last)?;
        counts.add(&world);
        Ok(())
    });
    outcome.map_err(|error| match error {
        TestError::Fail(why, input) => format!("{why}\n{input:?}"),
        TestError::Abort(why) => why.to_string(),
    })
}

#[test]
fn after_any_number_of_openings_the_store_is_what_a_plain_model_says() {
    let (first, cases) = (seed(), size(10_000, 600_000));
    let counts = Counts::default();
    for seed in first..first + cases {
        if let Err(why) = run_case(seed, SHRINKS, &counts) {
            panic!("AGAI_SESSION_SEED={seed}: {why}");
        }
    }
    let acknowledged = counts.acknowledged.get();
    report(
        "random runs against a model",
        first,
        counts.ended.get(),
        acknowledged,
        0,
    );
    assert!(acknowledged > cases, "most cases have something to check");
}

#[test]
fn the_model_notices_each_fault_of_its_kind() {
    for fault in [
        Fault::NoSync,
        Fault::NoDirectorySync,
        Fault::RenameBeforeSync,
        Fault::AcknowledgeBeforeWrite,
        Fault::UnlinkBeforeManifest,
        Fault::DestroyNotSynced,
        Fault::WallClockOnly,
    ] {
        let _planted = plant(fault);
        let first = seed();
        let noticed = (first..first + 2_000)
            .find_map(|seed| run_case(seed, 0, &Counts::default()).err().map(|why| (seed, why)));
        let Some((seed, why)) = noticed else {
            panic!("{fault:?} goes unnoticed")
        };
        println!(
            "{fault:?}: noticed at seed {seed}: {}",
            why.chars().take(120).collect::<String>()
        );
    }
}
