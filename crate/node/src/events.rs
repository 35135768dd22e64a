//! Events and pages as flat arrays, which cost a fraction of an object for each row.

use crate::error::{Result, from_napi};
use crate::results::number;
use crate::strings::{Made, make_text};
use agai_session_core::{Event, SessionInfo, SessionPage};
use napi::Env;
use napi::bindgen_prelude::{Array, ToNapiValue};

/// A JavaScript array under construction.
struct Rows<'env> {
    env: Env,
    array: Array<'env>,
    at: u32,
}

impl<'env> Rows<'env> {
    fn new(env: &'env Env) -> Result<Self> {
        let array = env.create_array(0).map_err(|error| from_napi(&error))?;
        Ok(Self {
            env: *env,
            array,
            at: 0,
        })
    }

    fn put(&mut self, value: impl ToNapiValue) -> Result<()> {
        self.array
            .set(self.at, value)
            .map_err(|error| from_napi(&error))?;
        self.at += 1;
        Ok(())
    }

    fn put_uid(&mut self, uid: Option<&agai_session_core::OwnedText>) -> Result<()> {
        let text = uid
            .map(|uid| make_text(self.env, uid.as_text()).map(Made))
            .transpose()?;
        self.put(text)
    }
}

/// Returns a row for each event: kind, reason, handle, user id or null.
pub fn event_rows<'env>(env: &'env Env, events: &[Event]) -> Result<Array<'env>> {
    let mut rows = Rows::new(env)?;
    for event in events {
        rows.put(u32::from(event.kind as u8))?;
        rows.put(u32::from(event.reason as u8))?;
        rows.put(event.handle.to_text())?;
        rows.put_uid(event.uid.as_ref())?;
    }
    Ok(rows.array)
}

/// Returns the cursor of the next page or null, then a row for each session.
pub fn page_rows<'env>(env: &'env Env, page: &SessionPage) -> Result<Array<'env>> {
    let mut rows = Rows::new(env)?;
    rows.put(page.next)?;
    put_sessions(&mut rows, &page.sessions)?;
    Ok(rows.array)
}

/// Returns a row for each session.
pub fn session_rows<'env>(env: &'env Env, sessions: &[SessionInfo]) -> Result<Array<'env>> {
    let mut rows = Rows::new(env)?;
    put_sessions(&mut rows, sessions)?;
    Ok(rows.array)
}

/// Adds a row for each session: handle, user id or null, version, created, last seen, idle timeout, absolute deadline, authenticated,
/// bytes, level, whether it is remembered.
fn put_sessions(rows: &mut Rows<'_>, sessions: &[SessionInfo]) -> Result<()> {
    for session in sessions {
        rows.put(session.handle.to_text())?;
        rows.put_uid(session.uid.as_ref())?;
        let facts = &session.facts;
        for value in [
            facts.version,
            facts.created_at,
            facts.last_seen_at,
            facts.idle_timeout,
            facts.absolute_deadline,
            facts.authenticated_at,
            session.bytes,
            facts.level.into(),
            facts.remembered.into(),
        ] {
            rows.put(number(value))?;
        }
    }
    Ok(())
}
