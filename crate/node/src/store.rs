//! The store's exports. JavaScript's arguments were checked in TypeScript.

use crate::clock::{NativeClock, clock_or_system};
use crate::cookie_reader::make_cookie_reader;
use crate::error::{Result, from_core, from_napi, guard};
use crate::events::{event_rows, page_rows};
use crate::journal::NativeRecovery;
use crate::options::NativeOptions;
use crate::results::{Results, Status, millis, number, optional_millis};
use crate::strings::{Made, TextIn, read_handle, read_key};
use agai_session_core::random::OsRandom;
use agai_session_core::{
    Change, Commit, EventMask, Identity, NewSession, Reason, Renewal, SessionKey, Stats, StoreHandle,
    TextBuffer,
};
use napi::bindgen_prelude::{Array, Float64Array, Function};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Env, JsString};
use napi_derive::napi;
use std::cell::RefCell;
use std::rc::Rc;

/// The store's figures.
#[napi(object)]
pub struct NativeStats {
    pub sessions: f64,
    pub guests: f64,
    pub bytes: f64,
    pub created: f64,
    pub committed: f64,
    pub conflicts: f64,
    pub regenerated: f64,
    pub destroyed: f64,
    pub expired: f64,
    pub evicted: f64,
    pub hits: f64,
    pub misses: f64,
    pub rejected: f64,
    pub events_dropped: f64,
}

impl From<Stats> for NativeStats {
    fn from(stats: Stats) -> Self {
        Self {
            sessions: number(stats.sessions),
            guests: number(stats.guests),
            bytes: number(stats.bytes),
            created: number(stats.created),
            committed: number(stats.committed),
            conflicts: number(stats.conflicts),
            regenerated: number(stats.regenerated),
            destroyed: number(stats.destroyed),
            expired: number(stats.expired),
            evicted: number(stats.evicted),
            hits: number(stats.hits),
            misses: number(stats.misses),
            rejected: number(stats.rejected),
            events_dropped: number(stats.events_dropped),
        }
    }
}

/// Buffers that every call uses again. One JavaScript thread uses them, one call at a time.
pub struct Buffers {
    pub data: TextIn,
    form: TextIn,
    uid: TextIn,
    pub out: TextBuffer,
    pub results: Results,
}

/// What a store and its cookie readers share.
pub struct Shared {
    pub handle: StoreHandle,
    pub buffers: RefCell<Buffers>,
}

/// The store, as its JavaScript thread has it.
#[napi]
pub struct NativeStore {
    shared: Rc<Shared>,
    /// What the opening found, until somebody asks.
    recovery: RefCell<Option<NativeRecovery>>,
}

impl NativeStore {
    /// A store of this JavaScript thread over a handle.
    pub(crate) fn over(
        handle: StoreHandle,
        results: Float64Array,
        on_signal: Function<'_, (), ()>,
        recovery: Option<NativeRecovery>,
    ) -> Result<Self> {
        let on_signal = on_signal
            .build_threadsafe_function::<()>()
            .callee_handled::<false>()
            .weak::<true>()
            .max_queue_size::<1>()
            .build()
            .map_err(|error| from_napi(&error))?;
        // What there is to tell is in the core; a call that finds another one on its way has nothing to add.
        handle.on_signal(move || {
            let _ = on_signal.call((), ThreadsafeFunctionCallMode::NonBlocking);
        });
        let buffers = Buffers {
            data: TextIn::default(),
            form: TextIn::default(),
            uid: TextIn::default(),
            out: TextBuffer::default(),
            results: Results::new(results),
        };
        Ok(Self {
            shared: Rc::new(Shared {
                handle,
                buffers: RefCell::new(buffers),
            }),
            recovery: RefCell::new(recovery),
        })
    }

    pub(crate) fn take_recovery(&self) -> Option<NativeRecovery> {
        self.recovery.borrow_mut().take()
    }

    pub(crate) fn call<T>(&self, body: impl FnOnce(&StoreHandle, &mut Buffers) -> Result<T>) -> Result<T> {
        guard(|| body(&self.shared.handle, &mut self.shared.buffers.borrow_mut()))
    }

    /// For calls whose effect is to survive: the record to wait for goes to the shared array.
    pub(crate) fn write<T>(&self, body: impl FnOnce(&StoreHandle, &mut Buffers) -> Result<T>) -> Result<T> {
        self.call(|handle, buffers| {
            let answer = body(handle, buffers)?;
            buffers.results.lsn(handle.lsn());
            Ok(answer)
        })
    }

