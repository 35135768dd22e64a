//! The journal on the real file system: processes that are killed, full disks, failing system calls and power cuts.
//!
//! `cargo test --release --features testing --test real -- [NAME]` runs the slice for CI; `AGAI_SESSION_FULL=1` all of it;
//! `AGAI_SESSION_SEED` repeats a run. A test that this machine cannot run is reported as SKIPPED. `bench` prints figures and runs only when
//! it is named.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "figures for people"
)]
#![expect(
    clippy::unnecessary_wraps,
    reason = "some tests run on any machine, others return why they cannot"
)]
#![expect(
    clippy::zombie_processes,
    reason = "a failed test ends, and its children with it"
)]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic and prints its table"
)]

mod bench;
mod child;
mod full;
mod kill;
mod kit;
mod owners;
mod panics;
mod places;
mod power;
mod strace;
mod threads;

use kit::Row;
use std::panic::{AssertUnwindSafe, catch_unwind};

type Test = fn(u64) -> Result<Row, String>;

const TESTS: [(&str, Test); 17] = [
    ("kill -9 of a child", kill::run),
    ("a second process is refused", owners::second_process),
    ("killed owners, stale locks", owners::stale),
    ("threads open and close at once", owners::threads),
    ("open as the last handle is dropped", owners::reopen_during_a_drop),
    ("a forked child keeps no lock", owners::forked),
    ("no thread is left", threads::none_left),
    (
        "a checkpoint ends with its store",
        threads::checkpoint_ends_with_its_store,
    ),
    ("panics poison, never hang", panics::everywhere),
    ("a full disk heals", full::tmpfs),
    ("a file size limit heals", full::limit),
    ("a read-only remount", full::remount),
    ("places that cannot be used", places::run),
    ("strace: failing system calls", strace::errors),
    ("strace: killed at each call", strace::kills),
    ("power cuts", power::run),
    ("bench", bench::run),
];

fn main() {
    if let Ok(role) = std::env::var(child::ROLE) {
        return child::run(&role);
    }
    let filter = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let seed = std::env::var("AGAI_SESSION_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let mut failed = Vec::new();
    let (mut passed, mut skipped) = (0, 0);
    println!(
        "{:<34} | {:>10} | {:>6} | {:>24} | {:>4}",
        "test", "seed", "faults", "acknowledgements checked", "lost"
    );
    for (name, test) in TESTS {
        let is_asked = filter
            .as_ref()
            .map_or(name != "bench", |filter| name.contains(filter.as_str()));
        if !is_asked {
            continue;
        }
        let started = std::time::Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| test(seed)));
        let seconds = started.elapsed().as_secs_f32();
        match outcome {
            // A lost acknowledgement panics.
            Ok(Ok(row)) => {
                passed += 1;
                println!(
                    "{name:<34} | {seed:>10} | {:>6} | {:>24} |    0   {seconds:.1} s",
                    row.faults, row.checked
                );
            }
            Ok(Err(why)) => {
                skipped += 1;
                println!("{name:<34} | SKIPPED: {why}");
            }
            Err(panic) => {
                let why = panic.downcast_ref::<String>().map(String::as_str);
                let why = why.or_else(|| panic.downcast_ref().copied()).unwrap_or("");
                println!("{name:<34} | {seed:>10} | FAILED after {seconds:.1} s: {why}");
                failed.push(name);
            }
        }
    }
    let word = if failed.is_empty() { "ok" } else { "FAILED" };
    println!(
        "test result: {word}. {passed} passed; {} failed; {skipped} ignored",
        failed.len()
    );
    assert!(
        failed.is_empty(),
        "failed with AGAI_SESSION_SEED={seed}: {failed:?}"
    );
}
