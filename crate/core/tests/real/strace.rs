//! Exact faults: each system call of a short run in turn fails, or kills the process.

use crate::child;
use crate::kit::{Model, Row, in_memory, is_full_run, opened, tool};
use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the short workload under strace with a fault; its output goes to the model.
fn traced(path: &Path, inject: &str, trace: &Path, model: &mut Model, row: &mut Row) -> Output {
    let me = child::command("short", path);
    let output = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-qq",
            "-e",
            "signal=none",
            "-e",
            "trace=openat,write,fdatasync,fsync",
            "-e",
        ])
        .arg(format!("inject={inject}"))
        .arg("-o")
        .arg(trace)
        .arg(me.get_program())
        .envs(me.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let lines = said.lines().filter(|line| !line.starts_with("ERR_SESSION"));
    row.checked += lines.filter(|line| model.line(line)).count() as u64;
    row.faults += 1;
    output
}

/// The log or snapshot that a traced call is about.
fn file_of(line: &str) -> Option<&str> {
    let file = line.split_once('<')?.1.split_once('>')?.0;
    (file.contains("/log-") || file.contains("snap-")).then_some(file)
}

/// The log or snapshot that a traced call created: a new file, even if it has the name of one that was removed.
fn made_by(line: &str) -> Option<&str> {
    let made = line.split_once("O_EXCL")?.1;
    file_of(made.split_once(" = ")?.1)
}

/// Asserts that a file whose sync failed is neither written to nor synced again: the second sync would report success. True if a sync
/// failed. In the full run a new segment's first sync failed, and the next segment of that name was mistaken for it.
fn assert_left_alone(trace: &Path) -> bool {
    let mut failed = HashSet::new();
    let text = std::fs::read_to_string(trace).unwrap();
    for line in text.lines() {
        if line.contains("openat(") {
            if let Some(file) = made_by(line) {
                failed.remove(file);
            }
            continue;
        }
        let Some(file) = file_of(line) else { continue };
        assert!(!failed.contains(file), "used after its sync failed: {line}");
        if line.contains("fdatasync(") && line.contains("EIO") {
            failed.insert(file);
        }
    }
    !failed.is_empty()
}

/// Makes each call fail. `when` counts the calls of each thread, so that several fail in a run: one of the opening, one of the journal's
/// thread.
pub fn errors(_: u64) -> Result<Row, String> {
    tool("strace -V")?;
    let mut row = Row::default();
    let mut left_alone = 0;
    let step = if is_full_run() { 1 } else { 5 };
    for (call, error, most) in [
        ("fdatasync", "EIO", 26),
        ("fsync", "EIO", 16),
        ("write", "ENOSPC", 40),
        ("write", "EIO", 40),
        ("renameat", "EIO", 12),
        ("unlinkat", "EIO", 16),
    ] {
        for when in (3..most).step_by(step) {
            let directory = in_memory();
            let path = directory.path().join("sessions.data");
            let trace = directory.path().join("trace");
            let mut model = Model::default();
            let inject = format!("{call}:error={error}:when={when}");
            let output = traced(&path, &inject, &trace, &mut model, &mut row);
            // The opening may have been refused.
            let is_typed = output.status.code() == Some(3);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() || is_typed, "{inject}: {said}");
            if call == "fdatasync" {
                left_alone += u64::from(assert_left_alone(&trace));
            }
            model.check(&opened(&path));
        }
    }
    assert!(left_alone > 0, "a log's sync failed in some runs");
    Ok(row)
}

/// Kills the process at each call.
pub fn kills(_: u64) -> Result<Row, String> {
    tool("strace -V")?;
    let mut row = Row::default();
    let step = if is_full_run() { 1 } else { 4 };
    for call in ["write", "fdatasync", "fsync", "renameat", "unlinkat", "ftruncate"] {
        for when in (1..).step_by(step) {
            let directory = in_memory();
            let path = directory.path().join("sessions.data");
            let trace = directory.path().join("trace");
            let mut model = Model::default();
            let inject = format!("{call}:signal=SIGKILL:when={when}");
            let first = traced(&path, &inject, &trace, &mut model, &mut row);
            // Once more on the files that this left: the opening is their recovery.
            traced(&path, &inject, &trace, &mut model, &mut row);
            model.check(&opened(&path));
            if first.status.success() {
                break;
            }
        }
    }
    Ok(row)
}
