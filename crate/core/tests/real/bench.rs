//! Benchmarks, whose figures are printed and not checked: recovery, the longest wait during a checkpoint, disk usage under overwriting.
//! `AGAI_SESSION_BENCH` is the number of sessions, one million if it is not set.

use crate::child;
use crate::kit::{Row, Until, close, data, parts, until, wait};
use agai_session_core::face::open::open;
use agai_session_core::lock::status::News;
use agai_session_core::model::durability::Durability;
use agai_session_core::model::standing::Assurance;
use agai_session_core::testing::objects::object;
use agai_session_core::{Change, NewSession, SessionId, StoreHandle, Text};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

fn sessions() -> u64 {
    let asked = std::env::var("AGAI_SESSION_BENCH").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(1_000_000)
}

/// A field of `/proc/self/status`, in MiB.
fn memory(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .expect("the field");
    let kib: String = line.chars().filter(char::is_ascii_digit).collect();
    kib.parse::<u64>().unwrap() >> 10
}

fn create(store: &StoreHandle, data: &str) -> SessionId {
    let new = NewSession {
        uid: Text::Latin1(b"ann"),
        form: Text::Latin1(b""),
        data: object(data),
        idle_timeout: None,
        absolute_timeout: None,
        assurance: Assurance::PLAIN,
    };
    store.create(&new).unwrap().0
}

fn fill(store: &StoreHandle, count: u64) -> Vec<SessionId> {
    let fill = |n| {
        if n % 20_000 == 0 {
            assert!(wait(store, Until::Written));
        }
        create(store, &data(n, 372))
    };
    (0..count).map(fill).collect()
}

/// The child process that only opens a store, and prints the time and memory that this took.
pub fn recover(path: &Path) {
    let before = memory("VmRSS:");
    let started = Instant::now();
    let (store, report) = open(path, parts(Durability::Os, 1 << 40), &mut ()).unwrap();
    let seconds = started.elapsed().as_secs_f32();
    let (peak, steady) = (memory("VmHWM:"), memory("VmRSS:"));
    println!(
        "    opened {} sessions ({} records of the log) in {seconds:.2} s; memory {before} MiB before, {steady} after, {peak} at most",
        report.sessions, report.records
    );
    drop(store);
}

fn in_a_child(path: &Path) {
    let output = child::command("recover", path).output().unwrap();
    print!("{}", String::from_utf8_lossy(&output.stdout));
}

pub fn run(_: u64) -> Result<Row, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.data");
    let (store, _) = open(&path, parts(Durability::Os, 1 << 40), &mut ()).unwrap();
    let started = Instant::now();
    let ids = fill(&store, sessions());
    assert!(wait(&store, Until::Written));
    println!(
        "    {} sessions of 400 bytes written in {:.2} s; memory {} MiB, the ids among it",
        ids.len(),
        started.elapsed().as_secs_f32(),
        memory("VmRSS:")
    );
    checkpoint(&store, &ids);
    store.flush().unwrap();
    assert!(wait(&store, Until::Synced));
    drop(store);
    println!("    from a snapshot:");
    in_a_child(&path);
    in_a_child(&path);
    println!("    from a log alone:");
    let logged = directory.path().join("logged.data");
    let (store, _) = open(&logged, parts(Durability::Os, 1 << 40), &mut ()).unwrap();
    fill(&store, sessions());
    assert!(wait(&store, Until::Written));
    drop(store);
    in_a_child(&logged);
    for pace in [20_000, 50_000, u64::MAX] {
        room(&directory.path().join(format!("room-{pace}")), pace);
    }
    Ok(Row::default())
}

/// Prints how long the commits of a busy thread take, without a checkpoint and during one.
fn checkpoint(store: &StoreHandle, ids: &[SessionId]) {
    let text = data(7, 372);
    let change = Change {
        data: Some(object(&text)),
        ..Change::default()
    };
    for with in [false, true] {
        let ticket = if with { store.checkpoint().unwrap() } else { 0 };
        let started = Instant::now();
        let mut times = Vec::new();
        let mut random = fastrand::Rng::with_seed(1);
        while if with {
            store.reached().checkpoints < ticket
        } else {
            started.elapsed() < Duration::from_secs(3)
        } {
            let id = &ids[random.usize(..ids.len())];
            let at = Instant::now();
            let committed = store.commit(id, None, &change);
            times.push(at.elapsed());
            if committed.is_err() || times.len() % 50 == 0 {
                // About 100,000 a second, as on a busy server.
                std::thread::sleep(Duration::from_micros(500));
            }
        }
        times.sort_unstable();
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
        println!(
            "    {} commits in {:.2} s {} a checkpoint: median {:?}, 99.9 % {:?}, 99.99 % {:?}, longest {:?}",
            times.len(),
            started.elapsed().as_secs_f32(),
            if with { "during" } else { "without" },
            at(0.5),
            at(0.999),
            at(0.9999),
            at(1.0)
        );
    }
}

/// Prints the bytes on the disk while 100,000 sessions are overwritten again and again, at most `pace` a second.
fn room(path: &Path, pace: u64) {
    let (store, _) = open(path, parts(Durability::Os, 16 << 20), &mut ()).unwrap();
    let ids = fill(&store, 100_000.min(sessions()));
    assert!(wait(&store, Until::Written));
    let ticket = store.checkpoint().unwrap();
    until("a checkpoint ends", || store.reached().checkpoints >= ticket);
    let bytes = || -> u64 {
        let sizes = fs::read_dir(path)
            .unwrap()
            .flatten()
            .filter_map(|entry| Some(entry.metadata().ok()?.len()));
        sizes.sum()
    };
    let live = bytes();
    let text = data(7, 372);
    let change = Change {
        data: Some(object(&text)),
        ..Change::default()
    };
    let (mut most, mut commits, mut millis) = (0, 0_u64, Vec::new());
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(10) {
        for _ in 0..1_000 {
            let id = &ids[fastrand::usize(..ids.len())];
            commits += u64::from(store.commit(id, None, &change).is_ok());
        }
        assert!(wait(&store, Until::Written));
        most = bytes().max(most);
        while let Some(news) = store.take_news() {
            if let News::Checkpoint { written, .. } = news {
                millis.push(written.millis);
            }
        }
        let due = Duration::from_micros(commits.saturating_mul(1_000_000) / pace);
        std::thread::sleep(due.saturating_sub(started.elapsed()));
    }
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "    {commits} overwritten in 10 s: {:.1} MiB live, {:.1} MiB on the disk at most ({:.2} x live + 32 MiB); {} checkpoints of {:?} ms at most",
        mib(live),
        mib(most),
        (mib(most) - 32.0) / mib(live),
        millis.len(),
        millis.iter().max()
    );
    close(&store);
}
