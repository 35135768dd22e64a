//! The one call of a request that only reads: a raw `Cookie` header in, the session's text out.
//!
//! The reader is a plain JavaScript function that carries its own data, made with Node-API itself. As a method of a class it
//! would first have its receiver unwrapped and checked, which costs more than all that it does (docs/figures.md).

use crate::error::{Result, from_core, guard};
use crate::results::Status;
use crate::store::Shared;
use crate::strings::{Made, TextIn, check, make_text};
use agai_session_core::{CookieLookup, cookie};
use napi::{Env, JsString, sys};
use napi_derive::napi;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::rc::Rc;

/// Finds sessions of one store by cookies of one name.
struct CookieReader {
    shared: Rc<Shared>,
    name: Vec<u8>,
}

impl CookieReader {
    /// The text of the session that the header names, or null with the reason in the shared array.
    fn find(&self, env: Env, header: sys::napi_value, touch: sys::napi_value) -> Result<sys::napi_value> {
        let mut activity = false;
        // SAFETY: a live handle of this environment.
        check(unsafe { sys::napi_get_value_bool(env.raw(), touch, &raw mut activity) })?;
        let buffers = &mut *self.shared.buffers.borrow_mut();
        let header = buffers.data.read_bytes(env, header)?;
        let found = self
            .shared
            .handle
            .find_by_cookie(header, &self.name, activity, &mut buffers.out);
        match found.map_err(|error| from_core(&error))? {
            CookieLookup::Found { offset, facts } => {
                buffers.results.facts(&facts);
                buffers.results.offset(offset);
                return make_text(env, buffers.out.text());
            }
            CookieLookup::Absent => buffers.results.status(Status::Absent),
            CookieLookup::Rejected => buffers.results.status(Status::Rejected),
        }
        let mut null = null_mut();
        // SAFETY: the environment is live.
        check(unsafe { sys::napi_get_null(env.raw(), &raw mut null) })?;
        Ok(null)
    }
}

/// Makes the function that reads cookies of `name`.
pub fn make_cookie_reader(env: Env, shared: &Rc<Shared>, name: JsString<'_>) -> Result<Made> {
    let name = TextIn::default().read_text_bytes(env, name)?.to_vec();
    let reader = Box::into_raw(Box::new(CookieReader {
        shared: Rc::clone(shared),
        name,
    }));
    let mut function = null_mut();
    let mut make = || {
        // SAFETY: `reader` lives until `drop_reader` frees it, which happens after the last call of the function.
        check(unsafe {
            let data = reader.cast();
            sys::napi_create_function(
                env.raw(),
                c"find".as_ptr(),
                4,
                Some(call_find),
                data,
                &raw mut function,
            )
        })?;
        // SAFETY: the function is a live handle, and the finalizer is given its data once.
        check(unsafe {
            let data = reader.cast();
            sys::napi_add_finalizer(
                env.raw(),
                function,
                data,
                Some(drop_reader),
                null_mut(),
                null_mut(),
            )
        })
    };
    if let Err(error) = make() {
        // SAFETY: no finalizer was registered, so this is its only owner; the function is lost with the error.
        drop(unsafe { Box::from_raw(reader) });
        return Err(error);
    }
    Ok(Made(function))
}

unsafe extern "C" fn call_find(raw_env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let env = Env::from_raw(raw_env);
    let answer = guard(|| {
        let (mut count, mut arguments, mut data) = (2, [null_mut(); 2], null_mut());
        // SAFETY: the call fills at most `count` arguments, and those that were not given with undefined.
        check(unsafe {
            sys::napi_get_cb_info(
                raw_env,
                info,
                &raw mut count,
                arguments.as_mut_ptr(),
                null_mut(),
                &raw mut data,
            )
        })?;
        // SAFETY: the data that the function was made with; it is freed after the function alone.
        let reader = unsafe { &*data.cast::<CookieReader>() };
        let [header, touch] = arguments;
        reader.find(env, header, touch)
    });
    answer.unwrap_or_else(|error| {
        // SAFETY: on the environment's own thread, in a call from it.
        unsafe { napi::JsError::from(error).throw_into(raw_env) };
        null_mut()
    })
}

unsafe extern "C" fn drop_reader(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: made by `Box::into_raw`, and finalized once.
    drop(unsafe { Box::from_raw(data.cast::<CookieReader>()) });
}

/// The well-formed ids that a raw `Cookie` header brings under a name, for stores that are elsewhere.
#[napi]
pub fn find_ids(env: Env, header: JsString<'_>, name: JsString<'_>) -> Result<Vec<String>> {
    guard(|| {
        let (mut header_in, mut name_in) = (TextIn::default(), TextIn::default());
        let brought = cookie::brought(
            header_in.read_text_bytes(env, header)?,
            name_in.read_text_bytes(env, name)?,
        );
        Ok(brought.ids.iter().map(|(_, id)| id.to_text()).collect())
    })
}
