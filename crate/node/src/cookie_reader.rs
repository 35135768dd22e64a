//! The cookie reader: takes a raw `Cookie` header and returns the session's text. A request that only reads makes no other call.

use crate::error::{Result, from_core, guard};
use crate::function::make_function;
use crate::opened::Opened;
use crate::results::Status;
use crate::strings::{TextIn, make_null, make_text, read_bool};
use agai_session_core::CookieLookup;
use agai_session_core::model::cookie;
use napi::bindgen_prelude::JsValue;
use napi::{Env, JsString, sys};
use napi_derive::napi;
use std::rc::Rc;

/// Makes a store's function that finds sessions by cookies of this name.
pub fn make_cookie_reader(env: Env, opened: &Rc<Opened>, name: JsString<'_>) -> Result<sys::napi_value> {
    let name = TextIn::default().read_bytes(env, name.raw())?.to_vec();
    let opened = Rc::clone(opened);
    make_function(env, c"find", move |env, [header, touch, ..]| {
        find(&opened, &name, env, header, touch)
    })
}

/// Returns the text of the session that the header names, or null with the reason in the shared array.
fn find(
    opened: &Opened,
    name: &[u8],
    env: Env,
    header: sys::napi_value,
    touch: sys::napi_value,
) -> Result<sys::napi_value> {
    let activity = read_bool(env, touch)?;
    opened.call(|handle, buffers| {
        let header = buffers.name.read_bytes(env, header)?;
        let found = handle.find_by_cookie(header, name, activity, &mut buffers.out);
        match found.map_err(|error| from_core(&error))? {
            CookieLookup::Found { offset, facts } => {
                buffers.results.facts(&facts);
                buffers.results.offset(offset);
                return make_text(env, buffers.out.text());
            }
            CookieLookup::Absent => buffers.results.status(Status::Absent),
            CookieLookup::Rejected => buffers.results.status(Status::Rejected),
        }
        make_null(env)
    })
}

/// Returns the well-formed ids in the cookies of a name, from a raw `Cookie` header. For stores on other machines.
#[napi]
pub fn find_ids(env: Env, header: JsString<'_>, name: JsString<'_>) -> Result<Vec<String>> {
    guard(|| {
        let (mut header_in, mut name_in) = (TextIn::default(), TextIn::default());
        let brought = cookie::brought(
            header_in.read_bytes(env, header.raw())?,
            name_in.read_bytes(env, name.raw())?,
        );
        Ok(brought.ids.iter().map(|(_, id)| id.to_text()).collect())
    })
}
