//! The handle of an open store. A call is one hold of the lock, or a few short ones.

mod durable;
mod users;

use crate::format::queue::{MAX_QUEUED, Queue};
use crate::journal::writer::{self, Writer};
use crate::lock::shared::{NotifyOfPanic, PoisonOnPanic, Protected, Shared};
use crate::lock::sweeper;
use crate::lock::sync::MutexGuard;
use crate::lock::thread::StoreThread;
use crate::model::change::{Change, Commit, NewSession, Options, Renewal};
use crate::model::clock::Clock;
use crate::model::cookie;
use crate::model::error::Error;
use crate::model::event::{Event, EventMask, Reason};
use crate::model::facts::Facts;
use crate::model::id::{Handle, SessionId};
use crate::model::lsn::AtomicLsn;
use crate::model::page::{MAX_LOOKED_AT, SessionPage};
use crate::model::random::{Random, TokenKey};
use crate::model::stats::Stats;
use crate::model::text::{Text, TextBuffer};
use crate::store::{Obstacle, Store, Walk};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// The outcome of looking up the session that a request's `Cookie` header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieLookup {
    /// There is no cookie of that name.
    Absent,
    /// There are such cookies, but for no live session; or for several live ones, of which one was planted, so that none is used.
    Rejected,
    Found {
        /// Where the id starts in the header.
        offset: usize,
        facts: Facts,
    },
}

/// The owner of a store's threads, shared by the store's handles. Dropping it ends the threads and joins them.
pub(crate) struct Owner {
    pub shared: Arc<Shared>,
    _sweeper: Option<StoreThread>,
    _writer: Option<StoreThread>,
}

