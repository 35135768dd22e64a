//! The end of one run and the beginning of the next: the sessions that came back against those that the model has.

use crate::model::{Model, Need, Session};
use crate::steps::{End, Jump, Reopening, RunOptions};
use crate::world::{Checked, Promised, World, pages, parts, read};
use agai_session_core::lock::status::Health;
use agai_session_core::model::durability::Durability;
use agai_session_core::model::lsn::Lsn;
use agai_session_core::testing::disk::{Crash, Stop};
use agai_session_core::testing::simulation::SimulatedStore;
use agai_session_core::{AtUserLimit, EventMask, NEVER, SessionInfo, UNLIMITED};
use proptest::prelude::*;
use std::ops::RangeInclusive;

/// Turns after which a closed store's journal must have ended.
const MOST_TURNS: usize = 1_000;

/// The options of a run with room for all sessions in the files.
const ROOMY: RunOptions = RunOptions {
    durability: Durability::Os,
    max_sessions: 1_000,
    max_bytes: 1 << 20,
    max_sessions_per_user: UNLIMITED,
    at_user_limit: AtUserLimit::EvictOldest,
    checkpoint_bytes: 1 << 20,
};

/// How a run ended.
#[derive(Debug)]
struct Ended {
    how: Crash,
    closed: bool,
    at: u64,
    /// The last record that must be there.
    promised: Lsn,
    /// The last record that was made.
    last: Lsn,
}

impl World {
    /// Ends the run, opens the store again, and checks everything that came back.
    pub fn reopen(&mut self, reopening: Reopening) -> Checked {
        let Reopening {
            end,
            seed,
            clock,
            options,
        } = reopening;
        let ended = self.end(end, seed)?;
        self.ended += 1;
        self.acknowledged += ended.promised.distance(self.model.base_lsn()).unwrap_or_default();
        let disk = self.disk.crash(seed, ended.how);
        let now = match clock {
            Jump::Ahead(millis) => ended.at.saturating_add(millis).min(NEVER / 2),
            Jump::Back(millis) => ended.at.saturating_sub(millis),
            Jump::To(instant) => instant,
        };
        // Compared in a copy first, since reading a session makes it the most recently used one.
        let (roomy, _) = parts(seed, now, ROOMY);
        let copy = SimulatedStore::open(&disk.crash(seed, Crash::KillProcess), roomy);
        let copy =
            copy.map_err(|error| TestCaseError::fail(format!("{ended:?}: it does not open: {error}")))?;
        let sessions = self.compare(&ended, &copy, now)?;

        let (parts, clock) = parts(seed.wrapping_add(1), now, options);
        let store =
            SimulatedStore::open(&disk, parts).map_err(|error| TestCaseError::fail(error.to_string()))?;
        store.handle.listen(EventMask::ALL).unwrap();
        let (last, clock_set_back) = (copy.handle.lsn(), copy.report.clock_set_back);
        prop_assert_eq!(store.report.clock_set_back, clock_set_back);
        self.model = Model::begin(last, now, sessions);
        (self.disk, self.store, self.clock, self.options) = (disk, store, clock, options);
        self.promised = Promised::default();
        self.shrink(now)?;
        self.recount()
    }

    /// Ends the current run.
    fn end(&mut self, end: End, seed: u64) -> Checked<Ended> {
        let (at, last) = (self.now(), self.model.lsn());
        match end {
            End::Close(how) => {
                self.store.handle.close();
                let turns = (0..MOST_TURNS).take_while(|_| self.store.turn()).count();
                prop_assert!(
                    turns < MOST_TURNS && self.store.handle.health() == Health::Closed,
                    "it does not close"
                );
                let reached = self.store.handle.reached();
                prop_assert!(reached.synced >= last, "{:?}, closed at {}", reached, last);
                Ok(Ended {
                    how,
                    closed: true,
                    at,
                    promised: last,
                    last,
                })
            }
            End::Crash { turns, stop, how } => {
                if let Some(operations) = stop {
                    let stop = if seed.is_multiple_of(2) {
                        Stop::Before
                    } else {
                        Stop::Within { seed }
                    };
                    self.disk
                        .stop_at(self.disk.operations() + u64::from(operations), stop);
                }
                for _ in 0..turns {
                    self.store.turn();
                }
                let reached = self.store.handle.reached();
                let promised = match how {
                    Crash::KillProcess => reached.written,
                    _ => reached.synced.max(reached.ends_synced),
                };
                Ok(Ended {
                    how,
                    closed: false,
                    at,
                    promised,
                    last,
                })
            }
        }
    }

