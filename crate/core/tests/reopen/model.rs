//! The plain model of a store: maps, and a list of the log's records, from which its state at any record can be derived.

use agai_session_core::model::lsn::Lsn;
use agai_session_core::testing::objects::{Members, owned};
use agai_session_core::{Assurance, Facts, Handle, NEVER, RECORD_OVERHEAD, SessionInfo, USER_OVERHEAD};
use std::collections::BTreeMap;

/// One session, with times by the clock of the current run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The index of its current id among all ids that it ever had.
    pub id: usize,
    pub uid: String,
    /// How often it got a new secret, the first login included.
    pub epoch: u32,
    pub form: String,
    pub data: Members,
    pub version: u64,
    pub created_at: u64,
    /// 0 for a guest.
    pub authenticated_at: u64,
    pub last_seen_at: u64,
    pub idle_timeout: u64,
    pub absolute_deadline: u64,
}

impl Session {
    pub fn idle_deadline(&self) -> u64 {
        after(self.last_seen_at, self.idle_timeout)
    }

    pub fn deadline(&self) -> u64 {
        self.idle_deadline().min(self.absolute_deadline)
    }

    pub fn is_over(&self, now: u64) -> bool {
        self.deadline() <= now && self.deadline() < NEVER
    }

    pub fn is_user(&self) -> bool {
        !self.uid.is_empty()
    }

    pub fn bytes(&self) -> u64 {
        let data = self.data.to_string();
        let texts = [&self.uid, &self.form, &data];
        let wide = texts.iter().any(|text| text.chars().any(|c| c > 'ÿ'));
        let texts: usize = texts.iter().map(|text| text.encode_utf16().count()).sum();
        let units = texts + self.data.places() + 1;
        let Assurance { methods, .. } = assurance_of(&self.uid);
        let is_plain = self.epoch == u32::from(self.is_user())
            && (!self.is_user() || assurance_of(&self.uid) == Assurance::PLAIN);
        let standing = if is_plain { 0 } else { 2 + 9 };
        let standing = standing
            + if methods.is_empty() {
                0
            } else {
                4 + methods.len() as u64
            };
        let stamps = if self.is_user() { 18 } else { 12 } + if self.form.is_empty() { 0 } else { 4 };
        let of_user = if self.is_user() { USER_OVERHEAD } else { 0 };
        standing + stamps + (units << usize::from(wide)) as u64 + RECORD_OVERHEAD + of_user
    }

    /// The facts that the store must return.
    pub fn facts(&self) -> Facts {
        Facts {
            version: self.version,
            created_at: self.created_at,
            last_seen_at: self.last_seen_at,
            idle_timeout: self.idle_timeout,
            absolute_deadline: self.absolute_deadline,
            authenticated_at: self.authenticated_at,
            uid_units: self.uid.encode_utf16().count(),
            form_units: self.form.encode_utf16().count(),
            epoch: self.epoch,
            level: if self.is_user() {
                assurance_of(&self.uid).level
            } else {
                0
            },
            remembered: self.is_user() && assurance_of(&self.uid).remembered,
            methods_units: assurance_of(&self.uid).methods.len(),
        }
    }

    /// The entry that a page of sessions must have.
    pub fn info(&self, handle: Handle) -> SessionInfo {
        SessionInfo {
            handle,
            uid: self.is_user().then(|| owned(&self.uid)),
            facts: self.facts(),
            bytes: self.bytes(),
        }
    }

    /// User id, form and data as one text.
    pub fn text(&self) -> String {
        [&*self.uid, &self.form, &self.data.to_string()].concat()
    }

    /// Milliseconds of activity that need not be in the log.
    pub fn granularity(&self) -> u64 {
        self.idle_timeout / 10
    }
}

/// How sure each user's logins are.
pub fn assurance_of(uid: &str) -> Assurance<'static> {
    match uid {
        "bob" => Assurance {
            level: 3,
            remembered: false,
            methods: b"pwd,hwk",
        },
        "жанна" => Assurance {
            level: 2,
            remembered: true,
            methods: b"otp",
        },
        _ => Assurance::PLAIN,
    }
}

