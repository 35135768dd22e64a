//! A store and its model: each operation is applied to both, and the results are compared.

use crate::campaign;
use crate::model::{LoginNeed, Model, Need, Session};
use crate::operations::{Changed, Wanted};
use crate::steps::{RunOptions, Step, Who};
use agai_session_core::face::Parts;
use agai_session_core::model::clock::ManualClock;
use agai_session_core::model::durability::Durability;
use agai_session_core::model::lsn::Lsn;
use agai_session_core::testing::disk::SimulatedDisk;
use agai_session_core::testing::objects::{contents_in, owned};
use agai_session_core::testing::simulation::SimulatedStore;
use agai_session_core::{
    AtUserLimit, Error, Event, EventKind, EventMask, Facts, Handle, Options, OwnedText, Reason, SessionId,
    SessionInfo, TextBuffer,
};
use proptest::prelude::*;
use std::sync::Arc;

pub type Checked<T = ()> = Result<T, TestCaseError>;

pub const IDLE: u64 = 10_000;
pub const GUEST_IDLE: u64 = 4_000;
pub const ABSOLUTE: u64 = 60_000;

/// The ids and the handle of a session, kept when it is gone.
#[derive(Debug)]
pub struct Known {
    /// All ids that it ever had.
    pub ids: Vec<SessionId>,
    /// Never given to another session, not even if a crash lost this one.
    pub handle: Handle,
}

/// The newest records that must be acknowledged once the journal rests.
#[derive(Debug, Default)]
pub struct Promised {
    /// The LSN of the last write.
    pub write: Lsn,
    /// The LSN of the last end of an id.
    pub end: Lsn,
}

/// A test case in progress: the store, its disk and clock, and the model.
pub struct World {
    pub disk: SimulatedDisk,
    pub store: SimulatedStore,
    pub model: Model,
    pub known: Vec<Known>,
    pub clock: Arc<ManualClock>,
    pub options: RunOptions,
    pub promised: Promised,
    /// The number of runs that ended.
    pub ended: u64,
    /// The number of records that had been acknowledged by the ends of their runs.
    pub acknowledged: u64,
}

/// The parts of one run of the store, and its clock.
pub fn parts(seed: u64, now: u64, options: RunOptions) -> (Parts, Arc<ManualClock>) {
    let mut parts = campaign::parts(seed, options.durability);
    parts.options = Options {
        max_sessions: options.max_sessions,
        max_bytes: options.max_bytes,
        max_session_bytes: 1 << 12,
        idle_timeout: IDLE,
        guest_idle_timeout: GUEST_IDLE,
        absolute_timeout: ABSOLUTE,
        max_sessions_per_user: options.max_sessions_per_user,
        at_user_limit: options.at_user_limit,
    };
    parts.journal.checkpoint_bytes = options.checkpoint_bytes;
    let clock = Arc::new(ManualClock::new(now));
    parts.clock = Arc::clone(&clock) as _;
    (parts, clock)
}

/// The text as Latin-1, if it fits.
fn narrow(text: &OwnedText) -> OwnedText {
    owned(&text.to_string_lossy())
}

/// All sessions that are not expired, in the order of their slots.
pub fn pages(store: &SimulatedStore) -> Vec<SessionInfo> {
    let (mut all, mut start) = (Vec::new(), 0);
    loop {
        let page = store.handle.page(start, 3).unwrap();
        // A user id beside UTF-16 data is UTF-16 too; it is the same text.
        all.extend(page.sessions.into_iter().map(|info| SessionInfo {
            uid: info.uid.as_ref().map(narrow),
            ..info
        }));
        match page.next {
            Some(next) => start = next,
            None => return all,
        }
    }
}

/// Loads a session by its id: user id, form and data as one text, and its facts.
pub fn read(store: &SimulatedStore, id: &SessionId, touch: bool) -> Option<(String, Facts)> {
    let mut buffer = TextBuffer::default();
    let facts = store.handle.load(id, touch, &mut buffer).unwrap()?;
    Some((contents_in(buffer.text(), &facts), facts))
}

