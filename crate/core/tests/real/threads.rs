//! Threads: none outlives its store.

use crate::kit::{Row, close, create, opened, until};
use std::fs;
use std::time::{Duration, Instant};

/// The names of this process's threads that belong to a store.
fn threads_of_stores() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").map(|tasks| tasks.flatten().collect::<Vec<_>>());
    let names = tasks.unwrap_or_default().into_iter();
    let names = names.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("session-")).collect()
}

/// A joined thread may be listed for a moment more.
pub fn assert_none_left() {
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(5) && !threads_of_stores().is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(threads_of_stores(), Vec::<String>::new());
}

pub fn none_left(_: u64) -> Result<Row, String> {
    let faults = 20;
    for round in 0..faults {
        let directory = tempfile::tempdir().unwrap();
        let store = opened(directory.path());
        let other = opened(directory.path());
        for n in 0..200 {
            create(&store, n).unwrap();
        }
        until("both threads have their names", || threads_of_stores().len() >= 2);
        if round % 2 == 0 {
            close(&store);
            close(&other);
        }
        drop(other);
        drop(store);
        assert_none_left();
    }
    Ok(Row { faults, checked: 0 })
}

/// A store that was dropped while a checkpoint ran left that running: it wrote on, and renamed its file, in a directory that was
/// somebody else's by then.
pub fn checkpoint_ends_with_its_store(_: u64) -> Result<Row, String> {
    let faults = 10;
    for round in 0..faults {
        let directory = tempfile::tempdir().unwrap();
        let store = opened(directory.path());
        for n in 0..20_000 {
            create(&store, n).unwrap();
        }
        store.checkpoint().unwrap();
        until("a checkpoint begins", || {
            threads_of_stores()
                .iter()
                .any(|name| name.starts_with("session-check"))
        });
        std::thread::sleep(Duration::from_millis(round));
        drop(store);
        assert_none_left();
    }
    Ok(Row { faults, checked: 0 })
}
