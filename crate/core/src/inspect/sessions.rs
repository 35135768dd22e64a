//! The sessions that the files come to.

use super::ask::Ask;
use crate::model::change::Options;
use crate::model::facts::Facts;
use crate::model::id::Handle;
use crate::model::text::OwnedText;
use crate::model::time::NEVER;
use crate::store::Store;
use crate::store::image::Image;

/// How many there are, and how old.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sessions {
    pub live: u64,
    /// Of these, without a user.
    pub guests: u64,
    /// Whose deadline had passed: an opening leaves them out.
    pub expired: u64,
    /// What the live ones occupy, as `maxBytes` counts.
    pub bytes: u64,
    /// Instants, in milliseconds since 1970. `None` without a live session, or without one that ends.
    pub oldest: Option<u64>,
    pub newest: Option<u64>,
    pub next_deadline: Option<u64>,
    /// Milliseconds by which the clock stands before the latest instant in the files.
    pub clock_set_back: u64,
    pub listed: Vec<Listed>,
}

/// One session. What is secret of it is for those who ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub handle: Handle,
    /// The hash of its secret.
    pub secret_hash: [u8; 16],
    pub facts: Facts,
    pub bytes: u64,
    pub uid: Option<OwnedText>,
    /// If it was asked for.
    pub data: Option<OwnedText>,
}

/// The store as an opening at `now` would have it.
pub fn survey(image: Image, now: u64, ask: Ask) -> Sessions {
    // Bounds are the opening's affair; nothing is added here.
    let unbounded = Options {
        max_sessions: u32::MAX,
        max_bytes: u64::MAX,
        max_session_bytes: usize::MAX,
        idle_timeout: NEVER,
        guest_idle_timeout: NEVER,
        absolute_timeout: NEVER,
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