    /// Compares everything that came back with the model. Returns the sessions, least recently used first.
    fn compare(&mut self, ended: &Ended, copy: &SimulatedStore, now: u64) -> Checked<Vec<(usize, Session)>> {
        copy.validate();
        let sessions = copy.handle.stats().unwrap().sessions;
        let last = copy.handle.lsn();
        prop_assert!(
            (ended.promised..=ended.last).contains(&last),
            "{:?}: the log ends at {}",
            ended,
            last
        );
        let by = copy.report.clock_set_back;
        let possible = if ended.closed {
            ended.at
        } else {
            self.model.mentioned(ended.promised)
        }..=ended.at;
        prop_assert!(
            is_set_back(by, &possible, now),
            "set back by {}: {:?}, now {}",
            by,
            possible,
            now
        );

        let mut pages: Vec<_> = pages(copy).into_iter().enumerate().collect();
        prop_assert_eq!((pages.len() as u64, copy.report.sessions), (sessions, sessions));
        // After a power cut, a snapshot may have a later state of one session than the shortened log has of another.
        let is_exact = ended.closed || ended.how == Crash::KillProcess;
        let from = if is_exact { last } else { ended.promised };
        let mut back = Vec::new();
        for n in 0..self.known.len() {
            let handle = self.known[n].handle;
            let at = pages.iter().position(|(_, info)| info.handle == handle);
            let found = at.map(|at| pages.swap_remove(at));
            let states = self.model.states(n, from, last);
            let fits = |state: &Option<Session>| match (state, &found) {
                (None, None) => true,
                (Some(session), None) => moved(session, by) <= now && session.deadline() < NEVER,
                (Some(session), Some((_, info))) => self.is_back(copy, n, session, info, by),
                (None, Some(_)) => false,
            };
            let state = states.iter().find(|state| fits(state));
            prop_assert!(
                state.is_some(),
                "{:?}: session {} is {:?} at {} with the clock set back by {}, which is none of {:?}",
                ended,
                n,
                found,
                now,
                by,
                states
            );
            let current = found.as_ref().and(state.cloned().flatten());
            let alive = current.as_ref().map(|session| session.id);
            for (at, id) in self.known[n].ids.iter().enumerate() {
                prop_assert_eq!(
                    copy.handle.has(id).unwrap(),
                    alive == Some(at),
                    "id {} of session {}",
                    at,
                    n
                );
            }
            if let (Some((place, info)), Some(session)) = (found, current) {
                back.push((info.facts.last_seen_at, place, n, restored(session, &info)));
            }
        }
        prop_assert!(pages.is_empty(), "unknown sessions: {:?}", pages);
        // The order of eviction is that of the last activity, and within a millisecond that of the slots.
        back.sort_unstable_by_key(|&(seen, place, ..)| (seen, place));
        Ok(back.into_iter().map(|(_, _, n, session)| (n, session)).collect())
    }

    /// Whether a session is back as it was, except for activity that the log need not have and for a clock that was set back.
    fn is_back(
        &self,
        copy: &SimulatedStore,
        n: usize,
        session: &Session,
        info: &SessionInfo,
        by: u64,
    ) -> bool {
        let facts = info.facts;
        let expected = Session {
            form: String::new(),
            created_at: session.created_at.saturating_sub(by),
            authenticated_at: session.authenticated_at.saturating_sub(by),
            absolute_deadline: back(session.absolute_deadline, by),
            // Compared below.
            last_seen_at: facts.last_seen_at,
            idle_timeout: facts.idle_timeout,
            ..session.clone()
        };
        let unlogged = session.granularity();
        let (seen, idle) = (session.last_seen_at, session.idle_deadline());
        let same_times = if seen >= by {
            let seen = seen - by;
            (seen..=seen + unlogged).contains(&facts.last_seen_at)
                && facts.idle_timeout == session.idle_timeout
        } else if idle < NEVER {
            // Last seen before 1970 by the new clock, which no time can express; the remaining time stays.
            (idle..=idle + unlogged).contains(&(facts.idle_deadline() + by))
        } else {
            facts.idle_timeout == NEVER
        };
        same_times
            && info == &expected.info(self.known[n].handle)
            && read(copy, &self.known[n].ids[session.id], false) == Some((expected.text(), facts))
    }

    /// Evicts from the model what an opening with lower bounds evicts.
    fn shrink(&mut self, now: u64) -> Checked {
        let before = self.model.live.len();
        let need = Need {
            sessions: 0,
            bytes: 0,
            for_user: true,
            keep: None,
            login: None,
        };
        while self.model.live.len() > self.options.max_sessions as usize
            || self.model.bytes() > self.options.max_bytes
        {
            let victim = self.model.victim(&need);
            prop_assert!(victim.is_some());
            self.model.remove(now, victim.unwrap());
        }
        let evicted = before - self.model.live.len();
        prop_assert_eq!(self.store.report.evicted, evicted as u64);
        Ok(())
    }
}

/// A time by a clock that was set back; at least 0. [`NEVER`] stays.
fn back(instant: u64, by: u64) -> u64 {
    if instant >= NEVER {
        NEVER
    } else {
        instant.saturating_sub(by)
    }
}

/// A session's deadline by a clock that was set back.
fn moved(session: &Session, by: u64) -> u64 {
    back(session.deadline(), by)
}

/// Whether `by` is how far the clock was set back, if the latest time in the files is one of `possible`.
fn is_set_back(by: u64, possible: &RangeInclusive<u64>, now: u64) -> bool {
    if by == 0 {
        *possible.start() <= now
    } else {
        possible.contains(&(now + by))
    }
}

/// A session that came back, with its times by the new clock.
fn restored(session: Session, info: &SessionInfo) -> Session {
    let facts = info.facts;
    Session {
        form: String::new(),
        created_at: facts.created_at,
        authenticated_at: facts.authenticated_at,
        last_seen_at: facts.last_seen_at,
        idle_timeout: facts.idle_timeout,
        absolute_deadline: facts.absolute_deadline,
        ..session
    }
}