impl World {
    pub fn open(seed: u64, now: u64, options: RunOptions) -> Self {
        let disk = SimulatedDisk::new();
        let (parts, clock) = parts(seed, now, options);
        let store = SimulatedStore::open(&disk, parts).unwrap();
        store.handle.listen(EventMask::ALL).unwrap();
        let model = Model::begin(store.handle.lsn(), now, Vec::new());
        Self {
            disk,
            store,
            model,
            known: Vec::new(),
            clock,
            options,
            promised: Promised::default(),
            ended: 0,
            acknowledged: 0,
        }
    }

    pub fn now(&self) -> u64 {
        self.store.handle.now()
    }

    pub fn step(&mut self, step: &Step) -> Checked {
        match step {
            Step::Create {
                uid,
                form,
                data,
                idle_timeout,
                absolute_timeout,
            } => self.create(&Wanted {
                uid,
                form: *form,
                data,
                idle_timeout: *idle_timeout,
                absolute_timeout: *absolute_timeout,
            })?,
            Step::Commit {
                who,
                stale,
                form,
                write,
                idle_timeout,
            } => self.commit(
                *who,
                *stale,
                &Changed {
                    form: *form,
                    write,
                    idle_timeout: *idle_timeout,
                },
            )?,
            Step::Regenerate { who, login, write } => self.regenerate(*who, *login, write)?,
            Step::Touch { who, idle_timeout } => self.touch(*who, *idle_timeout)?,
            Step::Read { who, touch } => self.read(*who, *touch)?,
            Step::Destroy(who) => self.destroy(*who)?,
            Step::DestroyByHandle(who) => self.destroy_by_handle(*who)?,
            Step::EndUser { uid, except } => self.end_user(uid, *except)?,
            Step::Clear => self.clear()?,
            Step::Sweep => {
                self.store.sweep();
                self.absorb(None)?;
                let now = self.now();
                prop_assert!(
                    self.model.live.values().all(|session| !session.is_over(now)),
                    "a sweep removes all expired sessions"
                );
            }
            Step::Wait(millis) => self.clock.advance(*millis),
            Step::Turn => {
                self.store.turn();
            }
            Step::Settle => self.settle()?,
            Step::Flush | Step::PassTime => {
                if matches!(step, Step::Flush) {
                    self.store.handle.flush().unwrap();
                } else {
                    self.store.settle();
                    self.store.pass_time();
                }
                self.settle()?;
                prop_assert!(
                    self.store.handle.reached().synced >= self.model.lsn(),
                    "{:?}",
                    self.store.handle.reached()
                );
            }
            Step::Checkpoint => {
                self.store.handle.checkpoint().unwrap();
            }
            Step::Reopen(reopening) => self.reopen(*reopening)?,
        }
        self.recount()
    }

    /// Runs the journal until it rests: then everything promised must be acknowledged.
    fn settle(&mut self) -> Checked {
        self.store.settle();
        let reached = self.store.handle.reached();
        let write = match self.options.durability {
            Durability::Disk => reached.synced,
            Durability::None | Durability::Os => reached.written,
        };
        prop_assert!(
            write >= self.promised.write && reached.ends_synced >= self.promised.end,
            "{:?}, promised {:?}",
            reached,
            self.promised
        );
        Ok(())
    }

