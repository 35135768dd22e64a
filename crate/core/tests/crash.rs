//! A store on a disk that loses power: it crashes after any operation, and leaves the disk in any possible state.
//!
//! `cargo test -p agai-session-core --release --features testing --test crash -- --nocapture`; with
//! `AGAI_SESSION_FULL=1` a million states, with `AGAI_SESSION_SEED=N` from another seed.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test"
)]

mod campaign;

use agai_session_core::planted::{Fault, plant};
use campaign::{Violation, crash_and_reopen, report, seed, size};

/// Crashes in each call of [`crash_and_reopen`].
const CRASHES: u64 = 3;

fn campaign(runs: u64) -> Result<u64, (u64, Violation)> {
    let first = seed();
    (first..first + runs).try_fold(0, |checked, seed| {
        crash_and_reopen(seed)
            .map(|more| checked + more)
            .map_err(|violation| (seed, violation))
    })
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_ended_comes_back_after_a_crash_at_any_operation() {
    let runs = size(100_000, 1_000_000) / CRASHES + 1;
    let checked = campaign(runs);
    let checked =
        checked.unwrap_or_else(|(seed, Violation(what))| panic!("AGAI_SESSION_SEED={seed}: {what}"));
    report("crash after any operation", seed(), runs * CRASHES, checked, 0);
    assert!(checked > runs, "most runs have something to check");
}

#[test]
fn the_campaign_notices_each_fault_of_its_kind() {
    for fault in [
        Fault::NoSync,
        Fault::NoDirectorySync,
        Fault::RenameBeforeSync,
        Fault::AcknowledgeBeforeWrite,
        Fault::UnlinkBeforeManifest,
        Fault::DestroyNotSynced,
    ] {
        let _planted = plant(fault);
        let Err((seed, Violation(what))) = campaign(20_000) else {
            panic!("{fault:?} goes unnoticed")
        };
        println!(
            "{fault:?}: noticed at seed {seed}: {}",
            what.chars().take(120).collect::<String>()
        );
    }
}
