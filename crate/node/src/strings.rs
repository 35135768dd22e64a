//! Conversion of JavaScript strings without UTF-8, into buffers that are reused; and of the other values that functions take and return.
//!
//! Creating or reading latin1 costs a fraction of UTF-8, and asking for the length first doubles the cost of a read (docs/internals/figures.md).
//! So a read uses a buffer that is nearly always large enough, and reads again if it was not.

use crate::error::{INTERNAL, Result};
use agai_session_core::{Handle, ObjectText, SessionId, Text};
use napi::bindgen_prelude::{JsValue, ToNapiValue};
use napi::{Env, JsString, sys};
use std::ptr::null_mut;

/// Converts the status of a Node-API call.
pub fn check(status: sys::napi_status) -> Result<()> {
    if status == sys::Status::napi_ok {
        Ok(())
    } else {
        Err(napi::Error::new(
            INTERNAL,
            format!("Node-API returned status {status}"),
        ))
    }
}

/// The code unit of an encoding: `u8` for latin1, `u16` for UTF-16.
trait Unit: Default + Clone {
    /// # Safety
    /// As of `napi_get_value_string_latin1`: a live handle, and room for `room` units at `buffer` unless it is null.
    unsafe fn get(
        env: sys::napi_env,
        value: sys::napi_value,
        buffer: *mut Self,
        room: usize,
        read: *mut usize,
    ) -> sys::napi_status;
}

impl Unit for u8 {
    unsafe fn get(
        env: sys::napi_env,
        value: sys::napi_value,
        buffer: *mut Self,
        room: usize,
        read: *mut usize,
    ) -> sys::napi_status {
        // SAFETY: the caller's.
        unsafe { sys::napi_get_value_string_latin1(env, value, buffer.cast(), room, read) }
    }
}

impl Unit for u16 {
    unsafe fn get(
        env: sys::napi_env,
        value: sys::napi_value,
        buffer: *mut Self,
        room: usize,
        read: *mut usize,
    ) -> sys::napi_status {
        // SAFETY: the caller's.
        unsafe { sys::napi_get_value_string_utf16(env, value, buffer, room, read) }
    }
}

/// Units that a buffer keeps after a long text.
const MOST_KEPT: usize = 1 << 16;

/// Reads a whole string into `buffer`. A buffer that an earlier, long string made large shrinks again.
fn read<T: Unit>(env: Env, value: sys::napi_value, buffer: &mut Vec<T>) -> Result<&[T]> {
    const AT_FIRST: usize = 1024;
    if buffer.len() < AT_FIRST {
        buffer.resize(AT_FIRST, T::default());
    } else if buffer.len() > MOST_KEPT {
        buffer.truncate(MOST_KEPT);
        buffer.shrink_to_fit();
    }
    loop {
        let mut read = 0;
        // SAFETY: the value is a live handle of this environment, and the call writes at most the given length, which is the
        // buffer's, a terminator included.
        check(unsafe { T::get(env.raw(), value, buffer.as_mut_ptr(), buffer.len(), &raw mut read) })?;
        if read + 1 < buffer.len() {
            return Ok(buffer.get(..read).unwrap_or_default());
        }
        let mut units = 0;
        // SAFETY: without a buffer the call only reports the length.
        check(unsafe { T::get(env.raw(), value, null_mut(), 0, &raw mut units) })?;
        // One for the terminator, one so that a full read cannot be mistaken for a truncated one.
        buffer.resize(units + 2, T::default());
    }
}

/// The buffers for one string argument.
#[derive(Default)]
pub struct TextIn {
    utf16: Vec<u16>,
    latin1: Vec<u8>,
}

impl TextIn {
    /// Reads a string, as latin1 if all its characters fit.
    pub fn read(&mut self, env: Env, value: sys::napi_value) -> Result<Text<'_>> {
        let units = read(env, value, &mut self.utf16)?;
        Ok(Text::narrow(units, &mut self.latin1))
    }

    /// Reads a string, or `None` for undefined.
    pub fn read_optional(&mut self, env: Env, value: sys::napi_value) -> Result<Option<Text<'_>>> {
        if is_undefined(env, value)? {
            return Ok(None);
        }
        self.read(env, value).map(Some)
    }

    /// Reads a string whose characters are bytes, as an HTTP header's are.
    pub fn read_bytes(&mut self, env: Env, value: sys::napi_value) -> Result<&[u8]> {
        read(env, value, &mut self.latin1)
    }
}

/// The buffers for one argument that is the text of an object.
#[derive(Default)]
pub struct ObjectIn {
    text: TextIn,
    places: Vec<u8>,
}

