//! The functions that requests call on a store, besides the cookie reader.

use crate::error::{INTERNAL, Result, from_core};
use crate::function::{Arguments, make_function};
use crate::opened::{Opened, base_version, set_outcome};
use crate::results::{Status, millis, optional_millis};
use crate::strings::{check, make_bool, make_null, make_number, make_text, read_bool, read_id, read_number};
use agai_session_core::model::standing::MAX_METHODS;
use agai_session_core::{Assurance, Change, KeyChange, NewSession, ObjectText, Text};
use napi::{Env, sys};
use std::ffi::CStr;
use std::ptr::null_mut;
use std::rc::Rc;

type Call = fn(&Opened, Env, Arguments) -> Result<sys::napi_value>;

const CALLS: [(&CStr, Call); 5] = [
    (c"load", load),
    (c"loadKey", load_key),
    (c"create", create),
    (c"commit", commit),
    (c"touch", touch),
];

/// Makes the object that holds the functions.
pub fn make_calls(env: Env, opened: &Rc<Opened>) -> Result<sys::napi_value> {
    let mut object = null_mut();
    // SAFETY: the environment is live.
    check(unsafe { sys::napi_create_object(env.raw(), &raw mut object) })?;
    for (name, call) in CALLS {
        let opened = Rc::clone(opened);
        let function = make_function(env, name, move |env, arguments| call(&opened, env, arguments))?;
        // SAFETY: object and function are live handles, and the name ends with a zero.
        check(unsafe { sys::napi_set_named_property(env.raw(), object, name.as_ptr(), function) })?;
    }
    Ok(object)
}

/// `(id, touch)`: returns the text of a session (user id, form parameters, places, U+0000, data), or null.
fn load(opened: &Opened, env: Env, [id, touch, ..]: Arguments) -> Result<sys::napi_value> {
    let activity = read_bool(env, touch)?;
    let Some(id) = read_id(env, id)? else {
        opened.check(())?;
        return make_null(env);
    };
    opened.call(|handle, buffers| {
        let loaded = handle.load(&id, activity, &mut buffers.out);
        match loaded.map_err(|error| from_core(&error))? {
            Some(facts) => {
                buffers.results.facts(&facts);
                make_text(env, buffers.out.text())
            }
            None => make_null(env),
        }
    })
}

/// `(id, name)`: returns the text of one key's value, `''` if there is no such key, null if there is no such session. The name is the key
/// with its quotation marks and its colon.
fn load_key(opened: &Opened, env: Env, [id, name, ..]: Arguments) -> Result<sys::napi_value> {
    let Some(id) = read_id(env, id)? else {
        opened.check(())?;
        return make_null(env);
    };
    opened.call(|handle, buffers| {
        let name = buffers.name.read(env, name)?;
        let found = handle
            .load_key(&id, name, &mut buffers.out)
            .map_err(|error| from_core(&error))?;
        if found {
            make_text(env, buffers.out.text())
        } else {
            make_null(env)
        }
    })
}

/// `(data, form, uid, idleTimeout, absoluteTimeout, level, methods)`: stores a new session and returns its id. See [`assurance`].
fn create(
    opened: &Opened,
    env: Env,
    [data, form, uid, idle_timeout, absolute_timeout, level, methods]: Arguments,
) -> Result<sys::napi_value> {
    let idle_timeout = optional_millis(read_number(env, idle_timeout)?);
    let absolute_timeout = optional_millis(read_number(env, absolute_timeout)?);
    let level = read_number(env, level)?;
    opened.write(|handle, buffers| {
        let new = NewSession {
            data: buffers.data.read(env, data)?,
            form: buffers.form.read(env, form)?,
            uid: buffers.uid.read(env, uid)?,
            idle_timeout,
            absolute_timeout,
            assurance: assurance(level, buffers.methods.read_optional(env, methods)?)?,
        };
        let (id, facts) = handle.create(&new).map_err(|error| from_core(&error))?;
        buffers.results.facts(&facts);
        make_text(env, Text::Latin1(&id.to_ascii()))
    })
}

/// `(id, version, data, set, removed, form, idleTimeout)`: writes a change that was made to `version` (0: to whichever is stored) and returns
/// a status. `set` and `removed` are objects with the keys that are set and removed. Undefined parts stay as they are.
fn commit(
    opened: &Opened,
    env: Env,
    [id, version, data, set, removed, form, idle_timeout]: Arguments,
) -> Result<sys::napi_value> {
    let version = base_version(read_number(env, version)?);
    let idle_timeout = optional_millis(read_number(env, idle_timeout)?);
    let id = read_id(env, id)?;
    let status = opened.write(|handle, buffers| {
        let Some(id) = id else {
            return opened.check(Status::Gone);
        };
        let keys = key_change(
            buffers.set.read_optional(env, set)?,
            buffers.removed.read_optional(env, removed)?,
        );
        let change = Change {
            data: buffers.data.read_optional(env, data)?,
            keys: keys.as_ref(),
            form: buffers.form.read_optional(env, form)?,
            idle_timeout,
        };
        let commit = handle
            .commit(&id, version, &change)
            .map_err(|error| from_core(&error))?;
        Ok(set_outcome(&mut buffers.results, commit))
    })?;
    make_number(env, u32::from(status as u8))
}

/// How sure a login is: the level, plus 4 for a session that is remembered; 0 for none, which is that of a plain login.
pub fn assurance(level: f64, methods: Option<Text<'_>>) -> Result<Assurance<'_>> {
    let flags = u8::try_from(millis(level)).unwrap_or(u8::MAX);
    let methods = match methods {
        None => b"",
        Some(Text::Latin1(bytes)) if bytes.is_ascii() && bytes.len() <= MAX_METHODS => bytes,
        Some(_) => {
            return Err(napi::Error::new(
                INTERNAL,
                "methods that the store does not take".to_owned(),
            ));
        }
    };
    let level = flags & 3;
    if flags > 7 || (level == 0 && flags > 0) {
        return Err(napi::Error::new(
            INTERNAL,
            "a level that the store does not take".to_owned(),
        ));
    }
    Ok(Assurance {
        level: level.max(1),
        remembered: flags > 3,
        methods,
    })
}

/// The changed keys, unless there are none.
pub fn key_change<'a>(set: Option<ObjectText<'a>>, removed: Option<ObjectText<'a>>) -> Option<KeyChange<'a>> {
    let [set_keys, removed_keys] = [set, removed].map(|object| object.unwrap_or(ObjectText::EMPTY));
    (set.is_some() || removed.is_some()).then(|| KeyChange::new(set_keys, removed_keys))
}

/// `(id, idleTimeout)`: records activity, and sets the session's own idle timeout unless that is NaN. Returns false if the session is
/// gone.
fn touch(opened: &Opened, env: Env, [id, idle_timeout, ..]: Arguments) -> Result<sys::napi_value> {
    let idle_timeout = optional_millis(read_number(env, idle_timeout)?);
    let id = read_id(env, id)?;
    let touched = opened.write(|handle, _| {
        let Some(id) = id else {
            return opened.check(false);
        };
        let touched = handle
            .touch(&id, idle_timeout)
            .map_err(|error| from_core(&error))?;
        Ok(touched.is_some())
    })?;
    make_bool(env, touched)
}