    /// For calls that need the key alone and answer "no" to what is no id.
    fn with_key<T: Default>(
        &self,
        env: Env,
        id: JsString<'_>,
        body: impl FnOnce(&StoreHandle, SessionKey) -> std::result::Result<T, agai_session_core::Error>,
    ) -> Result<T> {
        self.write(|handle, _| match read_key(env, id)? {
            Some(key) => body(handle, key).map_err(|error| from_core(&error)),
            None => Ok(T::default()),
        })
    }
}

/// A version to commit from; versions start at 1, and 0 stands for whichever is stored.
fn base_version(version: f64) -> Option<u64> {
    (version > 0.0).then(|| millis(version))
}

#[napi]
impl NativeStore {
    /// `results` receives the numbers that calls answer; `onEvents` is called, on this thread, when events wait for
    /// `takeEvents`. Neither it nor the expiry thread keeps the process alive.
    #[napi(constructor)]
    pub fn new(
        options: NativeOptions,
        results: Float64Array,
        on_events: Function<'_, (), ()>,
        clock: Option<&NativeClock>,
    ) -> Result<Self> {
        guard(|| {
            let handle = StoreHandle::open(options.into(), clock_or_system(clock), Box::new(OsRandom))
                .map_err(|error| from_core(&error))?;
            Self::over(handle, results, on_events, None)
        })
    }

    /// Stores a new session and answers its id.
    #[napi]
    pub fn create(
        &self,
        env: Env,
        data: JsString<'_>,
        form: JsString<'_>,
        uid: JsString<'_>,
        idle_timeout: f64,
        absolute_timeout: f64,
    ) -> Result<String> {
        self.write(|handle, buffers| {
            let new = NewSession {
                data: buffers.data.read(env, data)?,
                form: buffers.form.read(env, form)?,
                uid: buffers.uid.read(env, uid)?,
                idle_timeout: optional_millis(idle_timeout),
                absolute_timeout: optional_millis(absolute_timeout),
            };
            let (id, facts) = handle.create(&new).map_err(|error| from_core(&error))?;
            buffers.results.facts(&facts);
            Ok(id.to_text())
        })
    }

    /// The text of a session (user id, form parameters, data), or null.
    #[napi(ts_return_type = "string | null")]
    pub fn load(&self, env: Env, id: JsString<'_>, touch: bool) -> Result<Option<Made>> {
        self.call(|handle, buffers| {
            let Some(key) = read_key(env, id)? else {
                return Ok(None);
            };
            let loaded = handle
                .load(key, touch, &mut buffers.out)
                .map_err(|error| from_core(&error))?;
            let Some(facts) = loaded else { return Ok(None) };
            buffers.results.facts(&facts);
            Made::text(env, buffers.out.text()).map(Some)
        })
    }

    /// Writes a change made from `version` (0: from whichever is stored); undefined parts stay. Answers a status.
    #[napi]
    pub fn commit(
        &self,
        env: Env,
        id: JsString<'_>,
        version: f64,
        data: Option<JsString<'_>>,
        form: Option<JsString<'_>>,
        idle_timeout: f64,
    ) -> Result<u32> {
        self.write(|handle, buffers| {
            let Some(key) = read_key(env, id)? else {
                return Ok(Status::Gone as u32);
            };
            let change = Change {
                data: buffers.data.read_optional(env, data)?,
                form: buffers.form.read_optional(env, form)?,
                idle_timeout: optional_millis(idle_timeout),
            };
            let commit = handle
                .commit(key, base_version(version), &change)
                .map_err(|error| from_core(&error))?;
            Ok(answer(&mut buffers.results, commit))
        })
    }

