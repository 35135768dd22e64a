//! The owner of a directory: one process at a time, whose threads share the store.

use crate::child;
use crate::kit::{Row, Until, close, create, number, opened, wait};
use agai_session_core::SessionId;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Every file with its bytes and its time of modification, and the time of the directory.
pub fn everything(path: &Path) -> Vec<(String, Vec<u8>, (i64, i64))> {
    let times = |facts: fs::Metadata| (facts.mtime(), facts.mtime_nsec());
    let mut all = vec![(".".to_owned(), Vec::new(), times(fs::metadata(path).unwrap()))];
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        // A directory has no bytes.
        let bytes = fs::read(entry.path()).unwrap_or_default();
        all.push((name, bytes, times(entry.metadata().unwrap())));
    }
    all.sort();
    all
}

/// Starts a child that has the directory open. Returns it with the session that it created there.
fn holder(path: &Path) -> (Child, SessionId) {
    let mut child = child::command("hold", path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.as_mut().unwrap());
    output.read_line(&mut line).unwrap();
    (child, SessionId::parse(line.trim().as_bytes()).expect("an id"))
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn try_in_a_child(path: &Path) -> String {
    let output = child::command("try", path).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

pub fn second_process(_: u64) -> Result<Row, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let (child, _) = holder(path);
    let before = everything(path);
    for _ in 0..10 {
        let answer = try_in_a_child(path);
        assert!(answer.starts_with("ERR_SESSION_LOCKED"), "{answer}");
        assert!(answer.contains(&format!("(pid {})", child.id())), "{answer}");
    }
    assert!(everything(path) == before, "not a byte may change");
    kill(child);
    Ok(Row {
        faults: 10,
        checked: 0,
    })
}

pub fn stale(_: u64) -> Result<Row, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let mut ids = Vec::new();
    for _ in 0..20 {
        let (child, id) = holder(path);
        ids.push(id);
        kill(child);
        let store = opened(path);
        assert!(ids.iter().all(|id| number(&store, id) == Some(1)));
    }
    fs::write(path.join("LOCK"), "pid 999999999\nstarted 1\nversion 0\n").unwrap();
    assert_eq!(try_in_a_child(path).trim(), "opened");
    Ok(Row {
        faults: 21,
        checked: 20,
    })
}

/// Openings, closes and drops of four threads race. An opening was refused because this same process had the directory, or its handle was
/// closed from the start: another thread had closed the store between the lookup and the joining.
pub fn threads(_: u64) -> Result<Row, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = &directory.path().join("sessions.data");
    let open_and_close = |at: u64| {
        let mut ids = Vec::new();
        for round in 0..50 {
            let store = opened(path);
            let id = create(&store, round).unwrap_or_else(|error| panic!("just opened: {error}"));
            assert!(wait(&store, Until::Written));
            ids.push((id, round));
            if !(at + round).is_multiple_of(3) {
                close(&store);
            }
        }
        ids
    };
    let ids: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|at| scope.spawn(move || open_and_close(at))).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a thread"))
            .collect()
    });
    let store = opened(path);
    for (id, round) in &ids {
        assert_eq!(number(&store, id), Some(*round));
    }
    close(&store);
    let faults = ids.len() as u64;
    Ok(Row {
        faults,
        checked: faults,
    })
}

/// One thread drops the last handle while another opens: that opening was refused because this same process had the directory.
pub fn reopen_during_a_drop(_: u64) -> Result<Row, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let faults = 60;
    for round in 0..faults {
        let store = opened(path);
        create(&store, round).unwrap();
        let dropper = std::thread::spawn(move || drop(store));
        drop(opened(path));
        dropper.join().unwrap();
    }
    assert_eq!(opened(path).stats().unwrap().sessions, faults);
    Ok(Row {
        faults,
        checked: faults,
    })
}

pub fn forked(_: u64) -> Result<Row, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let store = opened(path);
    let sleeper = Command::new("sleep").arg("60").spawn().unwrap();
    let descriptors = fs::read_dir(format!("/proc/{}/fd", sleeper.id())).unwrap();
    let files = descriptors
        .flatten()
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok());
    let leaked = files.filter(|file| file.starts_with(path)).count();
    drop(store);
    let answer = try_in_a_child(path);
    kill(sleeper);
    assert_eq!(leaked, 0, "a child inherits none of the files");
    assert_eq!(answer.trim(), "opened");
    Ok(Row {
        faults: 1,
        checked: 0,
    })
}
