//! The store's exports. TypeScript has checked the arguments.

use crate::calls::{assurance, key_change, make_calls};
use crate::clock::{NativeClock, clock_or_system};
use crate::cookie_reader::make_cookie_reader;
use crate::error::{Result, from_core, from_napi, guard};
use crate::events::{event_rows, page_rows, session_rows};
use crate::opened::{Buffers, Opened, base_version, set_outcome};
use crate::options::NativeOptions;
use crate::recovery::NativeRecovery;
use crate::results::{Status, number, optional_millis};
use crate::strings::{Made, ObjectIn, TextIn, make_null, make_text, read_handle, read_id};
use agai_session_core::model::random::OsRandom;
use agai_session_core::{
    Change, Commit, EventMask, Login, ObjectText, Reason, Renewal, SessionId, Stats, StoreHandle, Text,
};
use napi::bindgen_prelude::{Array, Float64Array, Function, JsValue, Uint8Array};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Env, JsString};
use napi_derive::napi;
use std::cell::RefCell;
use std::rc::Rc;

/// The store's statistics.
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

/// A store, opened by one JavaScript thread.
#[napi]
pub struct NativeStore {
    opened: Rc<Opened>,
    /// The report of the opening, until it is asked for.
    recovery: RefCell<Option<NativeRecovery>>,
}

impl NativeStore {
    /// Makes the object for an open store.
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
        // The queue holds one call: the events wait in the core, and whoever takes them takes all.
        handle.on_signal(move || {
            let _ = on_signal.call((), ThreadsafeFunctionCallMode::NonBlocking);
        });
        Ok(Self {
            opened: Rc::new(Opened::new(handle, results)),
            recovery: RefCell::new(recovery),
        })
    }

    pub(crate) fn take_recovery(&self) -> Option<NativeRecovery> {
        self.recovery.borrow_mut().take()
    }

    pub(crate) fn call<T>(&self, body: impl FnOnce(&StoreHandle, &mut Buffers) -> Result<T>) -> Result<T> {
        guard(|| self.opened.call(body))
    }

    pub(crate) fn write<T>(&self, body: impl FnOnce(&StoreHandle, &mut Buffers) -> Result<T>) -> Result<T> {
        guard(|| self.opened.write(body))
    }

    /// Runs a call that takes an id and nothing else. A text that is no id gives false.
    fn with_id(
        &self,
        env: Env,
        id: JsString<'_>,
        body: impl FnOnce(&StoreHandle, &SessionId) -> std::result::Result<bool, agai_session_core::Error>,
    ) -> Result<bool> {
        self.write(|handle, _| match read_id(env, id.raw())? {
            Some(id) => body(handle, &id).map_err(|error| from_core(&error)),
            None => self.opened.check(false),
        })
    }
}

#[napi]
impl NativeStore {
    /// Opens a store in memory. `results` is the shared array: calls write the numbers that they return there. `onSignal` is called on
    /// this thread when events wait for `takeEvents`. Neither it nor the expiry thread keeps the process alive.
    #[napi(constructor)]
    pub fn new(
        options: NativeOptions,
        results: Float64Array,
        on_signal: Function<'_, (), ()>,
        clock: Option<&NativeClock>,
    ) -> Result<Self> {
        guard(|| {
            let handle = StoreHandle::open(options.into(), clock_or_system(clock), Box::new(OsRandom))
                .map_err(|error| from_core(&error))?;
            Self::over(handle, results, on_signal, None)
        })
    }