    /// Checks the store's figures and sessions against the model's.
    pub fn recount(&self) -> Checked {
        self.store.validate();
        let stats = self.store.handle.stats().unwrap();
        prop_assert_eq!(self.store.handle.lsn(), self.model.lsn(), "records of the log");
        prop_assert_eq!(stats.sessions, self.model.live.len() as u64);
        prop_assert_eq!(stats.guests, self.model.guests() as u64);
        prop_assert_eq!(stats.bytes, self.model.bytes());
        let now = self.now();
        let pages = pages(&self.store);
        let mut held: Vec<_> = self
            .model
            .live
            .iter()
            .filter(|(_, session)| !session.is_over(now))
            .collect();
        prop_assert_eq!(pages.len(), held.len());
        for info in &pages {
            let at = held
                .iter()
                .position(|(n, _)| self.known[**n].handle == info.handle);
            prop_assert!(at.is_some(), "an unknown session: {:?}", info);
            let (_, session) = held.swap_remove(at.unwrap());
            prop_assert_eq!(info, &session.info(info.handle));
        }
        self.recount_users()
    }

    /// Checks each user's list against the model's.
    fn recount_users(&self) -> Checked {
        let now = self.now();
        for uid in ["ann", "bob", "жанна", "nobody"] {
            let listed = self.store.handle.sessions_of(owned(uid).as_text()).unwrap();
            let listed: Vec<_> = listed.iter().map(|info| (info.handle, info.facts)).collect();
            let mut theirs = self.model.of_user(uid);
            theirs.reverse();
            let is_live = |n: &&usize| !self.model.live[*n].is_over(now);
            let theirs: Vec<_> = theirs
                .iter()
                .filter(is_live)
                .map(|n| (self.known[*n].handle, self.model.live[n].facts()))
                .collect();
            prop_assert_eq!(listed, theirs, "the sessions of {}", uid);
        }
        Ok(())
    }

    /// The session that a step refers to, and an id that it has or had.
    pub fn target(&self, who: Who) -> Option<(usize, SessionId)> {
        let number = usize::from(who.number);
        let n = if who.any {
            number.checked_rem(self.known.len())?
        } else {
            *self
                .model
                .live
                .keys()
                .nth(number.checked_rem(self.model.live.len())?)?
        };
        let ids = &self.known[n].ids;
        let id = if who.any {
            &ids[number % ids.len()]
        } else {
            &ids[self.model.live[&n].id]
        };
        Some((n, id.clone()))
    }

    /// The session that must be found by an id; `None` if none must be found.
    pub fn expected(&self, n: usize, id: &SessionId) -> Option<Session> {
        let session = self.model.live.get(&n)?;
        (self.known[n].ids[session.id] == *id && !session.is_over(self.now())).then(|| session.clone())
    }

    fn number_of(&self, event: &Event) -> Option<usize> {
        self.model
            .live
            .keys()
            .copied()
            .find(|&n| self.known[n].handle == event.handle)
    }

    /// Takes the store's events of removed sessions, and checks that each had to be removed. `need` is the write that may evict.
    pub fn absorb(&mut self, need: Option<Need<'_>>) -> Checked {
        let now = self.now();
        let events: Vec<_> = std::iter::from_fn(|| self.store.handle.take_events())
            .flatten()
            .collect();
        for event in events {
            if matches!(event.kind, EventKind::Created | EventKind::Regenerated) {
                continue;
            }
            let n = self.number_of(&event);
            prop_assert!(n.is_some(), "no session has that handle: {:?}", event);
            let n = n.unwrap();
            let session = &self.model.live[&n];
            prop_assert_eq!(
                event.uid.as_ref().map(narrow),
                session.is_user().then(|| owned(&session.uid))
            );
            match event.kind {
                EventKind::Expired => {
                    let idle = session.idle_deadline() == session.deadline();
                    let reason = if idle {
                        Reason::IdleTimeout
                    } else {
                        Reason::AbsoluteTimeout
                    };
                    prop_assert!(
                        session.is_over(now) && event.reason == reason,
                        "{:?} at {}: {:?}",
                        event.reason,
                        now,
                        session
                    );
                }
                EventKind::Evicted if event.reason == Reason::MaxSessionsPerUser => {
                    self.check_limit(need, n)?;
                }
                EventKind::Evicted => {
                    let RunOptions {
                        max_sessions,
                        max_bytes,
                        ..
                    } = self.options;
                    prop_assert!(need.is_some(), "no write needed room");
                    let need = need.unwrap();
                    let reason = if self.model.live.len() + need.sessions > max_sessions as usize {
                        Reason::MaxSessions
                    } else {
                        Reason::MaxBytes
                    };
                    prop_assert_eq!(event.reason, reason);
                    prop_assert!(
                        reason == Reason::MaxSessions || self.model.bytes() + need.bytes > max_bytes,
                        "there was room"
                    );
                    prop_assert!(
                        self.model.live.values().all(|session| !session.is_over(now)),
                        "expired sessions are removed first"
                    );
                    prop_assert_eq!(Some(n), self.model.victim(&need), "the order of eviction");
                }
                _ => {}
            }
            self.model.remove(now, n);
        }
        Ok(())
    }

