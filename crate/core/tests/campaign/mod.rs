//! Shared parts of the crash campaigns: a workload from a seed, the record of what was acknowledged, and the check of what came back.
#![allow(dead_code, reason = "each campaign uses its part")]

use agai_session_core::face::Parts;
use agai_session_core::journal::options::JournalOptions;
use agai_session_core::model::clock::ManualClock;
use agai_session_core::model::durability::Durability;
use agai_session_core::model::lsn::Lsn;
use agai_session_core::model::random::Random;
use agai_session_core::model::standing::Assurance;
use agai_session_core::testing::disk::{Crash, SimulatedDisk};
use agai_session_core::testing::objects::{data_in, object};
use agai_session_core::testing::simulation::SimulatedStore;
use agai_session_core::{
    AtUserLimit, Change, Commit, Error, KeyChange, Login, NewSession, ObjectText, Options, Reason, Renewal,
    SessionId, Text, TextBuffer, UNLIMITED,
};
use fastrand::Rng;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The size of a campaign: `ci`, or `full` if `AGAI_SESSION_FULL` is set.
pub fn size(ci: u64, full: u64) -> u64 {
    if std::env::var_os("AGAI_SESSION_FULL").is_some() {
        full
    } else {
        ci
    }
}

/// The seed in `AGAI_SESSION_SEED`, as a failure printed it, or the campaigns' default.
pub fn seed() -> u64 {
    let given = std::env::var("AGAI_SESSION_SEED").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(0x5e55_1011)
}

/// Prints one line of the table of results.
pub fn report(test: &str, seed: u64, faults: u64, acknowledged: u64, lost: u64) {
    println!(
        "{test:<44} | seed {seed:>10} | {faults:>8} faults | {acknowledged:>9} acknowledgements checked | {lost} lost"
    );
}

/// A seeded random source: the same each time.
struct Seeded(Mutex<Rng>);

impl Random for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.lock().unwrap().fill(bytes);
        Ok(())
    }
}

pub fn parts(seed: u64, durability: Durability) -> Parts {
    Parts {
        options: Options {
            max_sessions: 1_000,
            max_bytes: 1 << 20,
            max_session_bytes: 1 << 12,
            idle_timeout: 1_000_000,
            guest_idle_timeout: 1_000_000,
            absolute_timeout: 10_000_000,
            max_sessions_per_user: UNLIMITED,
            at_user_limit: AtUserLimit::EvictOldest,
        },
        journal: JournalOptions {
            durability,
            checkpoint_bytes: 1_500,
            retry_pause: Duration::ZERO,
            ..JournalOptions::default()
        },
        clock: Arc::new(ManualClock::new(1_000)),
        random: Arc::new(Seeded(Mutex::new(Rng::with_seed(seed)))),
    }
}

/// The state of a session at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Absent,
    Live {
        id: SessionId,
        version: u64,
        data: String,
    },
}

/// One session's states, each with the LSN of the record that made it and whether that record ended an id.
#[derive(Debug, Clone)]
struct History {
    states: Vec<(Lsn, State, bool)>,
    /// Every id it ever had.
    ids: Vec<SessionId>,
}

impl History {
    fn now(&self) -> &State {
        self.states.last().map_or(&State::Absent, |(_, state, _)| state)
    }
}

/// The histories of all sessions, against which a store is checked.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    sessions: Vec<History>,
}

impl Truth {
    fn push(&mut self, at: usize, lsn: Lsn, state: State, ends: bool) {
        if let State::Live { id, .. } = &state
            && !self.sessions[at].ids.contains(id)
        {
            self.sessions[at].ids.push(id.clone());
        }
        self.sessions[at].states.push((lsn, state, ends));
    }

    /// Adds a new session.
    fn begin(&mut self, lsn: Lsn, live: State) {
        self.sessions.push(History {
            states: vec![(Lsn::default(), State::Absent, false)],
            ids: Vec::new(),
        });
        self.push(self.sessions.len() - 1, lsn, live, false);
    }

    /// The data of a live session.
    fn data(&self, at: usize) -> &str {
        match self.sessions[at].now() {
            State::Live { data, .. } => data,
            State::Absent => "",
        }
    }

    /// A random live session: its place, id and version.
    fn live(&self, rng: &mut Rng) -> Option<(usize, SessionId, u64)> {
        let live: Vec<_> = (0..self.sessions.len())
            .filter_map(|at| match self.sessions[at].now() {
                State::Live { id, version, .. } => Some((at, id.clone(), *version)),
                State::Absent => None,
            })
            .collect();
        rng.choice(live)
    }
}