    /// Returns the functions that requests call. They are not methods because checking a method's receiver takes longer than their work.
    /// `create` stores a new session and returns its id. `load` returns a session's text (user id, form parameters, places of the data's
    /// members, U+0000, data) or null; `loadKey` the text of one key's value, `''` if there is no such key. `commit` writes a change that was
    /// made to `version` (0: to whichever is stored) and returns a status; `set` and `removed` are objects with changed keys, and undefined parts
    /// stay as they are. `touch` records activity and returns false if the session is gone. A timeout of NaN was not given.
    #[napi(
        ts_return_type = "{ load(id: string, touch: boolean): string | null; loadKey(id: string, name: string): string | null; create(data: string, form: string, uid: string, idleTimeout: number, absoluteTimeout: number, level: number, methods: string | undefined): string; commit(id: string, version: number, data: string | undefined, set: string | undefined, removed: string | undefined, form: string | undefined, idleTimeout: number): number; touch(id: string, idleTimeout: number): boolean }"
    )]
    pub fn calls(&self, env: Env) -> Result<Made> {
        guard(|| make_calls(env, &self.opened).map(Made))
    }

    /// Gives a session a new secret, and applies a change to it, as `commit` does. With a `uid`, that user logs in, and `absoluteTimeout` is the session's
    /// own unless it is NaN; `level` and `methods` as in `create`. With `alone`, the user's other sessions end
    /// in the same step. Returns the new id, or null with the status in the shared array.
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
        set: Option<JsString<'_>>,
        removed: Option<JsString<'_>>,
        form: Option<JsString<'_>>,
        uid: Option<JsString<'_>>,
        idle_timeout: f64,
        absolute_timeout: f64,
        level: f64,
        methods: Option<JsString<'_>>,
        alone: bool,
    ) -> Result<Option<String>> {
        self.write(|handle, buffers| {
            let Some(id) = read_id(env, id.raw())? else {
                buffers.results.status(Status::Gone);
                return self.opened.check(None);
            };
            let assurance = assurance(level, read_given(&mut buffers.methods, env, methods)?)?;
            let user = read_given(&mut buffers.uid, env, uid)?.map(|uid| Login {
                uid,
                absolute_timeout: optional_millis(absolute_timeout),
                assurance,
            });
            let keys = key_change(
                read_object(&mut buffers.set, env, set)?,
                read_object(&mut buffers.removed, env, removed)?,
            );
            let renewal = Renewal {
                change: Change {
                    data: read_object(&mut buffers.data, env, data)?,
                    keys: keys.as_ref(),
                    form: read_given(&mut buffers.form, env, form)?,
                    idle_timeout: optional_millis(idle_timeout),
                },
                login: user,
            };
            let base = base_version(version);
            let renewed = if alone {
                handle.regenerate_alone(&id, base, &renewal)
            } else {
                handle.regenerate(&id, base, &renewal)
            };
            let (commit, new_id) = renewed.map_err(|error| from_core(&error))?;
            set_outcome(&mut buffers.results, commit);
            Ok(matches!(commit, Commit::Done(_)).then(|| new_id.to_text()))
        })
    }

    /// Returns whether the id is that of a live session.
    #[napi]
    pub fn has(&self, env: Env, id: JsString<'_>) -> Result<bool> {
        self.with_id(env, id, StoreHandle::has)
    }

    /// Ends the session of an id, if the id's secret is its current one. Returns whether it did.
    #[napi]
    pub fn destroy(&self, env: Env, id: JsString<'_>) -> Result<bool> {
        self.with_id(env, id, |handle, id| handle.destroy(id, Reason::Destroy))
    }

    /// Ends the session of a handle, whatever its current secret is. Returns whether there was one.
    #[napi]
    pub fn destroy_by_handle(&self, env: Env, handle: JsString<'_>, logout: bool) -> Result<bool> {
        self.write(|store, _| {
            let Some(handle) = read_handle(env, handle)? else {
                return self.opened.check(false);
            };
            let reason = if logout { Reason::Logout } else { Reason::Destroy };
            store
                .destroy_by_handle(handle, reason)
                .map_err(|error| from_core(&error))
        })
    }

    /// Returns the live sessions of a user, last seen first, as a flat array: eleven values for each session.
    #[napi(ts_return_type = "Array<string | number | null>")]
    pub fn sessions_of<'env>(&self, env: &'env Env, uid: JsString<'_>) -> Result<Array<'env>> {
        self.call(|handle, buffers| {
            let uid = buffers.uid.read(*env, uid.raw())?;
            let sessions = handle.sessions_of(uid).map_err(|error| from_core(&error))?;
            session_rows(env, &sessions)
        })
    }

    /// Ends all sessions of a user except that of a handle, and returns how many. A text that is no handle is nobody's.
    #[napi]
    pub fn destroy_user(&self, env: Env, uid: JsString<'_>, except: Option<JsString<'_>>) -> Result<u32> {
        self.write(|handle, buffers| {
            let except = except
                .map(|except| read_handle(env, except))
                .transpose()?
                .flatten();
            let uid = buffers.uid.read(env, uid.raw())?;
            handle
                .destroy_user(uid, except)
                .map_err(|error| from_core(&error))
        })
    }

    /// Ends all sessions, and returns how many there were.
    #[napi]
    pub fn clear(&self) -> Result<u32> {
        self.write(|handle, _| handle.clear().map_err(|error| from_core(&error)))
    }

    /// Returns a page of sessions from the cursor `start` on (0: the first page) as a flat array: the next page's cursor or null, then
    /// eleven values for each session.
    #[napi(ts_return_type = "Array<string | number | null>")]
    pub fn page<'env>(&self, env: &'env Env, start: u32, limit: u32) -> Result<Array<'env>> {
        self.call(|handle, _| {
            let page = handle
                .page(start, limit as usize)
                .map_err(|error| from_core(&error))?;
            page_rows(env, &page)
        })
    }

    /// Returns the store's statistics.
    #[napi]
    pub fn stats(&self) -> Result<NativeStats> {
        self.call(|handle, _| Ok(handle.stats().map_err(|error| from_core(&error))?.into()))
    }

    /// Sets which kinds of events are emitted: bit 0 created, 1 regenerated, 2 expired, 3 evicted, 4 destroyed.
    #[napi]
    pub fn listen(&self, mask: u8) -> Result<()> {
        self.call(|handle, _| handle.listen(EventMask(mask)).map_err(|error| from_core(&error)))
    }

    /// Removes and returns the oldest batch of events as a flat array, four values for each event; null if there is none.
    #[napi(ts_return_type = "Array<string | number | null> | null")]
    pub fn take_events<'env>(&self, env: &'env Env) -> Result<Option<Array<'env>>> {
        self.call(|handle, _| {
            handle
                .take_events()
                .map(|events| event_rows(env, &events))
                .transpose()
        })
    }

    /// Returns a function that finds a session by a raw `Cookie` header with a cookie of this name. It returns the session's text, or null
    /// with the reason in the shared array. With `touch` the call counts as the user's activity.
    #[napi(ts_return_type = "(header: string, touch: boolean) => string | null")]
    pub fn cookie_reader(&self, env: Env, name: JsString<'_>) -> Result<Made> {
        guard(|| make_cookie_reader(env, &self.opened, name).map(Made))
    }

    /// Returns the key under which the store's tokens are made, 32 bytes.
    #[napi]
    pub fn token_key(&self) -> Result<Uint8Array> {
        guard(|| {
            let key = self
                .opened
                .handle
                .token_key()
                .map_err(|error| from_core(&error))?;
            Ok(Uint8Array::new(key.to_vec()))
        })
    }

    /// Returns the time of the store's clock.
    #[napi]
    pub fn now(&self) -> Result<f64> {
        guard(|| Ok(number(self.opened.handle.now())))
    }

    /// Closes the store for this object. When the last object of a store on disk is closed, everything is written first.
    #[napi]
    pub fn close(&self) -> Result<()> {
        self.call(|handle, _| {
            handle.close();
            Ok(())
        })
    }
}

/// Reads an optional argument.
fn read_given<'a>(buffer: &'a mut TextIn, env: Env, value: Option<JsString<'_>>) -> Result<Option<Text<'a>>> {
    value.map(|value| buffer.read(env, value.raw())).transpose()
}

/// Reads an optional argument that is the text of an object.
fn read_object<'a>(
    buffer: &'a mut ObjectIn,
    env: Env,
    value: Option<JsString<'_>>,
) -> Result<Option<ObjectText<'a>>> {
    value.map(|value| buffer.read(env, value.raw())).transpose()
}

/// Returns where the members of an object's text lie: the length of each in bytes of seven bits, as the characters of a string; null for a
/// text that `JSON.stringify` would not write for an object. For sessions that come from other stores.
#[napi(ts_return_type = "string | null")]
pub fn key_places(env: Env, text: JsString<'_>) -> Result<Made> {
    guard(|| {
        let (mut text_in, mut places) = (TextIn::default(), Vec::new());
        let text = text_in.read(env, text.raw())?;
        let object = ObjectText::scan(text, &mut places);
        match object {
            Some(object) => make_text(env, Text::Latin1(object.places())),
            None => make_null(env),
        }
        .map(Made)
    })
}
