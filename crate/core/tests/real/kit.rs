//! Helpers of all these tests: opening, waiting, and the model of what must be there afterwards.

use agai_session_core::face::open::open;
use agai_session_core::face::{Parts, Report};
use agai_session_core::journal::options::JournalOptions;
use agai_session_core::lock::status::Health;
use agai_session_core::model::clock::SystemClock;
use agai_session_core::model::durability::Durability;
use agai_session_core::model::random::OsRandom;
use agai_session_core::model::standing::Assurance;
use agai_session_core::testing::objects::{data_in, object};
use agai_session_core::{
    AtUserLimit, Error, NewSession, Options, SessionId, StoreHandle, Text, TextBuffer, UNLIMITED,
};
use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The figures of one test in the table.
#[derive(Debug, Default)]
pub struct Row {
    pub faults: u64,
    pub checked: u64,
}

const DAY: u64 = 86_400_000;

pub fn is_full_run() -> bool {
    std::env::var_os("AGAI_SESSION_FULL").is_some()
}

pub fn parts(durability: Durability, checkpoint_bytes: u64) -> Parts {
    Parts {
        options: Options {
            max_sessions: 4_000_000,
            max_bytes: 1 << 34,
            max_session_bytes: 1 << 16,
            idle_timeout: DAY,
            guest_idle_timeout: DAY,
            absolute_timeout: 7 * DAY,
            max_sessions_per_user: UNLIMITED,
            at_user_limit: AtUserLimit::EvictOldest,
        },
        journal: JournalOptions {
            durability,
            checkpoint_bytes,
            ..JournalOptions::default()
        },
        clock: Arc::new(SystemClock::default()),
        random: Arc::new(OsRandom),
    }
}

pub fn try_open(path: &Path) -> Result<(StoreHandle, Report), Error> {
    open(path, parts(Durability::Os, 1 << 14), &mut ())
}

pub fn opened(path: &Path) -> StoreHandle {
    try_open(path).unwrap_or_else(|error| panic!("{error}")).0
}

pub fn create(store: &StoreHandle, n: u64) -> Result<SessionId, Error> {
    let data = data(n, 100);
    let new = NewSession {
        uid: Text::Latin1(b"ann"),
        form: Text::Latin1(b""),
        data: object(&data),
        idle_timeout: None,
        absolute_timeout: None,
        assurance: Assurance::PLAIN,
    };
    store.create(&new).map(|(id, _)| id)
}

pub fn data(n: u64, fill: usize) -> String {
    format!("{{\"n\":{n:010},\"fill\":\"{}\"}}", "x".repeat(fill))
}

/// The number in a session's data.
pub fn number(store: &StoreHandle, id: &SessionId) -> Option<u64> {
    let mut buffer = TextBuffer::default();
    let facts = store.load(id, false, &mut buffer).expect("the store is open")?;
    let Text::Latin1(bytes) = buffer.text() else {
        panic!("the text is not Latin-1")
    };
    let text = std::str::from_utf8(data_in(bytes, &facts)).unwrap();
    Some(text[5..15].parse().expect("the data is whole"))
}

/// How long a wait lasts before it counts as a hang: a sync on a disk that others keep busy was seen to take over 20 seconds.
const PATIENCE: Duration = Duration::from_mins(2);

/// How durable an operation must be before a wait ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    Written,
    Synced,
    EndsSynced,
}

/// Waits until the store's last operation is as durable as asked. False if it failed.
pub fn wait(store: &StoreHandle, until: Until) -> bool {
    let (lsn, started) = (store.lsn(), Instant::now());
    loop {
        let reached = store.reached();
        let (done, failed) = match until {
            Until::Written => (reached.written, reached.failed),
            Until::Synced => (reached.synced, reached.failed),
            Until::EndsSynced => (reached.ends_synced, reached.ends_failed),
        };
        if done >= lsn {
            return true;
        }
        if failed >= lsn {
            return false;
        }
        assert!(
            started.elapsed() < PATIENCE,
            "neither acknowledged nor failed: {lsn}, {until:?}, {reached:?}, {:?}",
            store.io_error()
        );
        std::thread::sleep(Duration::from_micros(50));
    }
}

pub fn close(store: &StoreHandle) {
    store.close();
    until("the store is closed", || store.health() == Health::Closed);
}

/// Waits until a condition holds, at most [`PATIENCE`].
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Runs a shell command. The error is what it printed.
pub fn tool(command: &str) -> Result<(), String> {
    let output = Command::new("sh").args(["-c", command]).output();
    let output = output.map_err(|error| format!("{command}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(format!("{command}: {said}"))
}

pub fn need_root() -> Result<(), String> {
    tool("test $(id -u) = 0").map_err(|_| "needs root".to_owned())
}

/// A directory in memory, if possible: a sync takes no time, and what a killed process wrote is there on any file system.
pub fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// The sessions that must be there according to the acknowledgements, and those that may be.
#[derive(Debug, Default)]
pub struct Model {
    /// By the id's text: the number that must be there at least, and whether the end of the session was begun.
    pub alive: HashMap<String, (u64, bool)>,
    /// Ids whose end was acknowledged and not yet checked.
    dead: Vec<String>,
}

impl Model {
    /// Takes in one line of a child's output. True if it is an acknowledgement.
    pub fn line(&mut self, line: &str) -> bool {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            // An end that is about to be tried.
            ["try", id] => {
                if let Some((_, ends)) = self.alive.get_mut(id) {
                    *ends = true;
                }
                false
            }
            ["try-all"] => {
                for (_, ends) in self.alive.values_mut() {
                    *ends = true;
                }
                false
            }
            ["alive", id, n] => {
                let n: u64 = n.parse().unwrap();
                let known = self.alive.entry(id.to_owned()).or_default();
                known.0 = n.max(known.0);
                true
            }
            ["dead", id] => {
                self.alive.remove(id);
                self.dead.push(id.to_owned());
                true
            }
            ["all-dead"] => {
                self.dead.extend(self.alive.drain().map(|(id, _)| id));
                true
            }
            _ => panic!("a child printed: {line}"),
        }
    }

    /// Takes in a child's output. Returns the number of acknowledgements in it.
    pub fn lines(&mut self, text: &str) -> u64 {
        text.lines().filter(|line| self.line(line)).count() as u64
    }

    /// Some sessions for the next child to go on with.
    pub fn some(&self) -> String {
        let some = self.alive.iter().take(16);
        let some: Vec<_> = some.map(|(id, (n, _))| format!("{id},{n}")).collect();
        some.join(";")
    }

    /// Checks all sessions in a store, and settles the ends that were begun by what is there.
    pub fn check(&mut self, store: &StoreHandle) {
        let id_of = |text: &String| SessionId::parse(text.as_bytes()).expect("an id");
        self.alive.retain(|text, (n, ends)| {
            let found = number(store, &id_of(text));
            assert!(
                found.map_or(*ends, |found| found >= *n),
                "session {text}: acknowledged with {n}, there is {found:?}"
            );
            *n = found.unwrap_or_default();
            *ends = false;
            found.is_some()
        });
        for text in self.dead.drain(..) {
            assert_eq!(number(store, &id_of(&text)), None, "session {text} came back");
        }
    }
}
