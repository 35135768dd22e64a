//! Helpers of all these tests: stores to damage, and what must be found in them.

use crate::campaign::{parts, text};
use agai_session_core::disk::Disk;
use agai_session_core::face::Parts;
use agai_session_core::journal::options::OnCorruption;
use agai_session_core::model::durability::Durability;
use agai_session_core::model::standing::Assurance;
use agai_session_core::testing::disk::{Crash, SimulatedDisk};
use agai_session_core::testing::objects::object;
use agai_session_core::testing::simulation::SimulatedStore;
use agai_session_core::{Change, Error, KeyChange, NewSession, ObjectText, Reason, SessionId, TextBuffer};
use fastrand::Rng;
use std::collections::BTreeMap;

/// The seeds of the openings after the damage. Each opening has its own random numbers; the seeds of those that make a store end with 0 and
/// 1.
pub const NEXT: u64 = 7;
pub const AFTER: u64 = 8;

pub fn opening(run: u64, on_corruption: OnCorruption) -> Parts {
    let mut parts = parts(run, Durability::Os);
    parts.journal.on_corruption = on_corruption;
    parts.journal.checkpoint_bytes = 1 << 30;
    parts
}

pub fn opened(disk: &SimulatedDisk, run: u64, on_corruption: OnCorruption) -> SimulatedStore {
    SimulatedStore::open(disk, opening(run, on_corruption)).unwrap()
}

pub fn new_session(data: &str) -> NewSession<'_> {
    NewSession {
        uid: text("ann"),
        form: text(""),
        data: object(data),
        idle_timeout: None,
        absolute_timeout: None,
        assurance: Assurance::PLAIN,
    }
}

/// The index of the session that is ended in a sealed segment.
pub const ENDED: usize = 3;

/// The live sessions: the version by the index of the id.
pub type Alive = BTreeMap<usize, u64>;

pub fn alive(store: &SimulatedStore, ids: &[SessionId]) -> Alive {
    let mut buffer = TextBuffer::default();
    let mut versions = Alive::new();
    for (at, id) in ids.iter().enumerate() {
        if let Some(facts) = store.handle.load(id, false, &mut buffer).unwrap() {
            versions.insert(at, facts.version);
        }
    }
    versions
}

/// A store to damage.
pub struct Made {
    pub disk: SimulatedDisk,
    pub ids: Vec<SessionId>,
    /// The sessions that the files say were synced: a torn tail must not lose any of them.
    pub certain: Alive,
}

/// Makes a store with a snapshot, a sealed segment and an open one of about `bytes`, and kills it.
pub fn make(seed: u64, bytes: u64) -> Made {
    let mut rng = Rng::with_seed(seed);
    let run = seed.wrapping_mul(10);
    let disk = SimulatedDisk::new();
    let mut ids = Vec::new();
    let mut store = opened(&disk, run, OnCorruption::Error);
    for n in 0..20 {
        let data = format!("{{\"n\":{n},\"rest\":\"which stays as it is\"}}");
        ids.push(store.handle.create(&new_session(&data)).unwrap().0);
    }
    store.handle.checkpoint().unwrap();
    store.settle();
    store.handle.destroy(&ids[ENDED], Reason::Destroy).unwrap();
    store.settle();
    drop(store);
    let mut store = opened(&disk, run.wrapping_add(1), OnCorruption::Error);
    let (mut certain, mut flushed) = (Alive::new(), Alive::new());
    // The reserve is counted too.
    while disk.total_bytes() < bytes + 70_000 {
        // The mark of the next batch says that what was flushed before is synced.
        certain.clone_from(&flushed);
        let data = format!("{{\"x\":\"{}\"}}", "x".repeat(rng.usize(0..600)));
        ids.push(store.handle.create(&new_session(&data)).unwrap().0);
        let set = format!("{{\"n\":{}}}", rng.u8(..));
        let keys = KeyChange::new(object(&set), ObjectText::EMPTY);
        let whole = rng.bool().then_some(ObjectText::EMPTY);
        let change = Change {
            data: whole,
            keys: whole.is_none().then_some(&keys),
            ..Change::default()
        };
        let at = rng.usize(..ids.len().min(20));
        store.handle.commit(&ids[at], None, &change).unwrap();
        if ids.len().is_multiple_of(5) {
            store.handle.flush().unwrap();
            store.settle();
            flushed = alive(&store, &ids);
        }
        store.settle();
    }
    store.handle.flush().unwrap();
    store.settle();
    drop(store);
    Made {
        disk: disk.crash(1, Crash::KillProcess),
        ids,
        certain,
    }
}

pub fn names(disk: &SimulatedDisk) -> Vec<String> {
    let all = disk.list().unwrap().into_iter();
    all.filter(|name| name == "MANIFEST" || name.starts_with("log-") || name.starts_with("snap-"))
        .collect()
}

pub fn segments(disk: &SimulatedDisk) -> Vec<String> {
    let all = names(disk).into_iter();
    all.filter(|name| name.starts_with("log-")).collect()
}

/// The segment that was written to last.
pub fn open_segment(disk: &SimulatedDisk) -> String {
    segments(disk).into_iter().max().unwrap()
}

/// An independent copy.
pub fn copy(disk: &SimulatedDisk) -> SimulatedDisk {
    disk.crash(0, Crash::KillProcess)
}

/// Opens a damaged copy, and returns how the damage was noticed.
pub fn notice(disk: &SimulatedDisk) -> Noticed {
    match SimulatedStore::open(disk, opening(NEXT, OnCorruption::Error)) {
        Err(Error::Corrupt { .. } | Error::FormatNewer { .. }) => Noticed::Refused,
        Err(other) => panic!("{other}"),
        Ok(store) if store.report.torn_bytes > 0 => Noticed::Torn(Box::new(store)),
        Ok(_) => Noticed::Not,
    }
}

/// How an opening noticed the damage.
pub enum Noticed {
    Refused,
    /// Reported as a torn tail: the store opened.
    Torn(Box<SimulatedStore>),
    Not,
}

pub fn is_noticed(disk: &SimulatedDisk) -> bool {
    !matches!(notice(disk), Noticed::Not)
}

impl Made {
    /// Asserts that a store whose tail is torn has all sessions that were synced. Returns their number.
    pub fn check(&self, store: &SimulatedStore, what: &str) -> u64 {
        let found = alive(store, &self.ids);
        for (at, version) in &self.certain {
            assert!(
                found.get(at) >= Some(version),
                "{what}: session {at} of version {version} is lost"
            );
        }
        self.certain.len() as u64
    }
}