    /// Checks that session `n` had to be evicted because of the limit of its user, who logs in.
    fn check_limit(&self, need: Option<Need<'_>>, n: usize) -> Checked {
        let now = self.now();
        let login = need.and_then(|need| need.login);
        prop_assert!(login.is_some(), "no login needed room");
        let LoginNeed { uid, again } = login.unwrap();
        prop_assert_eq!(&self.model.live[&n].uid, uid);
        prop_assert_eq!(self.options.at_user_limit, AtUserLimit::EvictOldest);
        let theirs = self.model.of_user(uid);
        prop_assert!(
            theirs.iter().all(|n| !self.model.live[n].is_over(now)),
            "expired ones go first"
        );
        let will_be = theirs.len() + usize::from(again.is_none());
        prop_assert!(
            will_be > self.options.max_sessions_per_user as usize,
            "there was room"
        );
        let victim = theirs.into_iter().find(|&n| Some(n) != again);
        prop_assert_eq!(Some(n), victim, "the one used longest ago goes");
        Ok(())
    }

    /// Checks that a login was refused only because its user has as many sessions as allowed.
    fn refused_by_limit(&self, need: &Need<'_>) -> Checked {
        let now = self.now();
        prop_assert_eq!(self.options.at_user_limit, AtUserLimit::Refuse);
        prop_assert!(need.login.is_some());
        let LoginNeed { uid, again } = need.login.unwrap();
        prop_assert_eq!(again, None, "logging in again is no additional session");
        let theirs = self.model.of_user(uid);
        prop_assert!(
            theirs.iter().all(|n| !self.model.live[n].is_over(now)),
            "expired ones go first"
        );
        prop_assert!(
            theirs.len() >= self.options.max_sessions_per_user as usize,
            "there was room"
        );
        Ok(())
    }

    /// Checks that a login left no more sessions of its user than allowed.
    pub fn is_within_limit(&self, uid: &str) -> Checked {
        let now = self.now();
        let theirs = self.model.of_user(uid);
        let live = theirs.iter().filter(|n| !self.model.live[n].is_over(now)).count();
        let is_enforced = !uid.is_empty() && self.options.at_user_limit == AtUserLimit::EvictOldest;
        let most = self.options.max_sessions_per_user as usize;
        prop_assert!(!is_enforced || live <= most, "{} sessions of {}", live, uid);
        Ok(())
    }

    /// Checks that a write was refused only because no eviction could make room for it.
    pub fn refused(&self, error: &Error, need: &Need<'_>) -> Checked {
        let now = self.now();
        let RunOptions {
            max_sessions,
            max_bytes,
            ..
        } = self.options;
        if error.code() == "ERR_SESSION_LIMIT" {
            return self.refused_by_limit(need);
        }
        prop_assert_eq!(error.code(), "ERR_SESSION_FULL");
        prop_assert!(
            !self.model.could_fit(need, max_sessions, max_bytes),
            "{:?} would fit",
            need
        );
        prop_assert!(
            self.model.live.values().all(|session| !session.is_over(now)),
            "expired sessions are removed first"
        );
        Ok(())
    }
}