    /// Moves a session to a new id, with a change; as `uid`'s, logged in now, if one is given. Answers the new id, or null with
    /// the status in the shared array.
    #[napi(ts_return_type = "string | null")]
    #[allow(
        clippy::too_many_arguments,
        reason = "one call, no object; an `expect` fails in one of the macro's copies"
    )]
    pub fn regenerate(
        &self,
        env: Env,
        id: JsString<'_>,
        version: f64,
        data: Option<JsString<'_>>,
        form: Option<JsString<'_>>,
        uid: Option<JsString<'_>>,
        idle_timeout: f64,
    ) -> Result<Option<String>> {
        self.write(|handle, buffers| {
            let Some(key) = read_key(env, id)? else {
                buffers.results.status(Status::Gone);
                return Ok(None);
            };
            let renewal = Renewal {
                change: Change {
                    data: buffers.data.read_optional(env, data)?,
                    form: buffers.form.read_optional(env, form)?,
                    idle_timeout: optional_millis(idle_timeout),
                },
                identity: buffers
                    .uid
                    .read_optional(env, uid)?
                    .map_or(Identity::Keep, Identity::User),
            };
            let (new_id, commit) = handle
                .regenerate(key, base_version(version), &renewal)
                .map_err(|error| from_core(&error))?;
            answer(&mut buffers.results, commit);
            Ok(matches!(commit, Commit::Done(_)).then(|| new_id.to_text()))
        })
    }

    /// Notes activity, and sets the session's own idle timeout unless it is NaN. False if the session is gone.
    #[napi]
    pub fn touch(&self, env: Env, id: JsString<'_>, idle_timeout: f64) -> Result<bool> {
        self.write(|handle, buffers| {
            let Some(key) = read_key(env, id)? else {
                return Ok(false);
            };
            let touched = handle
                .touch(key, optional_millis(idle_timeout))
                .map_err(|error| from_core(&error))?;
            if let Some(facts) = touched {
                buffers.results.facts(&facts);
            }
            Ok(touched.is_some())
        })
    }

    #[napi]
    pub fn has(&self, env: Env, id: JsString<'_>) -> Result<bool> {
        self.with_key(env, id, StoreHandle::has)
    }

    #[napi]
    pub fn destroy(&self, env: Env, id: JsString<'_>, logout: bool) -> Result<bool> {
        let reason = if logout { Reason::Logout } else { Reason::Destroy };
        self.with_key(env, id, |handle, key| handle.destroy(key, reason))
    }

    #[napi]
    pub fn handle_of(&self, env: Env, id: JsString<'_>) -> Result<Option<String>> {
        let handle = self.with_key(env, id, StoreHandle::handle_of)?;
        Ok(handle.map(|handle| handle.to_text()))
    }

    #[napi]
    pub fn destroy_by_handle(&self, env: Env, handle: JsString<'_>) -> Result<bool> {
        self.write(|store, _| match read_handle(env, handle)? {
            Some(handle) => store.destroy_by_handle(handle).map_err(|error| from_core(&error)),
            None => Ok(false),
        })
    }

    #[napi]
    pub fn clear(&self) -> Result<u32> {
        self.write(|handle, _| handle.clear().map_err(|error| from_core(&error)))
    }

    /// A flat array: the handle to go on from or null, then nine values a session. Null if `after` is no handle.
    #[napi(ts_return_type = "Array<string | number | null> | null")]
    pub fn page<'env>(
        &self,
        env: &'env Env,
        after: Option<JsString<'_>>,
        limit: u32,
    ) -> Result<Option<Array<'env>>> {
        self.call(|handle, _| {
            let after = match after.map(|text| read_handle(*env, text)).transpose()? {
                Some(None) => return Ok(None),
                other => other.flatten(),
            };
            let page = handle
                .page(after, limit as usize)
                .map_err(|error| from_core(&error))?;
            page_rows(env, &page).map(Some)
        })
    }

    #[napi]
    pub fn stats(&self) -> Result<NativeStats> {
        self.call(|handle, _| Ok(handle.stats().map_err(|error| from_core(&error))?.into()))
    }

    /// Sets which kinds of events are made: bit 0 created, 1 regenerated, 2 expired, 3 evicted, 4 destroyed.
    #[napi]
    pub fn listen(&self, mask: u8) -> Result<()> {
        self.call(|handle, _| handle.listen(EventMask(mask)).map_err(|error| from_core(&error)))
    }

    /// The oldest batch of events as a flat array, four values an event; null when none waits.
    #[napi(ts_return_type = "Array<string | number | null> | null")]
    pub fn take_events<'env>(&self, env: &'env Env) -> Result<Option<Array<'env>>> {
        self.call(|handle, _| {
            handle
                .take_events()
                .map(|events| event_rows(env, &events))
                .transpose()
        })
    }

    /// A function that finds the session which a raw `Cookie` header names by a cookie of this name: its text, or null with the
    /// reason in the shared array. With `touch` it counts as the user's activity.
    #[napi(ts_return_type = "(header: string, touch: boolean) => string | null")]
    pub fn cookie_reader(&self, env: Env, name: JsString<'_>) -> Result<Made> {
        guard(|| make_cookie_reader(env, &self.shared, name))
    }

    #[napi]
    #[must_use]
    pub fn now(&self) -> f64 {
        number(self.shared.handle.now())
    }

    #[napi]
    pub fn close(&self) -> Result<()> {
        self.call(|handle, _| {
            handle.close();
            Ok(())
        })
    }
}

fn answer(results: &mut Results, commit: Commit) -> u32 {
    let status = match commit {
        Commit::Done(facts) => {
            results.facts(&facts);
            Status::Ok
        }
        Commit::Conflict => Status::Conflict,
        Commit::Gone => Status::Gone,
    };
    results.status(status);
    status as u32
}
