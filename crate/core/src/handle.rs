//! The one mutex around the store. Whatever leaves it is dropped, told and woken after unlocking.

use crate::change::{Change, Commit, NewSession, Options, Renewal};
use crate::clock::{Clock, Wake};
use crate::cookie;
use crate::error::Error;
use crate::event::{Event, EventMask, Reason};
use crate::id::{Handle, SessionId, SessionKey};
use crate::page::Page;
use crate::random::Random;
use crate::record::Facts;
use crate::stats::Stats;
use crate::store::{Retired, Store};
use crate::sweeper::Sweeper;
use crate::sync::{Condvar, Mutex, MutexGuard};
use crate::text::TextBuffer;
use smallvec::SmallVec;
use std::sync::{Arc, OnceLock, Weak};

type Notifier = Box<dyn Fn() + Send + Sync>;

/// What the mutex protects.
pub(crate) struct State {
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
}

impl State {
    fn usable(&self) -> Result<(), Error> {
        match (self.poisoned, self.closed) {
            (true, _) => Err(Error::Poisoned),
            (_, true) => Err(Error::Closed),
            _ => Ok(()),
        }
    }
}

/// Marks the state when a panic passes while it is borrowed.
struct PoisonOnPanic<'a>(&'a mut State);

impl Drop for PoisonOnPanic<'_> {
    fn drop(&mut self) {
        self.0.poisoned |= std::thread::panicking();
    }
}

/// The store and all that its threads share.
pub(crate) struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    pub clock: Arc<dyn Clock>,
    random: Box<dyn Random>,
    notifier: OnceLock<Notifier>,
}

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub fn wait<'a>(
        &self,
        guard: MutexGuard<'a, State>,
        timeout: Option<std::time::Duration>,
    ) -> MutexGuard<'a, State> {
        self.wake.wait(guard, timeout)
    }

    /// Ends a hold of the lock that changed the store: unlocks, fairly if asked, then drops, wakes and tells.
    pub fn release(&self, mut guard: MutexGuard<'_, State>, fair: bool) {
        let garbage = guard.store.take_garbage();
        let signal = guard.store.events_mut().take_signal();
        let wake = guard.store.due_at() < guard.sleeps_until
            || (guard.sleeps_until > 0 && !guard.retired.is_empty());
        if wake {
            guard.sleeps_until = 0;
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
        if signal && let Some(notify) = self.notifier.get() {
            notify();
        }
    }

    pub fn stop(&self) {
        self.lock().stop = true;
        self.wake.notify();
    }
}

impl Wake for Shared {
    fn wake(&self) {
        self.lock().sleeps_until = 0;
        self.wake.notify();
    }
}

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

/// The store as its users share it. Dropping it ends the expiry thread and joins it.
pub struct StoreHandle {
    shared: Arc<Shared>,
    _sweeper: Sweeper,
}

impl StoreHandle {
    /// # Errors
    /// [`Error::Random`], [`Error::Thread`].
    pub fn open(options: Options, clock: Arc<dyn Clock>, random: Box<dyn Random>) -> Result<Self, Error> {
        let state = State {
            store: Store::new(options, &*random)?,
            closed: false,
            poisoned: false,
            stop: false,
            sleeps_until: 0,
            retired: Vec::new(),
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            wake: Condvar::default(),
            clock,
            random,
            notifier: OnceLock::new(),
        });
        let watcher: Weak<Shared> = Arc::downgrade(&shared);
        shared.clock.watch(watcher);
        let sweeper = Sweeper::start(Arc::clone(&shared))?;
        Ok(Self {
            shared,
            _sweeper: sweeper,
        })
    }

    /// Sets what is called, from whichever thread, when events wait for [`StoreHandle::take_events`]. Once only.
    pub fn on_events(&self, notify: impl Fn() + Send + Sync + 'static) {
        // A second notifier is refused by the cell; the first stays.
        let _ = self.shared.notifier.set(Box::new(notify));
    }

    fn with<R>(&self, work: impl FnOnce(&mut Store, u64) -> R) -> Result<R, Error> {
        self.with_state(|state, now| work(&mut state.store, now))
    }

    fn with_state<R>(&self, work: impl FnOnce(&mut State, u64) -> R) -> Result<R, Error> {
        let mut guard = self.shared.lock();
        guard.usable()?;
        // Under the lock: each hold sees a time no earlier than the one before.
        let now = self.shared.clock.now();
        let result = work(PoisonOnPanic(&mut guard).0, now);
        self.shared.release(guard, false);
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
            let id = SessionId::generate(&*self.shared.random)?;
            let key = id.key();
            if let Some(facts) = self.with(|store, now| store.create(key, now, new))?? {
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
        self.with(|store, now| store.commit(key, now, base_version, change))?
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
            let id = SessionId::generate(&*self.shared.random)?;
            let new_key = id.key();
            if let Some(commit) =
                self.with(|store, now| store.regenerate(key, new_key, now, base_version, renewal))??
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
        self.with(|store, _| store.set_event_mask(mask))
    }

    /// The oldest batch of events; `None` when there is none, and always once the store is closed.
    #[must_use]
    pub fn take_events(&self) -> Option<Vec<Event>> {
        self.with(|store, _| store.events_mut().take()).ok().flatten()
    }

    /// The time of the store's clock, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.shared.clock.now()
    }

    /// Forgets everything; each later operation answers [`Error::Closed`]. Closing twice is harmless.
    pub fn close(&self) {
        let mut guard = self.shared.lock();
        if guard.closed {
            return;
        }
        guard.closed = true;
        guard.stop = true;
        let events = std::mem::take(guard.store.events_mut());
        let retired = guard.store.clear();
        guard.retired.push(retired);
        self.shared.release(guard, false);
        self.shared.wake.notify();
        drop(events);
    }
}
