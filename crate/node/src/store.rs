//! The store's exports. JavaScript's arguments were checked in TypeScript.

use crate::calls::make_calls;
use crate::clock::{NativeClock, clock_or_system};
use crate::cookie_reader::make_cookie_reader;
use crate::error::{Result, from_core, from_napi, guard};
use crate::events::{event_rows, page_rows};
use crate::journal::NativeRecovery;
use crate::options::NativeOptions;
use crate::results::{Results, Status, millis, number, optional_millis};
use crate::strings::{Made, TextIn, read_handle, read_key};
use agai_session_core::model::random::OsRandom;
use agai_session_core::{
    Change, Commit, EventMask, Identity, Reason, Renewal, SessionKey, Stats, StoreHandle, Text, TextBuffer,
};
use napi::bindgen_prelude::{Array, Float64Array, Function, JsValue};
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
    pub form: TextIn,
    pub uid: TextIn,
    pub out: TextBuffer,
    pub results: Results,
}

/// What a store and its functions share.
pub struct Shared {
    pub handle: StoreHandle,
    buffers: RefCell<Buffers>,
}

impl Shared {
    pub fn call<T>(&self, body: impl FnOnce(&StoreHandle, &mut Buffers) -> Result<T>) -> Result<T> {
        body(&self.handle, &mut self.buffers.borrow_mut())
    }

    /// For calls whose effect is to survive: the record to wait for goes to the shared array.
    pub fn write<T>(&self, body: impl FnOnce(&StoreHandle, &mut Buffers) -> Result<T>) -> Result<T> {
        self.call(|handle, buffers| {
            let answer = body(handle, buffers)?;
            buffers.results.lsn(handle.lsn());
            Ok(answer)
        })
    }
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
        guard(|| self.shared.call(body))
    }

    pub(crate) fn write<T>(&self, body: impl FnOnce(&StoreHandle, &mut Buffers) -> Result<T>) -> Result<T> {
        guard(|| self.shared.write(body))
    }

    /// For calls that need the key alone and answer "no" to what is no id.
    fn with_key<T: Default>(
        &self,
        env: Env,
        id: JsString<'_>,
        body: impl FnOnce(&StoreHandle, SessionKey) -> std::result::Result<T, agai_session_core::Error>,
    ) -> Result<T> {
        self.write(|handle, _| match read_key(env, id.raw())? {
            Some(key) => body(handle, key).map_err(|error| from_core(&error)),
            None => Ok(T::default()),
        })
    }
}

/// A version to commit from; versions start at 1, and 0 stands for whichever is stored.
pub fn base_version(version: f64) -> Option<u64> {
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

    /// What requests call, as plain functions: a method's receiver costs more than all that they do. `create` stores a new session and
    /// answers its id; `load` answers a session's text (user id, form parameters, data) or null; `commit` writes a change made from
    /// `version` (0: from whichever is stored), of which undefined parts stay, and answers a status; `touch` notes activity and is
    /// false if the session is gone. A timeout that is NaN was not given.
    #[napi(
        ts_return_type = "{ load(id: string, touch: boolean): string | null; create(data: string, form: string, uid: string, idleTimeout: number, absoluteTimeout: number): string; commit(id: string, version: number, data: string | undefined, form: string | undefined, idleTimeout: number): number; touch(id: string, idleTimeout: number): boolean }"
    )]
    pub fn calls(&self, env: Env) -> Result<Made> {
        guard(|| make_calls(env, &self.shared).map(Made))
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
            let Some(key) = read_key(env, id.raw())? else {
                buffers.results.status(Status::Gone);
                return Ok(None);
            };
            let renewal = Renewal {
                change: Change {
                    data: read_given(&mut buffers.data, env, data)?,
                    form: read_given(&mut buffers.form, env, form)?,
                    idle_timeout: optional_millis(idle_timeout),
                },
                identity: read_given(&mut buffers.uid, env, uid)?.map_or(Identity::Keep, Identity::User),
            };
            let (new_id, commit) = handle
                .regenerate(key, base_version(version), &renewal)
                .map_err(|error| from_core(&error))?;
            answer(&mut buffers.results, commit);
            Ok(matches!(commit, Commit::Done(_)).then(|| new_id.to_text()))
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
        guard(|| make_cookie_reader(env, &self.shared, name).map(Made))
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

/// A text that may not have been given.
fn read_given<'a>(buffer: &'a mut TextIn, env: Env, value: Option<JsString<'_>>) -> Result<Option<Text<'a>>> {
    value.map(|value| buffer.read(env, value.raw())).transpose()
}

/// Puts what became of a commit in the shared array.
pub fn answer(results: &mut Results, commit: Commit) -> Status {
    let status = match commit {
        Commit::Done(facts) => {
            results.facts(&facts);
            Status::Ok
        }
        Commit::Conflict => Status::Conflict,
        Commit::Gone => Status::Gone,
    };
    results.status(status);
    status
}