pub fn after(start: u64, duration: u64) -> u64 {
    if duration >= NEVER {
        NEVER
    } else {
        start + duration
    }
}

/// A record of the log. Sessions are numbered in the order of their creation.
#[derive(Debug, Clone)]
pub enum Record {
    Put(usize, Session),
    Touch(usize, u64, u64),
    Remove(usize),
    Clear,
}

impl Record {
    fn apply(&self, sessions: &mut BTreeMap<usize, Session>) {
        match self {
            Self::Put(n, session) => {
                // Form parameters are never written.
                let written = Session {
                    form: String::new(),
                    ..session.clone()
                };
                sessions.insert(*n, written);
            }
            Self::Touch(n, last_seen_at, idle_timeout) => {
                if let Some(session) = sessions.get_mut(n) {
                    session.last_seen_at = *last_seen_at;
                    session.idle_timeout = *idle_timeout;
                }
            }
            Self::Remove(n) => {
                sessions.remove(n);
            }
            Self::Clear => sessions.clear(),
        }
    }
}

/// The room that a write needs.
#[derive(Debug, Clone, Copy)]
pub struct Need<'a> {
    pub sessions: usize,
    pub bytes: u64,
    /// Whether users' sessions may be evicted too.
    pub for_user: bool,
    /// The session that is never evicted.
    pub keep: Option<usize>,
    pub login: Option<LoginNeed<'a>>,
}

/// A login, which the limit of its user's sessions may concern.
#[derive(Debug, Clone, Copy)]
pub struct LoginNeed<'a> {
    pub uid: &'a str,
    /// The session that logs in again, if it is this user's already.
    pub again: Option<usize>,
}

/// The model of one run of the store.
#[derive(Debug, Default)]
pub struct Model {
    /// The sessions in the files when the run began.
    base: BTreeMap<usize, Session>,
    /// The newest record in the files when the run began.
    base_lsn: Lsn,
    began_at: u64,
    /// The records of this run, each with its time.
    records: Vec<(u64, Record)>,
    /// The sessions in the files once all records are written.
    logged: BTreeMap<usize, Session>,
    /// The sessions in memory, including expired ones that were not looked up since.
    pub live: BTreeMap<usize, Session>,
    /// The sessions in memory, least recently used first.
    order: Vec<usize>,
    /// The sessions in memory, the earliest login of their users first.
    logins: Vec<usize>,
}

impl Model {
    /// Begins a run with these sessions, least recently used first.
    pub fn begin(base_lsn: Lsn, began_at: u64, sessions: Vec<(usize, Session)>) -> Self {
        let order: Vec<_> = sessions.iter().map(|(n, _)| *n).collect();
        let base: BTreeMap<_, _> = sessions.into_iter().collect();
        Self {
            base_lsn,
            began_at,
            records: Vec::new(),
            logged: base.clone(),
            live: base.clone(),
            logins: order.clone(),
            order,
            base,
        }
    }

    pub fn base_lsn(&self) -> Lsn {
        self.base_lsn
    }

    /// The newest LSN.
    pub fn lsn(&self) -> Lsn {
        Lsn::new(self.base_lsn.get() + self.records.len() as u64)
    }

    pub fn logged(&self, n: usize) -> Option<&Session> {
        self.logged.get(&n)
    }

    fn record(&mut self, now: u64, record: Record) {
        record.apply(&mut self.logged);
        self.records.push((now, record));
    }

    /// The number of this run's records up to `lsn`.
    fn count(&self, lsn: Lsn) -> usize {
        usize::try_from(lsn.distance(self.base_lsn).unwrap_or_default())
            .map_or(self.records.len(), |count| count.min(self.records.len()))
    }

    /// The time of the newest record in files that have all up to `lsn`.
    pub fn mentioned(&self, lsn: Lsn) -> u64 {
        let count = self.count(lsn);
        count
            .checked_sub(1)
            .map_or(self.began_at, |last| self.records[last].0)
    }