/// The description of a guarantee that was broken.
#[derive(Debug)]
pub struct Violation(pub String);

/// Checks that a file whose sync failed was never written to or synced again, by the process that saw it fail or by a later one: a second
/// sync would report success.
///
/// # Errors
/// If one was.
pub fn check_failed_syncs(disk: &SimulatedDisk) -> Result<(), Violation> {
    match disk.uses_after_failed_sync() {
        0 => Ok(()),
        times => Err(Violation(format!(
            "a file was written to or synced {times} times after a failed sync of it"
        ))),
    }
}

pub fn text(text: &str) -> Text<'_> {
    Text::Latin1(text.as_bytes())
}

/// The data of a session of the workload with another first member, which `set` has.
fn with_n(data: &str, set: &str) -> String {
    let others = data.split_once(',').map_or("", |(_, others)| others);
    format!("{},{others}", &set[..set.len() - 1])
}

/// Writes the data of a session, or one key of it.
fn commit(
    store: &SimulatedStore,
    truth: &mut Truth,
    rng: &mut Rng,
    (at, id): (usize, SessionId),
    mut data: String,
) {
    let set = format!("{{\"n\":{}}}", rng.u32(..));
    let keys = KeyChange::new(object(&set), ObjectText::EMPTY);
    let committed = if rng.bool() {
        data = with_n(truth.data(at), &set);
        let change = Change {
            keys: Some(&keys),
            ..Change::default()
        };
        store.handle.commit(&id, None, &change)
    } else {
        let change = Change {
            data: Some(object(&data)),
            ..Change::default()
        };
        store.handle.commit(&id, None, &change)
    };
    if let Ok(Commit::Done(facts)) = committed {
        let version = facts.version;
        truth.push(at, store.handle.lsn(), State::Live { id, version, data }, false);
    }
}

/// Runs one step of the workload, and notes it in the truth.
pub fn step(store: &mut SimulatedStore, truth: &mut Truth, rng: &mut Rng) {
    let data = format!(
        "{{\"n\":{},\"x\":\"{}\"}}",
        rng.u32(..),
        "x".repeat(rng.usize(0..60))
    );
    match rng.u32(0..100) {
        0..30 => {
            let uid = if rng.bool() { "ann" } else { "" };
            let new = NewSession {
                uid: text(uid),
                form: text(""),
                data: object(&data),
                idle_timeout: None,
                absolute_timeout: None,
                assurance: Assurance::PLAIN,
            };
            if let Ok((id, facts)) = store.handle.create(&new) {
                let live = State::Live {
                    id,
                    version: facts.version,
                    data,
                };
                truth.begin(store.handle.lsn(), live);
            }
        }
        30..50 => {
            if let Some((at, id, _)) = truth.live(rng) {
                commit(store, truth, rng, (at, id), data);
            }
        }
        50..58 => {
            if let Some((at, id, _)) = truth.live(rng) {
                let renewal = Renewal {
                    change: Change {
                        data: Some(object(&data)),
                        ..Change::default()
                    },
                    login: rng.bool().then(|| Login {
                        uid: text("bob"),
                        absolute_timeout: None,
                        assurance: Assurance::PLAIN,
                    }),
                };
                if let Ok((Commit::Done(facts), new)) = store.handle.regenerate(&id, None, &renewal) {
                    let (version, lsn) = (facts.version, store.handle.lsn());
                    let is_same = new.handle() == id.handle();
                    let live = State::Live {
                        id: new,
                        version,
                        data,
                    };
                    if is_same {
                        truth.push(at, lsn, live, true);
                    } else {
                        // A login of another user: the record before this one ended the old session.
                        truth.push(at, lsn.previous(), State::Absent, true);
                        truth.begin(lsn, live);
                    }
                }
            }
        }
        58..68 => {
            if let Some((at, id, _)) = truth.live(rng)
                && store.handle.destroy(&id, Reason::Logout).is_ok()
            {
                truth.push(at, store.handle.lsn(), State::Absent, true);
            }
        }
        68..69 => {
            if store.handle.clear().is_ok() {
                for at in 0..truth.sessions.len() {
                    if truth.sessions[at].now() != &State::Absent {
                        truth.push(at, store.handle.lsn(), State::Absent, true);
                    }
                }
            }
        }
        69..72 => {
            let _ = store.handle.checkpoint();
        }
        72..74 => {
            let _ = store.handle.flush();
        }
        74..76 => {
            if let Some((_, id, _)) = truth.live(rng) {
                let _ = store.handle.touch(&id, Some(900_000));
            }
        }
        _ => {
            store.turn();
        }
    }
}

