//! JavaScript functions made with Node-API directly, each with data of its own.
//!
//! A call of a class's method unwraps and checks the receiver, which takes longer than a whole read (docs/internals/figures.md). So
//! what requests call are functions.

use crate::error::{Result, guard};
use crate::strings::check;
use napi::{Env, sys};
use std::ffi::{CStr, c_void};
use std::ptr::null_mut;

/// The arguments of a call; those that were not given are undefined.
pub type Arguments = [sys::napi_value; ARGUMENTS];

/// The number of arguments that a call may have.
const ARGUMENTS: usize = 7;

/// Makes a function that runs `body` under `guard` and throws its errors. The body is freed with the function.
pub fn make_function<F>(env: Env, name: &CStr, body: F) -> Result<sys::napi_value>
where
    F: Fn(Env, Arguments) -> Result<sys::napi_value> + 'static,
{
    let body = Box::into_raw(Box::new(body));
    let mut function = null_mut();
    let mut make = || {
        // SAFETY: `body` lives until `drop_body` frees it, which happens after the last call of the function.
        check(unsafe {
            sys::napi_create_function(
                env.raw(),
                name.as_ptr(),
                name.count_bytes().cast_signed(),
                Some(call_body::<F>),
                body.cast(),
                &raw mut function,
            )
        })?;
        // SAFETY: the function is a live handle, and the finalizer is given its data once.
        check(unsafe {
            sys::napi_add_finalizer(
                env.raw(),
                function,
                body.cast(),
                Some(drop_body::<F>),
                null_mut(),
                null_mut(),
            )
        })
    };
    if let Err(error) = make() {
        // SAFETY: no finalizer was registered, so this is the only owner; the error drops the function.
        drop(unsafe { Box::from_raw(body) });
        return Err(error);
    }
    Ok(function)
}

unsafe extern "C" fn call_body<F>(raw_env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value
where
    F: Fn(Env, Arguments) -> Result<sys::napi_value> + 'static,
{
    let result = guard(|| {
        let mut arguments: Arguments = [null_mut(); ARGUMENTS];
        let (mut count, mut body) = (arguments.len(), null_mut());
        // SAFETY: the call fills exactly `count` arguments, those that were not given with undefined.
        check(unsafe {
            sys::napi_get_cb_info(
                raw_env,
                info,
                &raw mut count,
                arguments.as_mut_ptr(),
                null_mut(),
                &raw mut body,
            )
        })?;
        // SAFETY: the body that the function was made with, which is freed only after the function.
        let body = unsafe { &*body.cast::<F>() };
        body(Env::from_raw(raw_env), arguments)
    });
    result.unwrap_or_else(|error| {
        // SAFETY: on the environment's own thread, in a call from it.
        unsafe { napi::JsError::from(error).throw_into(raw_env) };
        null_mut()
    })
}

unsafe extern "C" fn drop_body<F>(_env: sys::napi_env, body: *mut c_void, _hint: *mut c_void) {
    let _ = guard(|| {
        // SAFETY: made by `Box::into_raw`, and finalized once.
        drop(unsafe { Box::from_raw(body.cast::<F>()) });
        Ok(())
    });
}