    /// The states of a session in files whose log ends at any of the records `from..=to`.
    pub fn states(&self, n: usize, from: Lsn, to: Lsn) -> Vec<Option<Session>> {
        let others = |record: &Record| matches!(record, Record::Put(m, _) | Record::Touch(m, ..) | Record::Remove(m) if *m != n);
        let mut sessions: BTreeMap<_, _> = self
            .base
            .get(&n)
            .map(|base| (n, base.clone()))
            .into_iter()
            .collect();
        let (before, open) = self.records[..self.count(to)].split_at(self.count(from));
        for (_, record) in before.iter().filter(|(_, record)| !others(record)) {
            record.apply(&mut sessions);
        }
        let mut states = vec![sessions.get(&n).cloned()];
        for (_, record) in open.iter().filter(|(_, record)| !others(record)) {
            record.apply(&mut sessions);
            states.push(sessions.get(&n).cloned());
        }
        states
    }

    pub fn bytes(&self) -> u64 {
        self.live.values().map(Session::bytes).sum()
    }

    pub fn guests(&self) -> usize {
        self.live.values().filter(|session| !session.is_user()).count()
    }

    /// The sessions of a user, last seen longest ago first, and of those seen in the same millisecond the earliest login first.
    pub fn of_user(&self, uid: &str) -> Vec<usize> {
        let is_theirs = |n: &usize| self.live[n].uid == uid;
        let mut theirs: Vec<_> = self.logins.iter().copied().filter(is_theirs).collect();
        theirs.sort_by_key(|n| self.live[n].last_seen_at);
        theirs
    }

    /// Makes a session the most recently used one.
    pub fn use_now(&mut self, n: usize) {
        self.order.retain(|&other| other != n);
        self.order.push(n);
    }

    /// Notes the write of a whole session: created, changed, or moved to a new id.
    pub fn put(&mut self, now: u64, n: usize, session: Session) {
        self.use_now(n);
        let is_login = self.live.get(&n).is_none_or(|before| before.uid != session.uid);
        if is_login {
            self.logins.retain(|&other| other != n);
            self.logins.push(n);
        }
        self.live.insert(n, session.clone());
        self.record(now, Record::Put(n, session));
    }

    /// Notes a session's activity, in the log too if `logged`.
    pub fn touch(&mut self, now: u64, n: usize, idle_timeout: Option<u64>, logged: bool) {
        self.use_now(n);
        let Some(session) = self.live.get_mut(&n) else {
            return;
        };
        session.last_seen_at = now;
        session.idle_timeout = idle_timeout.unwrap_or(session.idle_timeout);
        let timeout = session.idle_timeout;
        if logged {
            self.record(now, Record::Touch(n, now, timeout));
        }
    }

    pub fn remove(&mut self, now: u64, n: usize) {
        self.order.retain(|&other| other != n);
        self.logins.retain(|&other| other != n);
        self.live.remove(&n);
        self.record(now, Record::Remove(n));
    }

    pub fn clear(&mut self, now: u64) {
        self.order.clear();
        self.logins.clear();
        self.live.clear();
        self.record(now, Record::Clear);
    }

    /// The session to evict next: the least recently used guest's; without one, the least recently used user's, if that may be evicted.
    pub fn victim(&self, need: &Need<'_>) -> Option<usize> {
        let is_user = |n: &usize| self.live[n].is_user();
        let mut order = self.order.iter().filter(|&&n| Some(n) != need.keep);
        let guest = order.clone().find(|n| !is_user(n));
        guest
            .or_else(|| order.find(|n| need.for_user && is_user(n)))
            .copied()
    }

    /// Whether there would be room if all sessions that may be evicted were gone.
    pub fn could_fit(&self, need: &Need<'_>, max_sessions: u32, max_bytes: u64) -> bool {
        let stays =
            |&(n, session): &(&usize, &Session)| Some(*n) == need.keep || session.is_user() && !need.for_user;
        let stay: Vec<_> = self.live.iter().filter(stays).collect();
        let bytes: u64 = stay.iter().map(|(_, session)| session.bytes()).sum();
        stay.len() + need.sessions <= max_sessions as usize && bytes + need.bytes <= max_bytes
    }
}
