//! The store as one user of it has it: each call is one hold of the lock.

mod durable;

use crate::format::queue::{Entries, MAX_QUEUED};
use crate::journal::writer::{Writer, WriterThread};
use crate::lock::shared::{PoisonOnPanic, Shared, State, TellOfPanic};
use crate::lock::sweeper::Sweeper;
use crate::lock::sync::MutexGuard;
use crate::model::change::{Change, Commit, NewSession, Options, Renewal};
use crate::model::clock::Clock;
use crate::model::cookie;
use crate::model::error::Error;
use crate::model::event::{Event, EventMask, Reason};
use crate::model::facts::Facts;
use crate::model::id::{Handle, SessionId, SessionKey};
use crate::model::page::Page;
use crate::model::random::Random;
use crate::model::stats::Stats;
use crate::model::text::TextBuffer;
use crate::store::Store;
use smallvec::SmallVec;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// What a request's `Cookie` header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieLookup {
    /// No cookie of the name.
    Absent,
    /// Cookies of the name, but no live session; or several live ones, of which none may win: one was planted.
    Rejected,
    Found {
        /// Where the id starts in the header.
        offset: usize,
        facts: Facts,
    },
}

/// What the handles of one store own together. Dropping it ends the threads and joins them.
pub(crate) struct Owner {
    pub shared: Arc<Shared>,
    _sweeper: Option<Sweeper>,
    _writer: Option<WriterThread>,
}

impl Owner {
    /// Starts the threads of a store.
    pub fn start(shared: Arc<Shared>, writer: Option<Writer>) -> Result<Self, Error> {
        let watcher: Weak<Shared> = Arc::downgrade(&shared);
        shared.clock.watch(watcher);
        let writer = writer
            .map(|writer| WriterThread::start(&shared, writer))
            .transpose()?;
        Ok(Self {
            _sweeper: Some(Sweeper::start(Arc::clone(&shared))?),
            _writer: writer,
            shared,
        })
    }

    /// The owner of a store that runs no thread.
    #[cfg(any(test, feature = "testing"))]
    pub fn still(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            _sweeper: None,
            _writer: None,
        }
    }
}

/// The store as one of its users has it. The last one dropped ends the store's threads and joins them.
pub struct StoreHandle {
    owner: Arc<Owner>,
    /// This user's number among those who opened the store.
    seat: u32,
    /// This handle was closed, while others may go on.
    left: AtomicBool,
    /// The newest record when this handle last held the lock: what its last operation's durability depends on.
    lsn: AtomicU64,
}

impl StoreHandle {
    /// A store in memory alone.
    ///
    /// # Errors
    /// [`Error::Random`], [`Error::Thread`].
    pub fn open(options: Options, clock: Arc<dyn Clock>, random: Box<dyn Random>) -> Result<Self, Error> {
        let store = Store::new(options, &*random)?;
        let shared = Arc::new(Shared::new(store, clock, random.into()));
        Ok(Self::new(&Arc::new(Owner::start(shared, None)?)))
    }

    pub(crate) fn new(owner: &Arc<Owner>) -> Self {
        let guard = owner.shared.lock();
        Self::seated(owner, guard)
    }

    #[cfg(test)]
    pub(crate) fn wants_compaction(&self) -> bool {
        self.shared().lock().store.wants_compaction()
    }

    #[cfg(test)]
    pub(crate) fn pages_of_bodies(&self) -> usize {
        self.shared().lock().store.pages_of_bodies()
    }

    /// One more user of a store, unless that was closed or is poisoned.
    pub(crate) fn join(owner: &Arc<Owner>) -> Option<Self> {
        let guard = owner.shared.lock();
        guard.usable().ok()?;
        Some(Self::seated(owner, guard))
    }

    fn seated(owner: &Arc<Owner>, mut guard: MutexGuard<'_, State>) -> Self {
        guard.seats += 1;
        let seat = guard.next_seat;
        guard.next_seat += 1;
        drop(guard);
        owner.shared.add_seat(seat);
        Self {
            owner: Arc::clone(owner),
            seat,
            left: AtomicBool::new(false),
            lsn: AtomicU64::new(0),
        }
    }

