//! Benchmark of a store by its size: the memory per session, the time of a load, of a load of an unknown id and of a create, and the
//! latency of calls while all sessions expire.
//!
//! `cargo bench -p agai-session-core --bench load -- 1000 1000000` for other sizes than 1 k, 100 k, 1 M and 5 M sessions. Each has 300
//! bytes of data and the user `ann`. Ids are loaded in random order; times are medians of rounds.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "prints figures and may fail"
)]

use agai_session_core::model::clock::ManualClock;
use agai_session_core::model::random::{OsRandom, Random};
use agai_session_core::model::standing::Assurance;
use agai_session_core::{
    AtUserLimit, Error, EventMask, NEVER, NewSession, ObjectText, Options, SessionId, StoreHandle, Text,
    TextBuffer, UNLIMITED,
};
use std::hint::black_box;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

const LOADS: usize = 200_000;
const ROUNDS: usize = 7;
const OPTIONS: Options = Options {
    max_sessions: u32::MAX,
    max_bytes: u64::MAX,
    max_session_bytes: 1 << 20,
    idle_timeout: 1_800_000,
    guest_idle_timeout: 1_800_000,
    absolute_timeout: NEVER,
    max_sessions_per_user: UNLIMITED,
    at_user_limit: AtUserLimit::EvictOldest,
};

/// The text of an object with eight keys, 300 bytes long.
fn data() -> String {
    let members: Vec<_> = (1..8)
        .map(|n| format!("\"key{n}\":\"{}\"", "x".repeat(24)))
        .collect();
    let others = members.join(",");
    format!(
        "{{{others},\"rest\":\"{}\"}}",
        "x".repeat(300 - 13 - others.len())
    )
}

/// A cheap source of random bytes, so that making ids does not hide the cost of a create.
struct Cheap(Mutex<fastrand::Rng>);

impl Random for Cheap {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.lock().unwrap().fill(bytes);
        Ok(())
    }
}

fn id() -> SessionId {
    SessionId::generate(&OsRandom).unwrap()
}

/// The process's resident memory in bytes; 0 where the system has no `/proc`.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u32>().ok());
    f64::from(kib.unwrap_or(0)) * 1_024.0
}

/// Nanoseconds per call of `each`, as the median of rounds that make `calls` calls together.
fn nanos(calls: usize, mut each: impl FnMut(usize)) -> f64 {
    let round = calls / ROUNDS;
    let mut rounds: Vec<_> = (0..ROUNDS)
        .map(|n| {
            let started = Instant::now();
            (n * round..(n + 1) * round).for_each(&mut each);
            started.elapsed().as_secs_f64() * 1e9 / f64::from(u32::try_from(round).unwrap())
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds.get(ROUNDS / 2).copied().unwrap()
}

fn measure(sessions: u32) {
    let clock = Arc::new(ManualClock::new(1));
    let random = Cheap(Mutex::new(fastrand::Rng::with_seed(u64::from(sessions))));
    let store = StoreHandle::open(OPTIONS, Arc::clone(&clock) as _, Box::new(random)).unwrap();
    let (data, mut places) = (data(), Vec::new());
    assert_eq!(data.len(), 300);
    let new = NewSession {
        uid: Text::Latin1(b"ann"),
        form: Text::Latin1(b""),
        data: ObjectText::scan(Text::Latin1(data.as_bytes()), &mut places).unwrap(),
        idle_timeout: None,
        absolute_timeout: None,
        assurance: Assurance::PLAIN,
    };
    let count = usize::try_from(sessions).unwrap();
    let mut ids = vec![id(); count + ROUNDS];
    let before = resident();
    let mut made = ids.iter_mut();
    let create = nanos(count + ROUNDS - 1, |_| {
        *made.next().unwrap() = store.create(&new).unwrap().0;
    });
    let stored = f64::from(u32::try_from(store.stats().unwrap().sessions).unwrap());
    let bytes = (resident() - before) / stored - 300.0;
    ids.truncate(count);
    fastrand::Rng::with_seed(1).shuffle(&mut ids);
    let mut asked = ids.iter().cycle();
    let mut buffer = TextBuffer::default();
    let mut load = |touch| {
        let id = asked.next().unwrap();
        black_box(store.load(id, touch, &mut buffer).unwrap().unwrap());
    };
    // Warms up memory and code.
    (0..count.max(LOADS)).for_each(|_| load(false));
    clock.advance(1);
    let load = nanos(LOADS, |_| load(true));
    let unknown: Vec<_> = (0..LOADS).map(|_| id()).collect();
    let miss = nanos(LOADS, |n| {
        let id = unknown.get(n).unwrap();
        black_box(store.load(id, true, &mut buffer).unwrap());
    });
    // All sessions expire at once; a call made meanwhile waits for the expiry thread now and then.
    store.listen(EventMask::ALL).unwrap();
    clock.advance(OPTIONS.idle_timeout);
    let started = Instant::now();
    let mut waits = Vec::new();
    while store.stats().unwrap().sessions > 0 {
        let asked = Instant::now();
        black_box(store.has(&id()).unwrap());
        waits.push(asked.elapsed().as_micros());
        while store.take_events().is_some() {}
        // Lets other threads run, as between two requests.
        sleep(Duration::from_micros(20));
    }
    waits.sort_unstable();
    let seconds = started.elapsed().as_secs_f64();
    let late = waits.get(waits.len() * 999 / 1_000).copied().unwrap_or(0);
    let last = waits.last().copied().unwrap_or(0);
    println!(
        "{sessions:>9} sessions: {bytes:6.1} bytes beyond the data; load {load:5.0} ns, unknown id {miss:4.0} ns, create {create:5.0} ns; \
         expiry of all {seconds:.2} s, a call meanwhile {late} us (99.9 %), {last} us at most"
    );
}

fn main() {
    let asked: Vec<u32> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    if let [sessions] = asked[..] {
        return measure(sessions);
    }
    let sizes = if asked.is_empty() {
        vec![1_000, 100_000, 1_000_000, 5_000_000]
    } else {
        asked
    };
    // A process for each size, so that none starts with memory that an earlier one freed.
    for size in sizes {
        let itself = Command::new(std::env::current_exe().unwrap())
            .arg(size.to_string())
            .status();
        assert!(itself.unwrap().success());
    }
}
