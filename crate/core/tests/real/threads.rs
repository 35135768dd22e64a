//! Threads: none outlives its store, and one that panics takes nobody along.

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
fn assert_none_left() {
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

#[cfg(not(feature = "planted-faults"))]
pub fn panics(_: u64) -> Result<Row, String> {
    Err("needs --features planted-faults".to_owned())
}

/// A panic under the lock: everybody is refused, nobody waits for ever, and the directory can be opened again at once. That
/// answered that this very process had it, because the journal's thread slept on and kept the lock.
#[cfg(feature = "planted-faults")]
pub fn panics(_: u64) -> Result<Row, String> {
    use crate::kit::{Until, number, wait};
    use agai_session_core::{Error, NewSession, Text};
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let faults = 10;
    for round in 0..faults {
        let directory = tempfile::tempdir().unwrap();
        let store = opened(directory.path());
        let kept = create(&store, 7).unwrap();
        store.flush().unwrap();
        assert!(wait(&store, Until::Synced));
        let planted = NewSession {
            uid: Text::Latin1(b"planted panic"),
            form: Text::Latin1(b""),
            data: Text::Latin1(b"{}"),
            idle_timeout: None,
            absolute_timeout: None,
        };
        let create = std::panic::AssertUnwindSafe(|| store.create(&planted).is_ok());
        assert!(std::panic::catch_unwind(create).is_err());
        assert!(matches!(store.has(kept.key()), Err(Error::Poisoned)));
        if round % 2 == 0 {
            close(&store);
        }
        let again = opened(directory.path());
        assert_eq!(number(&again, &kept), Some(7));
        assert_eq!(store.reached().failed, u64::MAX, "all waiters fail");
        drop(store);
        drop(again);
        assert_none_left();
    }
    std::panic::set_hook(hook);
    Ok(Row {
        faults,
        checked: faults,
    })
}
