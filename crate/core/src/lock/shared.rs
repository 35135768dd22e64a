//! What a store's threads share: the one mutex around it, and what is told and woken after unlocking.

use crate::format::queue::Queue;
use crate::lock::status::{JournalStatus, News};
use crate::lock::sync::{Condvar, Mutex, MutexGuard};
use crate::model::clock::{Clock, Wake};
use crate::model::error::Error;
use crate::model::random::Random;
use crate::store::{Retired, Store};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the journal's thread lets writes gather for which nobody waits: waking it for each would cost the writers more than all else.
const LINGER: Duration = Duration::from_millis(20);

/// What the journal's thread is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriterRest {
    /// Nothing.
    Awake,
    /// Any work.
    Sleeps,
    /// Work that somebody waits for; else the end of a moment.
    Lingers,
}

/// Called, from whichever thread, when there is something to be told.
pub type Notifier = Box<dyn Fn() + Send + Sync>;

/// One of those who opened the store, to be told of what happens.
struct Seat {
    number: u32,
    notify: Option<Notifier>,
    news: VecDeque<News>,
}

/// News kept for a seat that does not ask for them.
const MAX_NEWS: usize = 1_000;

/// What the mutex protects.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, asked by another thread"
)]
pub(crate) struct Protected {
    pub store: Store,
    pub closed: bool,
    /// A panic happened under the lock: nothing here can be trusted any more.
    pub poisoned: bool,
    /// The sweeper is to end.
    pub stop: bool,
    /// The instant that the sweeper sleeps until; 0 while it is awake or about to be.
    pub sleeps_until: u64,
    /// Records of a cleared store, for the sweeper to take apart.
    pub retired: Vec<Retired>,
    /// The disk keeps failing, and writes that should survive are refused.
    pub refuses: bool,
    /// Checkpoints that were asked for.
    pub checkpoint_tickets: u64,
    /// What the journal's thread waits for.
    pub writer: WriterRest,
    /// Something but a write is there for it to see to.
    pub writer_wanted: bool,
    /// Handles that are open.
    pub seats: u32,
    pub next_seat: u32,
}

impl Protected {
    pub fn new(store: Store) -> Self {
        Self {
            store,
            closed: false,
            poisoned: false,
            stop: false,
            sleeps_until: 0,
            retired: Vec::new(),
            refuses: false,
            checkpoint_tickets: 0,
            writer: WriterRest::Awake,
            writer_wanted: false,
            seats: 0,
            next_seat: 0,
        }
    }

    fn writer_is_to_wake(&self) -> bool {
        let Some(log) = self.store.log() else { return false };
        match self.writer {
            WriterRest::Awake => false,
            WriterRest::Sleeps => log.has_work(),
            WriterRest::Lingers => log.is_urgent(),
        }
    }

    pub fn usable(&self) -> Result<(), Error> {
        match (self.poisoned, self.closed) {
            (true, _) => Err(Error::Poisoned),
            (_, true) => Err(Error::Closed),
            _ => Ok(()),
        }
    }
}

/// Marks the state when a panic passes while it is borrowed.
pub(crate) struct PoisonOnPanic<'a>(pub &'a mut Protected);

impl Drop for PoisonOnPanic<'_> {
    fn drop(&mut self) {
        self.0.poisoned |= std::thread::panicking();
    }
}

/// Ends the store when a panic passes. To be dropped without the lock.
pub(crate) struct TellOfPanic<'a>(pub &'a Shared);

impl Drop for TellOfPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.panicked();
        }
    }
}

/// The store and all that its threads share.
pub(crate) struct Shared {
    state: Mutex<Protected>,
    /// For the expiry thread.
    wake: Condvar,
    /// For the journal's thread.
    work: Condvar,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// How far the journal is, if there is one.
    pub status: JournalStatus,
    pub has_journal: bool,
    /// Not under the store's lock: those who are told may come back for it.
    seats: parking_lot::Mutex<Vec<Seat>>,
}

impl Shared {
    pub fn new(store: Store, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let lsn = store.log().map(Queue::last_lsn);
        Self {
            state: Mutex::new(Protected::new(store)),
            wake: Condvar::default(),
            work: Condvar::default(),
            clock,
            random,
            status: JournalStatus::new(lsn.unwrap_or_default()),
            has_journal: lsn.is_some(),
            seats: parking_lot::Mutex::default(),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Protected> {
        self.state.lock()
    }

    pub fn wait<'a>(
        &self,
        guard: MutexGuard<'a, Protected>,
        timeout: Option<Duration>,
    ) -> MutexGuard<'a, Protected> {
        self.wake.wait(guard, timeout)
    }

