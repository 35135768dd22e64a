//! The one call of a request that only reads: a raw `Cookie` header in, the session's text out.

use crate::error::{Result, from_core, guard};
use crate::results::Status;
use crate::store::{NativeStore, Shared};
use crate::strings::{TextIn, TextOut};
use agai_session_core::{CookieLookup, cookie};
use napi::{Env, JsString};
use napi_derive::napi;
use std::rc::Rc;

/// Finds sessions of one store by cookies of one name.
#[napi]
pub struct CookieReader {
    shared: Rc<Shared>,
    name: Vec<u8>,
}

#[napi]
impl CookieReader {
    #[napi(constructor)]
    pub fn new(env: Env, store: &NativeStore, name: JsString<'_>) -> Result<Self> {
        let name = TextIn::default().read_bytes(env, name)?.to_vec();
        Ok(Self {
            shared: Rc::clone(&store.shared),
            name,
        })
    }

    /// The text of the session that the header names, or null with the reason in the shared array. With `touch` it counts as
    /// the user's activity.
    #[napi(ts_return_type = "string | null")]
    pub fn find(&self, env: Env, header: JsString<'_>, touch: bool) -> Result<Option<TextOut>> {
        guard(|| {
            let buffers = &mut *self.shared.buffers.borrow_mut();
            let header = buffers.data.read_bytes(env, header)?;
            let found = self
                .shared
                .handle
                .find_by_cookie(header, &self.name, touch, &mut buffers.out);
            let results = &mut buffers.results;
            match found.map_err(|error| from_core(&error))? {
                CookieLookup::Found { offset, facts } => {
                    results.facts(&facts);
                    results.offset(offset);
                    return TextOut::new(env, buffers.out.text()).map(Some);
                }
                CookieLookup::Absent => results.status(Status::Absent),
                CookieLookup::Rejected => results.status(Status::Rejected),
            }
            Ok(None)
        })
    }
}

/// The well-formed ids that a raw `Cookie` header brings under a name, for stores that are elsewhere.
#[napi]
pub fn find_ids(env: Env, header: JsString<'_>, name: JsString<'_>) -> Result<Vec<String>> {
    guard(|| {
        let (mut header_in, mut name_in) = (TextIn::default(), TextIn::default());
        let ids = cookie::ids(header_in.read_bytes(env, header)?, name_in.read_bytes(env, name)?);
        Ok(ids.iter().map(|(_, id)| id.to_text()).collect())
    })
}
