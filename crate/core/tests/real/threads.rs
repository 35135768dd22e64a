//! The threads of a store: none outlives it.

use crate::kit::{Row, close, create, opened, until};
use std::fs;
use std::time::Duration;

/// The names of this process's threads that belong to a store and have not ended.
fn threads_of_stores() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").map(|tasks| tasks.flatten().collect::<Vec<_>>());
    let stats = tasks.unwrap_or_default().into_iter();
    let stats = stats.filter_map(|task| fs::read_to_string(task.path().join("stat")).ok());
    stats.filter_map(|stat| name_if_running(&stat)).collect()
}

/// The thread's name in a line of `/proc/PID/task/TID/stat`, if it is a store's and not exiting. A joined thread may stay in the list until
/// it gets the processor once more, but has the flag `PF_EXITING` (field 9 in `proc_pid_stat(5)`).
fn name_if_running(stat: &str) -> Option<String> {
    const EXITING: u32 = 4;
    let (_, named) = stat.split_once('(')?;
    let (name, fields) = named.rsplit_once(") ")?;
    let flags: u32 = fields.split(' ').nth(6)?.parse().ok()?;
    (name.starts_with("session-") && flags & EXITING == 0).then(|| name.to_owned())
}

pub fn assert_none_left() {
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

/// A checkpoint kept running after its store was dropped: it wrote on, and renamed its file, in a directory that another process could have
/// opened by then.
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