    /// Ends a hold of the lock that changed the store: unlocks, fairly if asked, then drops, wakes and tells.
    pub fn release(&self, mut guard: MutexGuard<'_, Protected>, fair: bool) {
        let garbage = guard.store.take_garbage();
        let signal = guard.store.outbox_mut().take_signal();
        let has_chores =
            !guard.retired.is_empty() || guard.store.has_excess() || guard.store.wants_compaction();
        let wake = guard.store.due_at() < guard.sleeps_until || (guard.sleeps_until > 0 && has_chores);
        if wake {
            guard.sleeps_until = 0;
        }
        let write = guard.writer_is_to_wake();
        if write {
            guard.writer = WriterRest::Awake;
        }
        if fair {
            Mutex::unlock_fair(guard);
        } else {
            drop(guard);
        }
        drop(garbage);
        if wake {
            self.wake.notify();
        }
        if write {
            self.work.notify();
        }
        if signal {
            self.signal();
        }
    }

    /// Ends the threads: the journal's once it has handed to the system what waits.
    pub fn stop(&self) {
        self.lock().stop = true;
        self.wake.notify();
        self.work.notify();
    }

    /// Has the journal's thread look around.
    pub fn wake_writer(&self) {
        let mut guard = self.lock();
        guard.writer_wanted = true;
        guard.writer = WriterRest::Awake;
        drop(guard);
        self.work.notify();
    }

    /// After a panic in any of the store's threads, or in a call: from here on everybody is refused, and whoever waits for the disk is
    /// told at once, whatever the journal's thread is waiting for. That one leaves the files as they are.
    pub fn panicked(&self) {
        self.lock().poisoned = true;
        if self.has_journal && self.status.poisoned() {
            self.tell(&News::Degraded(Error::Poisoned));
        }
        self.wake_writer();
    }

    /// Sleeps until there is work for the journal's thread or the time is over; false when it is to end.
    pub fn wait_for_work(&self, timeout: Option<Duration>) -> bool {
        let until = timeout.map(|timeout| Instant::now() + timeout);
        let mut lingers_until = None;
        let mut guard = self.lock();
        loop {
            let has_work = guard.store.log().is_some_and(Queue::has_work);
            let is_urgent = guard.stop || guard.store.log().is_some_and(Queue::is_urgent);
            if std::mem::take(&mut guard.writer_wanted) || has_work && is_urgent {
                return true;
            }
            if guard.stop && !guard.closed || guard.poisoned {
                return guard.poisoned;
            }
            let (rest, until) = if has_work {
                let until = *lingers_until.get_or_insert_with(|| Instant::now() + LINGER);
                (WriterRest::Lingers, Some(until))
            } else {
                (WriterRest::Sleeps, until)
            };
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return true;
            }
            guard.writer = rest;
            guard = self.work.wait(guard, left);
            guard.writer = WriterRest::Awake;
        }
    }

    /// True if the store holds a session of this user. Looks at all of them.
    pub fn has_user(&self, uid: &str) -> bool {
        let mut has = false;
        self.lock().store.for_each(|record| has |= record.has_uid(uid));
        has
    }

    /// Forgets all sessions of a store that was closed, once the disk has them.
    pub fn forget(&self) {
        let mut guard = self.lock();
        let retired = guard.store.clear();
        drop(guard);
        drop(retired);
    }

    pub fn add_seat(&self, number: u32) {
        self.seats.lock().push(Seat {
            number,
            notify: None,
            news: VecDeque::new(),
        });
    }

    /// Sets what is called when there is something for a seat. Once only: the first stays.
    pub fn on_signal(&self, number: u32, notify: Notifier) {
        if let Some(seat) = self.seats.lock().iter_mut().find(|seat| seat.number == number) {
            seat.notify.get_or_insert(notify);
        }
    }

    pub fn remove_seat(&self, number: u32) {
        self.seats.lock().retain(|seat| seat.number != number);
    }

    /// Says to everybody that there is something new.
    pub fn signal(&self) {
        for notify in self.seats.lock().iter().filter_map(|seat| seat.notify.as_ref()) {
            notify();
        }
    }

    /// Tells everybody.
    pub fn tell(&self, news: &News) {
        for seat in self
            .seats
            .lock()
            .iter_mut()
            .filter(|seat| seat.news.len() < MAX_NEWS)
        {
            seat.news.push_back(news.clone());
        }
        self.signal();
    }

    pub fn take_news(&self, number: u32) -> Option<News> {
        let mut seats = self.seats.lock();
        seats
            .iter_mut()
            .find(|seat| seat.number == number)?
            .news
            .pop_front()
    }
}

impl Wake for Shared {
    fn wake(&self) {
        self.lock().sleeps_until = 0;
        self.wake.notify();
    }
}