impl Owner {
    /// Starts a store's threads.
    pub fn start(shared: Arc<Shared>, writer: Option<Writer>) -> Result<Self, Error> {
        let watcher: Weak<Shared> = Arc::downgrade(&shared);
        shared.clock.watch(watcher);
        let writer = writer
            .map(|writer| {
                let run = |shared: &Shared| writer::run(shared, writer);
                StoreThread::start(&shared, "session-journal", run)
            })
            .transpose()?;
        Ok(Self {
            _sweeper: Some(StoreThread::start(&shared, "session-expiry", sweeper::run)?),
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

/// A handle of an open store. It cannot be cloned: each opening gets its own. Dropping the last one ends the store's threads and joins
/// them.
pub struct StoreHandle {
    owner: Arc<Owner>,
    /// The number under which the store keeps this handle's events and news.
    seat: u32,
    /// True once this handle was closed. Other handles of the store may still be open.
    left: AtomicBool,
    /// The store's newest LSN when this handle last held the lock: its last operation is durable once that LSN is.
    lsn: AtomicLsn,
}

impl StoreHandle {
    /// Opens a store in memory only.
    ///
    /// # Errors
    /// [`Error::Random`], [`Error::Thread`].
    pub fn open(options: Options, clock: Arc<dyn Clock>, random: Box<dyn Random>) -> Result<Self, Error> {
        let store = Store::new(options);
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

    /// Another handle of an open store; `None` if the store was closed or is poisoned.
    pub(crate) fn join(owner: &Arc<Owner>) -> Option<Self> {
        let guard = owner.shared.lock();
        guard.usable().ok()?;
        Some(Self::seated(owner, guard))
    }

    fn seated(owner: &Arc<Owner>, mut guard: MutexGuard<'_, Protected>) -> Self {
        guard.seats += 1;
        let seat = guard.next_seat;
        guard.next_seat += 1;
        drop(guard);
        owner.shared.add_seat(seat);
        Self {
            owner: Arc::clone(owner),
            seat,
            left: AtomicBool::new(false),
            lsn: AtomicLsn::default(),
        }
    }

    /// The key under which the store's tokens are made.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn token_key(&self) -> Result<TokenKey, Error> {
        self.shared().token_key()
    }

    /// Sets the callback that is called, from any thread, when events or news wait to be taken, or acknowledgements have moved. Only the
    /// first one set is used.
    pub fn on_signal(&self, notify: impl Fn() + Send + Sync + 'static) {
        self.shared().on_signal(self.seat, Box::new(notify));
    }

    fn shared(&self) -> &Shared {
        &self.owner.shared
    }

    fn with<R>(&self, work: impl FnOnce(&mut Store, u64) -> R) -> Result<R, Error> {
        self.with_state(|state, now| work(&mut state.store, now))
    }

    /// Runs a write, which is refused while the disk cannot take it; `login` is the user if it is a login, and the session in which that may be
    /// another one. If something has to be evicted first,
    /// evicts that, a slice in each hold of the lock.
    fn write<R>(
        &self,
        login: Option<(Text<'_>, Option<Handle>)>,
        work: impl Fn(&mut Store, u64) -> Result<R, Error>,
    ) -> Result<R, Error> {
        loop {
            let (result, obstacle) = self.with_state(|state, now| {
                let result = admit(state).and_then(|()| work(&mut state.store, now));
                (result, state.store.take_obstacle())
            })?;
            match (obstacle, login) {
                _ if result.is_ok() => return result,
                (Some(Obstacle::Excess), _) => while self.with(Store::evict_excess)? {},
                (Some(Obstacle::UserExcess), Some((uid, keep))) => self.trim(uid, keep)?,
                (None, _) | (Some(Obstacle::UserExcess), None) => return result,
            }
        }
    }

    fn with_state<R>(&self, work: impl FnOnce(&mut Protected, u64) -> R) -> Result<R, Error> {
        let shared = self.shared();
        // Made before the lock is taken, so that it is dropped after the lock is released.
        let _tell = NotifyOfPanic(shared);
        let mut guard = shared.lock();
        guard.usable()?;
        if self.left.load(Ordering::Relaxed) {
            return Err(Error::Closed);
        }
        // Read under the lock, so that no hold sees an earlier time than the one before.
        let now = shared.clock.now();
        let result = work(PoisonOnPanic(&mut guard).0, now);
        if let Some(log) = guard.store.log() {
            self.lsn.store(log.last_lsn(), Ordering::Relaxed);
        }
        shared.release(guard, false);
        Ok(result)
    }

    /// Reads the session that a `Cookie` header names into `buffer`. With `touch`, records the user's activity.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`], as in every operation.
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
        let mut candidates = brought.ids;
        self.with(|store, now| {
            if candidates.len() > 1 {
                candidates.retain(|(_, id)| store.has(id, now));
            }
            if let [(offset, id)] = &candidates[..]
                && let Some(facts) = store.load(id, now, touch, buffer)
            {
                return CookieLookup::Found {
                    offset: *offset,
                    facts,
                };
            }
            store.count_rejected();
            CookieLookup::Rejected
        })
    }

    /// Reads a session into `buffer`. With `touch`, records the user's activity.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn load(&self, id: &SessionId, touch: bool, buffer: &mut TextBuffer) -> Result<Option<Facts>, Error> {
        self.with(|store, now| store.load(id, now, touch, buffer))
    }

    /// Reads the value of one key into `buffer`; see [`Store::load_key`].
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn load_key(&self, id: &SessionId, key: Text<'_>, buffer: &mut TextBuffer) -> Result<bool, Error> {
        self.with(|store, now| store.load_key(id, now, key, buffer))
    }

    /// Stores a new session under a new id.
    ///
    /// # Errors
    /// Those of [`Store::create`], [`Error::Random`], [`Error::Closed`], [`Error::Poisoned`].
    pub fn create(&self, new: &NewSession<'_>) -> Result<(SessionId, Facts), Error> {
        loop {
            let id = SessionId::generate(&*self.shared().random)?;
            if let Some(facts) =
                self.write(Some((new.uid, None)), |store, now| store.create(&id, now, new))?
            {
                return Ok((id, facts));
            }
        }
    }

    /// Writes a change to a session; see [`Store::commit`].
    ///
    /// # Errors
    /// Those of [`Store::commit`], [`Error::Closed`], [`Error::Poisoned`].
    pub fn commit(
        &self,
        id: &SessionId,
        base_version: Option<u64>,
        change: &Change<'_>,
    ) -> Result<Commit, Error> {
        self.write(None, |store, now| store.commit(id, now, base_version, change))
    }

    /// Gives a session a new secret, or replaces it by another user's; see [`Store::regenerate`]. The returned id is valid only with
    /// [`Commit::Done`].
    ///
    /// # Errors
    /// Those of [`Store::regenerate`], [`Error::Random`], [`Error::Closed`], [`Error::Poisoned`].
    pub fn regenerate(
        &self,
        id: &SessionId,
        base_version: Option<u64>,
        renewal: &Renewal<'_>,
    ) -> Result<(Commit, SessionId), Error> {
        self.renew(id, renewal, |store, fresh, now| {
            store.regenerate(id, fresh, now, base_version, renewal)
        })
    }

    /// Tries fresh ids until one is not taken.
    fn renew(
        &self,
        id: &SessionId,
        renewal: &Renewal<'_>,
        work: impl Fn(&mut Store, &SessionId, u64) -> Result<Option<(Commit, SessionId)>, Error>,
    ) -> Result<(Commit, SessionId), Error> {
        loop {
            let fresh = SessionId::generate(&*self.shared().random)?;
            let renewed = self.write(
                renewal.login.map(|login| (login.uid, Some(id.handle()))),
                |store, now| work(store, &fresh, now),
            )?;
            if let Some(renewed) = renewed {
                return Ok(renewed);
            }
        }
    }

    /// Records activity, and sets the session's own idle timeout if one is given. Returns the session's deadline; `None` if it is gone.
    ///
    /// # Errors
    /// Those of a write if that changes the timeout; [`Error::Closed`], [`Error::Poisoned`].
    pub fn touch(&self, id: &SessionId, idle_timeout: Option<u64>) -> Result<Option<u64>, Error> {
        self.with_state(|state, now| {
            let admitted = admit(state);
            state.store.touch(id, now, idle_timeout, admitted)
        })?
    }

    /// True if a live session has this id.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn has(&self, id: &SessionId) -> Result<bool, Error> {
        self.with(|store, now| store.has(id, now))
    }

    /// Checks that the store is usable, for calls that need nothing else of it.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn check_open(&self) -> Result<(), Error> {
        self.with(|_, _| ())
    }

    /// Ends the session with this id, if the id's secret is the current one. Returns whether there was one.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn destroy(&self, id: &SessionId, reason: Reason) -> Result<bool, Error> {
        self.with(|store, now| store.destroy(id, now, reason))
    }