/// Checks what came back against what was acknowledged, and makes it the new truth. Returns the number of acknowledgements checked.
pub fn check(
    before: Reached,
    crash: Crash,
    store: &SimulatedStore,
    truth: &mut Truth,
) -> Result<u64, Violation> {
    let mut buffer = TextBuffer::default();
    let writes = if matches!(crash, Crash::KillProcess) {
        before.written
    } else {
        before.synced
    };
    let mut checked = 0;
    for history in &mut truth.sessions {
        let mut found = State::Absent;
        for id in &history.ids {
            let loaded = store
                .handle
                .load(id, false, &mut buffer)
                .map_err(|error| Violation(error.to_string()))?;
            let Some(facts) = loaded else { continue };
            if found != State::Absent {
                return Err(Violation(format!(
                    "two ids of one session are alive: {history:?}"
                )));
            }
            let Text::Latin1(bytes) = buffer.text() else {
                unreachable!()
            };
            found = State::Live {
                id: id.clone(),
                version: facts.version,
                data: String::from_utf8_lossy(data_in(bytes, &facts)).into_owned(),
            };
        }
        let is_acknowledged = |lsn: Lsn, ends: bool, state: &State| {
            let reached = match (ends, state) {
                (true, State::Absent) => before.ends_synced,
                (true, _) => before.synced,
                _ => writes,
            };
            lsn <= reached
        };
        let first = history
            .states
            .iter()
            .rposition(|(lsn, state, ends)| is_acknowledged(*lsn, *ends, state));
        let possible = &history.states[first.unwrap_or(0)..];
        checked += u64::from(first.is_some_and(|first| first > 0));
        if !possible.iter().any(|(_, state, _)| *state == found) {
            return Err(Violation(format!(
                "{crash:?}, {before:?}: {found:?} came back, which is none of {possible:?}"
            )));
        }
        history.states = vec![(Lsn::default(), found, false)];
    }
    Ok(checked)
}

use agai_session_core::lock::status::Reached;

/// Runs a store several times on one disk, each run ended by a crash after some operation of the disk. Returns the number of
/// acknowledgements checked.
pub fn crash_and_reopen(seed: u64) -> Result<u64, Violation> {
    let mut rng = Rng::with_seed(seed);
    let durability = [Durability::None, Durability::Os, Durability::Disk][rng.usize(0..3)];
    let mut disk = SimulatedDisk::new();
    let mut truth = Truth::default();
    let mut checked = 0;
    let mut before = Reached::default();
    let mut crash = Crash::KillProcess;
    for run in 0..3 {
        let opened = SimulatedStore::open(&disk, parts(seed + run, durability));
        let mut store = opened.map_err(|error| Violation(format!("{crash:?}: it does not open: {error}")))?;
        checked += check(before, crash, &store, &mut truth)?;
        // The operation at which this run ends.
        let stop = disk.operations() + rng.u64(1..60);
        let within = rng.bool();
        disk.stop_at(
            stop,
            if within {
                Stop::Within { seed }
            } else {
                Stop::Before
            },
        );
        for _ in 0..rng.usize(10..120) {
            step(&mut store, &mut truth, &mut rng);
            if disk.operations() >= stop {
                break;
            }
        }
        before = store.handle.reached();
        check_failed_syncs(&disk)?;
        crash = [
            Crash::KillProcess,
            Crash::PowerCut,
            Crash::PowerCut,
            Crash::PowerCutLosingAll,
            Crash::PowerCutLosingNothing,
        ][rng.usize(0..5)];
        disk = disk.crash(rng.u64(..), crash);
        if rng.u8(0..4) == 0 {
            // A crash during the recovery, at any of its operations; the next opening starts from there.
            disk.stop_at(disk.operations() + rng.u64(1..25), Stop::Before);
            let _ = SimulatedStore::open(&disk, parts(seed, durability));
            let again = [Crash::KillProcess, Crash::PowerCut][rng.usize(0..2)];
            disk = disk.crash(rng.u64(..), again);
            if matches!(again, Crash::PowerCut) && matches!(crash, Crash::KillProcess) {
                crash = Crash::PowerCut;
            }
        }
    }
    let store = SimulatedStore::open(&disk, parts(seed, durability));
    let store = store.map_err(|error| Violation(format!("{crash:?}: it does not open: {error}")))?;
    checked += check(before, crash, &store, &mut truth)?;
    Ok(checked)
}

use agai_session_core::testing::disk::Stop;