    /// Sets what is called, from whichever thread, when events or news wait to be taken, or acknowledgements have moved. Once only.
    pub fn on_signal(&self, notify: impl Fn() + Send + Sync + 'static) {
        self.shared().on_signal(self.seat, Box::new(notify));
    }

    fn shared(&self) -> &Shared {
        &self.owner.shared
    }

    fn with<R>(&self, work: impl FnOnce(&mut Store, u64) -> R) -> Result<R, Error> {
        self.with_state(|state, now| work(&mut state.store, now))
    }

    /// For what must survive: refused while the disk cannot take it.
    fn with_room<R>(&self, work: impl FnOnce(&mut Store, u64) -> Result<R, Error>) -> Result<R, Error> {
        self.with_state(|state, now| {
            if state.refuses {
                return Err(Error::Degraded);
            }
            if state.store.log().is_some_and(Entries::is_full) {
                return Err(Error::Backpressure { limit: MAX_QUEUED });
            }
            work(&mut state.store, now)
        })?
    }

    fn with_state<R>(&self, work: impl FnOnce(&mut State, u64) -> R) -> Result<R, Error> {
        let shared = self.shared();
        // Before the lock is taken, so that it acts when that is free again.
        let _tell = TellOfPanic(shared);
        let mut guard = shared.lock();
        guard.usable()?;
        if self.left.load(Ordering::Relaxed) {
            return Err(Error::Closed);
        }
        // Under the lock: each hold sees a time no earlier than the one before.
        let now = shared.clock.now();
        let result = work(PoisonOnPanic(&mut guard).0, now);
        if let Some(log) = guard.store.log() {
            self.lsn.store(log.last_lsn(), Ordering::Relaxed);
        }
        shared.release(guard, false);
        Ok(result)
    }

    /// Finds the session that a `Cookie` header names; its text goes to `buffer`.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`], as of every operation.
    pub fn find_by_cookie(
        &self,
        header: &[u8],
        name: &[u8],
        touch: bool,
        buffer: &mut TextBuffer,
    ) -> Result<CookieLookup, Error> {
        let brought = cookie::brought(header, name);
        if !brought.any {
            return Ok(CookieLookup::Absent);
        }
        let mut candidates: SmallVec<[(usize, SessionKey); 1]> = brought
            .ids
            .iter()
            .map(|(offset, id)| (*offset, id.key()))
            .collect();
        self.with(|store, now| {
            if candidates.len() > 1 {
                candidates.retain(|&mut (_, key)| store.has(key, now));
            }
            if let [(offset, key)] = candidates[..]
                && let Some(facts) = store.load(key, now, touch, buffer)
            {
                return CookieLookup::Found { offset, facts };
            }
            store.count_rejected();
            CookieLookup::Rejected
        })
    }

    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn load(
        &self,
        key: SessionKey,
        touch: bool,
        buffer: &mut TextBuffer,
    ) -> Result<Option<Facts>, Error> {
        self.with(|store, now| store.load(key, now, touch, buffer))
    }

    /// # Errors
    /// Those of [`Store::create`], [`Error::Random`], [`Error::Closed`], [`Error::Poisoned`].
    pub fn create(&self, new: &NewSession<'_>) -> Result<(SessionId, Facts), Error> {
        loop {
            let id = SessionId::generate(&*self.shared().random)?;
            let key = id.key();
            if let Some(facts) = self.with_room(|store, now| store.create(key, now, new))? {
                return Ok((id, facts));
            }
        }
    }

    /// # Errors
    /// Those of [`Store::commit`], [`Error::Closed`], [`Error::Poisoned`].
    pub fn commit(
        &self,
        key: SessionKey,
        base_version: Option<u64>,
        change: &Change<'_>,
    ) -> Result<Commit, Error> {
        self.with_room(|store, now| store.commit(key, now, base_version, change))
    }