    /// Ends the session with this handle, whatever its current secret. Returns whether there was one.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn destroy_by_handle(&self, handle: Handle, reason: Reason) -> Result<bool, Error> {
        self.with(|store, now| store.destroy_by_handle(handle, now, reason))
    }

    /// Ends all sessions in O(1) for the caller, and returns how many there were; the expiry thread reports and drops them.
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

    /// Up to `limit` live sessions from the slot `start` on, and the slot at which the next page starts.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn page(&self, start: u32, limit: usize) -> Result<SessionPage, Error> {
        let mut walk = Walk { next: Some(start) };
        let mut sessions = Vec::new();
        let looked_at = |walk: &Walk| walk.next.map_or(u32::MAX, |next| next.saturating_sub(start));
        while sessions.len() < limit && looked_at(&walk) < MAX_LOOKED_AT {
            self.with(|store, now| store.walk(&mut walk, &mut sessions, limit, now))?;
        }
        Ok(SessionPage {
            sessions,
            next: walk.next,
        })
    }

    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn stats(&self) -> Result<Stats, Error> {
        self.with(|store, _| store.stats())
    }

    /// Sets which kinds of events this handle is given.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Poisoned`].
    pub fn listen(&self, mask: EventMask) -> Result<(), Error> {
        self.with(|store, _| store.outbox_mut().set_mask(self.seat, mask))
    }

    /// Takes the oldest batch of events; `None` if there is none, and always once the store is closed.
    #[must_use]
    pub fn take_events(&self) -> Option<Vec<Event>> {
        self.with(|store, _| store.outbox_mut().take(self.seat))
            .ok()
            .flatten()
    }

    /// The time of the store's clock, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.shared().clock.now()
    }

    /// Closes this handle: each later operation returns [`Error::Closed`]. Closing the last handle closes the store. One in memory only
    /// drops its sessions; one with a journal first writes everything, and then has the health `Closed`. Closing twice is harmless.
    pub fn close(&self) {
        if self.left.swap(true, Ordering::Relaxed) {
            return;
        }
        let shared = self.shared();
        let mut guard = shared.lock();
        guard.store.outbox_mut().leave(self.seat);
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

/// An error if writes are refused, because the disk keeps failing or is too slow.
fn admit(state: &Protected) -> Result<(), Error> {
    if state.refuses {
        return Err(Error::Degraded);
    }
    if state.store.log().is_some_and(Queue::is_full) {
        return Err(Error::Backpressure { limit: MAX_QUEUED });
    }
    Ok(())
}

impl Drop for StoreHandle {
    fn drop(&mut self) {
        if !self.left.swap(true, Ordering::Relaxed) {
            let mut guard = self.shared().lock();
            guard.store.outbox_mut().leave(self.seat);
            guard.seats -= 1;
        }
        self.shared().remove_seat(self.seat);
    }
}
