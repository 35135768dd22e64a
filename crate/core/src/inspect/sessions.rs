//! The sessions that an opening would load from the files.

use super::ask::Ask;
use crate::model::change::{AtUserLimit, Options, UNLIMITED};
use crate::model::facts::Facts;
use crate::model::id::Handle;
use crate::model::text::OwnedText;
use crate::model::time::NEVER;
use crate::store::Store;
use crate::store::image::Image;

/// The number of sessions, and their ages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sessions {
    pub live: u64,
    /// Live sessions without a user.
    pub guests: u64,
    /// Sessions whose deadline has passed: an opening leaves them out.
    pub expired: u64,
    /// Bytes of the live sessions, as `maxBytes` counts them.
    pub bytes: u64,
    /// The first and last creation, in milliseconds since 1970. `None` without a live session.
    pub oldest: Option<u64>,
    pub newest: Option<u64>,
    /// `None` without a session that expires.
    pub next_deadline: Option<u64>,
    /// Milliseconds by which the clock is behind the latest time in the files.
    pub clock_set_back: u64,
    pub listed: Vec<Listed>,
}

/// One listed session. Its user id and data are private: the command prints them only on request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub handle: Handle,
    /// The hash of its secret.
    pub secret_hash: [u8; 16],
    pub facts: Facts,
    pub bytes: u64,
    pub uid: Option<OwnedText>,
    /// `None` unless [`Ask::data`] is set.
    pub data: Option<OwnedText>,
}

/// Counts and lists the sessions that an opening at `now` would load.
pub fn survey(image: Image, now: u64, ask: Ask) -> Sessions {
    // The bounds of the next opening are unknown, and the timeouts of new sessions do not matter.
    let unbounded = Options {
        max_sessions: u32::MAX,
        max_bytes: u64::MAX,
        max_session_bytes: usize::MAX,
        idle_timeout: NEVER,
        guest_idle_timeout: NEVER,
        absolute_timeout: NEVER,
        max_sessions_per_user: UNLIMITED,
        at_user_limit: AtUserLimit::EvictOldest,
    };
    let (store, adopted) = Store::adopt(unbounded, image, now);
    let stats = store.stats();
    let mut sessions = Sessions {
        live: stats.sessions,
        guests: stats.guests,
        expired: adopted.expired,
        bytes: stats.bytes,
        next_deadline: Some(store.due_at()).filter(|&deadline| deadline < NEVER),
        clock_set_back: adopted.clock_set_back,
        ..Sessions::default()
    };
    store.for_each(|record| {
        let facts = record.facts();
        let created = facts.created_at;
        sessions.oldest = Some(sessions.oldest.map_or(created, |oldest| oldest.min(created)));
        sessions.newest = Some(sessions.newest.map_or(created, |newest| newest.max(created)));
        if sessions.listed.len() < ask.list {
            sessions.listed.push(Listed {
                handle: record.handle(),
                secret_hash: record.secret().to_bytes(),
                facts,
                bytes: record.bytes(),
                uid: record.uid(),
                data: ask.data.then(|| record.contents().data.to_owned()),
            });
        }
    });
    sessions
}
