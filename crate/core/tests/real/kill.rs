//! A child process is killed at random moments, again and again, in one directory: while it opens, writes, rotates, makes checkpoints.

use crate::child;
use crate::kit::{Model, Row, Until, close, in_memory, is_full_run, opened, wait};
use std::path::Path;
use std::time::Duration;

pub fn run(seed: u64) -> Result<Row, String> {
    let kills = if is_full_run() { 10_000 } else { 1_000 };
    let mut row = Row::default();
    over(in_memory().path(), seed, kills * 9 / 10, &mut row);
    over(tempfile::tempdir().unwrap().path(), seed, kills / 10, &mut row);
    Ok(row)
}

/// Kills children in one directory, and checks the store after each.
fn over(directory: &Path, seed: u64, kills: u64, row: &mut Row) {
    let path = directory.join("sessions.data");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut model = Model::default();
    for round in 0..kills {
        let mut child = child::command("work", &path)
            .env("AGAI_SEED", random.u64(..).to_string())
            .env("AGAI_IDS", model.some())
            .spawn()
            .unwrap();
        let said = child::listen(&mut child);
        std::thread::sleep(Duration::from_micros(random.u64(200..9_000)));
        let ended = child.try_wait().unwrap();
        assert_eq!(ended, None, "round {round}: the child ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
        row.checked += model.lines(&said.join().unwrap());
        row.faults += 1;
        // The kernel releases the lock with the process: no need to wait.
        let store = opened(&path);
        model.check(&store);
        if model.alive.len() > 600 {
            store.clear().unwrap();
            model.line("all-dead");
            assert!(wait(&store, Until::EndsSynced));
        }
        // Otherwise the store is dropped without a close.
        match random.u32(..4) {
            0 => close(&store),
            1 => drop(store.checkpoint()),
            _ => {}
        }
    }
}
