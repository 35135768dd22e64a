//! What requests call besides the cookie reader, as plain functions over one store.

use crate::error::{Result, from_core};
use crate::function::{Arguments, make_function};
use crate::results::{Status, optional_millis};
use crate::store::{Shared, answer, base_version};
use crate::strings::{check, make_bool, make_null, make_number, make_text, read_bool, read_key, read_number};
use agai_session_core::{Change, NewSession, Text};
use napi::{Env, sys};
use std::ffi::CStr;
use std::ptr::null_mut;
use std::rc::Rc;

type Call = fn(&Shared, Env, Arguments) -> Result<sys::napi_value>;

const CALLS: [(&CStr, Call); 4] = [
    (c"load", load),
    (c"create", create),
    (c"commit", commit),
    (c"touch", touch),
];

/// Makes an object of them.
pub fn make_calls(env: Env, shared: &Rc<Shared>) -> Result<sys::napi_value> {
    let mut object = null_mut();
    // SAFETY: the environment is live.
    check(unsafe { sys::napi_create_object(env.raw(), &raw mut object) })?;
    for (name, call) in CALLS {
        let shared = Rc::clone(shared);
        let function = make_function(env, name, move |env, arguments| call(&shared, env, arguments))?;
        // SAFETY: object and function are live handles, and the name ends with a zero.
        check(unsafe { sys::napi_set_named_property(env.raw(), object, name.as_ptr(), function) })?;
    }
    Ok(object)
}

/// `(id, touch)`: the text of a session (user id, form parameters, data), or null.
fn load(shared: &Shared, env: Env, [id, touch, ..]: Arguments) -> Result<sys::napi_value> {
    let activity = read_bool(env, touch)?;
    let Some(key) = read_key(env, id)? else {
        return make_null(env);
    };
    shared.call(|handle, buffers| {
        let loaded = handle.load(key, activity, &mut buffers.out);
        match loaded.map_err(|error| from_core(&error))? {
            Some(facts) => {
                buffers.results.facts(&facts);
                make_text(env, buffers.out.text())
            }
            None => make_null(env),
        }
    })
}

/// `(data, form, uid, idleTimeout, absoluteTimeout)`: stores a new session and answers its id.
fn create(
    shared: &Shared,
    env: Env,
    [data, form, uid, idle_timeout, absolute_timeout, _]: Arguments,
) -> Result<sys::napi_value> {
    let idle_timeout = optional_millis(read_number(env, idle_timeout)?);
    let absolute_timeout = optional_millis(read_number(env, absolute_timeout)?);
    shared.write(|handle, buffers| {
        let new = NewSession {
            data: buffers.data.read(env, data)?,
            form: buffers.form.read(env, form)?,
            uid: buffers.uid.read(env, uid)?,
            idle_timeout,
            absolute_timeout,
        };
        let (id, facts) = handle.create(&new).map_err(|error| from_core(&error))?;
        buffers.results.facts(&facts);
        make_text(env, Text::Latin1(id.to_text().as_bytes()))
    })
}

/// `(id, version, data, form, idleTimeout)`: writes a change made from `version` (0: from whichever is stored); undefined parts
/// stay. Answers a status.
fn commit(
    shared: &Shared,
    env: Env,
    [id, version, data, form, idle_timeout, _]: Arguments,
) -> Result<sys::napi_value> {
    let version = base_version(read_number(env, version)?);
    let idle_timeout = optional_millis(read_number(env, idle_timeout)?);
    let key = read_key(env, id)?;
    let status = shared.write(|handle, buffers| {
        let Some(key) = key else {
            return Ok(Status::Gone);
        };
        let change = Change {
            data: buffers.data.read_optional(env, data)?,
            form: buffers.form.read_optional(env, form)?,
            idle_timeout,
        };
        let commit = handle
            .commit(key, version, &change)
            .map_err(|error| from_core(&error))?;
        Ok(answer(&mut buffers.results, commit))
    })?;
    make_number(env, u32::from(status as u8))
}

/// `(id, idleTimeout)`: notes activity, and sets the session's own idle timeout unless it is NaN. False if the session is gone.
fn touch(shared: &Shared, env: Env, [id, idle_timeout, ..]: Arguments) -> Result<sys::napi_value> {
    let idle_timeout = optional_millis(read_number(env, idle_timeout)?);
    let key = read_key(env, id)?;
    let touched = shared.write(|handle, buffers| {
        let Some(key) = key else {
            return Ok(false);
        };
        let touched = handle
            .touch(key, idle_timeout)
            .map_err(|error| from_core(&error))?;
        if let Some(facts) = touched {
            buffers.results.facts(&facts);
        }
        Ok(touched.is_some())
    })?;
    make_bool(env, touched)
}