impl ObjectIn {
    /// Reads a string and finds its members.
    pub fn read(&mut self, env: Env, value: sys::napi_value) -> Result<ObjectText<'_>> {
        // A buffer that an earlier object with very many keys made large shrinks again.
        if self.places.capacity() > MOST_KEPT {
            self.places = Vec::new();
        }
        let text = self.text.read(env, value)?;
        ObjectText::scan(text, &mut self.places).ok_or_else(|| {
            let message = "the session's data must be the text of a JSON object as JSON.stringify writes it";
            napi::Error::new("ERR_SESSION_DATA", message.to_owned())
        })
    }

    /// Reads a string, or `None` for undefined.
    pub fn read_optional(&mut self, env: Env, value: sys::napi_value) -> Result<Option<ObjectText<'_>>> {
        if is_undefined(env, value)? {
            return Ok(None);
        }
        self.read(env, value).map(Some)
    }
}

fn is_undefined(env: Env, value: sys::napi_value) -> Result<bool> {
    let mut kind = 0;
    // SAFETY: a live handle of this environment.
    check(unsafe { sys::napi_typeof(env.raw(), value, &raw mut kind) })?;
    Ok(kind == sys::ValueType::napi_undefined)
}

/// Reads an id or a handle, which are short and ASCII; `None` if `parse` rejects it. It is read as UTF-16: read as latin1, any other
/// character with the same low byte would be taken for the right one.
fn read_name<T>(
    env: Env,
    value: sys::napi_value,
    parse: impl FnOnce(&[u8]) -> Option<T>,
) -> Result<Option<T>> {
    // A longer text is truncated to the buffer and then has the wrong length.
    let mut units = [0u16; SessionId::TEXT_LEN + 2];
    let mut read = 0;
    // SAFETY: the value is a live handle of this environment, and the call writes at most the buffer's length.
    check(unsafe { u16::get(env.raw(), value, units.as_mut_ptr(), units.len(), &raw mut read) })?;
    let mut bytes = [0u8; SessionId::TEXT_LEN + 2];
    for (byte, unit) in bytes.iter_mut().zip(units) {
        // No id or handle contains a 0.
        *byte = u8::try_from(unit).unwrap_or(0);
    }
    Ok(bytes.get(..read).and_then(parse))
}

/// Reads an id; `None` if the text is none.
pub fn read_id(env: Env, value: sys::napi_value) -> Result<Option<SessionId>> {
    read_name(env, value, SessionId::parse)
}

/// Reads a handle; `None` if the text is none.
pub fn read_handle(env: Env, value: JsString<'_>) -> Result<Option<Handle>> {
    read_name(env, value.raw(), Handle::parse)
}

/// Makes a JavaScript string.
pub fn make_text(env: Env, text: Text<'_>) -> Result<sys::napi_value> {
    let mut value = null_mut();
    check(match text {
        // SAFETY: pointer and length are one slice's; the engine copies it.
        Text::Latin1(bytes) => unsafe {
            sys::napi_create_string_latin1(
                env.raw(),
                bytes.as_ptr().cast(),
                bytes.len().cast_signed(),
                &raw mut value,
            )
        },
        // SAFETY: as above.
        Text::Utf16(units) => unsafe {
            sys::napi_create_string_utf16(
                env.raw(),
                units.as_ptr(),
                units.len().cast_signed(),
                &raw mut value,
            )
        },
    })?;
    Ok(value)
}

pub fn make_null(env: Env) -> Result<sys::napi_value> {
    let mut null = null_mut();
    // SAFETY: the environment is live.
    check(unsafe { sys::napi_get_null(env.raw(), &raw mut null) })?;
    Ok(null)
}

pub fn make_bool(env: Env, value: bool) -> Result<sys::napi_value> {
    let mut made = null_mut();
    // SAFETY: the environment is live.
    check(unsafe { sys::napi_get_boolean(env.raw(), value, &raw mut made) })?;
    Ok(made)
}

pub fn make_number(env: Env, value: u32) -> Result<sys::napi_value> {
    let mut made = null_mut();
    // SAFETY: the environment is live.
    check(unsafe { sys::napi_create_uint32(env.raw(), value, &raw mut made) })?;
    Ok(made)
}

pub fn read_bool(env: Env, value: sys::napi_value) -> Result<bool> {
    let mut read = false;
    // SAFETY: a live handle of this environment.
    check(unsafe { sys::napi_get_value_bool(env.raw(), value, &raw mut read) })?;
    Ok(read)
}

pub fn read_number(env: Env, value: sys::napi_value) -> Result<f64> {
    let mut read = 0.0;
    // SAFETY: a live handle of this environment.
    check(unsafe { sys::napi_get_value_double(env.raw(), value, &raw mut read) })?;
    Ok(read)
}

/// A JavaScript value that an export returns as it is.
pub struct Made(pub sys::napi_value);

impl ToNapiValue for Made {
    unsafe fn to_napi_value(_env: sys::napi_env, made: Self) -> napi::Result<sys::napi_value> {
        Ok(made.0)
    }
}