    /// The new id is valid only if the answer is [`Commit::Done`].
    ///
    /// # Errors
    /// Those of [`Store::regenerate`], [`Error::Random`], [`Error::Closed`], [`Error::Poisoned`].
    pub fn regenerate(
        &self,
        key: SessionKey,
        base_version: Option<u64>,
        renewal: &Renewal<'_>,
    ) -> Result<(SessionId, Commit), Error> {
        loop {
            let id = SessionId::generate(&*self.shared().random)?;
            let new_key = id.key();
            if let Some(commit) =
                self.with_room(|store, now| store.regenerate(key, new_key, now, base_version, renewal))?
            {
                return Ok((id, commit));
            }
        }
    }

    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn touch(&self, key: SessionKey, idle_timeout: Option<u64>) -> Result<Option<Facts>, Error> {
        self.with(|store, now| store.touch(key, now, idle_timeout))
    }

    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn has(&self, key: SessionKey) -> Result<bool, Error> {
        self.with(|store, now| store.has(key, now))
    }

    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn handle_of(&self, key: SessionKey) -> Result<Option<Handle>, Error> {
        self.with(|store, now| store.handle_of(key, now))
    }

    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn destroy(&self, key: SessionKey, reason: Reason) -> Result<bool, Error> {
        self.with(|store, now| store.destroy(key, now, reason))
    }

    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn destroy_by_handle(&self, handle: Handle) -> Result<bool, Error> {
        self.with(|store, now| store.destroy_by_handle(handle, now))
    }

    /// Ends all sessions in O(1) for the caller; the expiry thread takes them apart. Answers how many there were.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn clear(&self) -> Result<u32, Error> {
        self.with_state(|state, _| {
            let retired = state.store.clear();
            let ended = retired.records.len();
            state.retired.push(retired);
            ended
        })
    }

    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn page(&self, after: Option<Handle>, limit: usize) -> Result<Page, Error> {
        self.with(|store, now| store.page(after, limit, now))
    }

    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn stats(&self) -> Result<Stats, Error> {
        self.with(|store, _| store.stats())
    }

    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn listen(&self, mask: EventMask) -> Result<(), Error> {
        self.with(|store, _| store.events_mut().set_mask(self.seat, mask))
    }

    /// The oldest batch of events; `None` when there is none, and always once the store is closed.
    #[must_use]
    pub fn take_events(&self) -> Option<Vec<Event>> {
        self.with(|store, _| store.events_mut().take(self.seat))
            .ok()
            .flatten()
    }

    /// The time of the store's clock, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.shared().clock.now()
    }

    /// Closes this handle: each later operation answers [`Error::Closed`]. With the last one the store ends. One in memory alone
    /// forgets everything at once; one with a journal first writes everything, and says so by [`Health::Closed`]. Closing twice is
    /// harmless.
    pub fn close(&self) {
        if self.left.swap(true, Ordering::Relaxed) {
            return;
        }
        let shared = self.shared();
        let mut guard = shared.lock();
        guard.store.events_mut().leave(self.seat);
        guard.seats -= 1;
        if let Some(log) = guard.store.log_mut() {
            log.want_sync();
            self.lsn.store(log.last_lsn(), Ordering::Relaxed);
        }
        if guard.seats > 0 {
            return shared.release(guard, false);
        }
        guard.closed = true;
        if shared.has_journal {
            drop(guard);
            shared.wake_writer();
        } else {
            guard.stop = true;
            let retired = guard.store.clear();
            guard.retired.push(retired);
            shared.release(guard, false);
            shared.stop();
        }
    }
}

impl Drop for StoreHandle {
    fn drop(&mut self) {
        if !self.left.swap(true, Ordering::Relaxed) {
            let mut guard = self.shared().lock();
            guard.store.events_mut().leave(self.seat);
            guard.seats -= 1;
        }
        self.shared().remove_seat(self.seat);
    }
}
