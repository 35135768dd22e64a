//! The state that a store's threads share: the one mutex, and what is dropped, woken and notified after unlocking.

use crate::format::queue::Queue;
use crate::lock::status::{JournalStatus, News};
use crate::lock::sync::{Condvar, Mutex, MutexGuard};
use crate::model::clock::{Clock, Wake};
use crate::model::error::Error;
use crate::model::random::{Random, TokenKey, token_key};
use crate::store::{Retired, Store};
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long records that no caller waits for gather before the journal's thread is woken. Waking it for each record would cost more than
/// the rest of the write.
const LINGER: Duration = Duration::from_millis(20);

/// What the journal's thread is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriterRest {
    /// It is not waiting.
    Awake,
    /// Any work.
    Sleeps,
    /// Urgent work, or the end of [`LINGER`].
    Lingers,
}

/// The callback of a handle, called from any thread when events or news wait to be taken, or acknowledgements have moved.
pub type Notifier = Box<dyn Fn() + Send + Sync>;

/// One open handle of the store: the callback that notifies it, and the signals that it has not taken yet.
struct Seat {
    number: u32,
    notify: Option<Notifier>,
    news: VecDeque<News>,
}

/// News kept for a seat that does not take them. Later ones are dropped.
const MAX_NEWS: usize = 1_000;

/// The state that the mutex protects.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a separate fact, read by a different thread"
)]
pub(crate) struct Protected {
    pub store: Store,
    pub closed: bool,
    /// A call or one of the store's threads panicked: the contents cannot be trusted any more.
    pub poisoned: bool,
    /// The store's threads are to end.
    pub stop: bool,
    /// The instant until which the expiry thread sleeps; 0 while it is awake or about to wake.
    pub sleeps_until: u64,
    /// Contents of cleared stores, for the expiry thread to report and drop.
    pub retired: Vec<Retired>,
    /// Writes are refused, because the disk keeps failing.
    pub refuses: bool,
    /// Checkpoints requested so far. The number of a request is its ticket.
    pub checkpoint_tickets: u64,
    pub writer: WriterRest,
    /// The journal's thread has work that is not in the queue, such as a checkpoint.
    pub writer_wanted: bool,
    /// Open handles.
    pub seats: u32,
    /// The number of the next handle's seat.
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

    /// An error if the store is poisoned or closed.
    pub fn usable(&self) -> Result<(), Error> {
        match (self.poisoned, self.closed) {
            (true, _) => Err(Error::Poisoned),
            (_, true) => Err(Error::Closed),
            _ => Ok(()),
        }
    }
}

/// A guard that marks the state as poisoned if a panic unwinds while it is borrowed.
pub(crate) struct PoisonOnPanic<'a>(pub &'a mut Protected);

impl Drop for PoisonOnPanic<'_> {
    fn drop(&mut self) {
        self.0.poisoned |= std::thread::panicking();
    }
}

/// A guard that poisons the store, and notifies all who wait, if a panic unwinds. It must be dropped without the lock.
pub(crate) struct NotifyOfPanic<'a>(pub &'a Shared);

impl Drop for NotifyOfPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.panicked();
        }
    }
}

/// The store and everything that its threads share.
pub(crate) struct Shared {
    state: Mutex<Protected>,
    /// Wakes the expiry thread.
    wake: Condvar,
    /// Wakes the journal's thread.
    work: Condvar,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// The journal's progress, if there is a journal.
    pub status: JournalStatus,
    pub has_journal: bool,
    /// Not under the store's lock, because a callback may take that.
    seats: parking_lot::Mutex<Vec<Seat>>,
    /// See [`Shared::token_key`].
    token_key: OnceLock<TokenKey>,
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
            token_key: OnceLock::new(),
        }
    }

    /// The key of the store's tokens, which is made when it is first needed; that of a store on disk comes from its files.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn token_key(&self) -> Result<TokenKey, Error> {
        if let Some(key) = self.token_key.get() {
            return Ok(*key);
        }
        let made = token_key(&*self.random)?;
        Ok(*self.token_key.get_or_init(|| made))
    }

    /// Sets the key, before anybody has asked for it.
    pub fn set_token_key(&self, key: TokenKey) {
        let _ = self.token_key.set(key);
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

    /// Ends a hold of the lock that changed the store: unlocks, with `fair` in favour of a waiting thread, and only then drops garbage,
    /// wakes threads and notifies listeners.
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

    /// Ends the store's threads. Before the journal's thread ends it writes what is queued.
    pub fn stop(&self) {
        self.lock().stop = true;
        self.wake.notify();
        self.work.notify();
    }

    /// Wakes the journal's thread for work that is not in its queue.
    pub fn wake_writer(&self) {
        let mut guard = self.lock();
        guard.writer_wanted = true;
        guard.writer = WriterRest::Awake;
        drop(guard);
        self.work.notify();
    }

    /// Poisons the store after a panic in a call or in one of its threads. From here on every operation is refused, and callers that wait
    /// for the disk are notified at once, whatever the journal's thread is waiting for. That thread leaves the files as they are.
    pub fn panicked(&self) {
        self.lock().poisoned = true;
        if self.has_journal && self.status.poisoned() {
            self.publish(&News::Degraded(Error::Poisoned));
        }
        self.wake_writer();
    }

    /// Sleeps until there is work for the journal's thread or `timeout` is over. Returns false if the thread is to end.
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

    /// True if the store holds a session of this user, for panics that tests plant. Looks at all sessions.
    pub fn has_user(&self, uid: &str) -> bool {
        let mut has = false;
        self.lock().store.for_each(|record| has |= record.has_uid(uid));
        has
    }

    /// Drops all sessions of a closed store, once the disk has them, and ends its expiry thread.
    pub fn forget(&self) {
        let mut guard = self.lock();
        let retired = guard.store.clear();
        drop(guard);
        drop(retired);
        self.stop();
    }

    pub fn add_seat(&self, number: u32) {
        self.seats.lock().push(Seat {
            number,
            notify: None,
            news: VecDeque::new(),
        });
    }

    /// Sets the callback of a seat. Only the first one set is used.
    pub fn on_signal(&self, number: u32, notify: Notifier) {
        if let Some(seat) = self.seats.lock().iter_mut().find(|seat| seat.number == number) {
            seat.notify.get_or_insert(notify);
        }
    }

    pub fn remove_seat(&self, number: u32) {
        self.seats.lock().retain(|seat| seat.number != number);
    }

    /// Calls the callback of every seat.
    pub fn signal(&self) {
        for notify in self.seats.lock().iter().filter_map(|seat| seat.notify.as_ref()) {
            notify();
        }
    }

    /// Adds a piece of news for every seat, and calls the callbacks.
    pub fn publish(&self, news: &News) {
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
