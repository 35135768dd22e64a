//! Options, sessions and texts that tests of several rooms use.

use crate::face::Parts;
use crate::journal::options::JournalOptions;
use crate::model::change::{AtUserLimit, NewSession, Options, UNLIMITED};
use crate::model::clock::ManualClock;
use crate::model::random::OsRandom;
use crate::model::standing::Assurance;
use crate::model::text::Text;
pub use crate::testing::objects::{object, object_of};
use std::sync::Arc;

/// The parts of a store that has room for 10,000 sessions, whose clock stands at `now`.
pub fn parts(now: u64, journal: JournalOptions) -> Parts {
    Parts {
        options: Options {
            max_sessions: 10_000,
            max_bytes: 1 << 24,
            max_session_bytes: 1 << 16,
            idle_timeout: 10_000,
            guest_idle_timeout: 5_000,
            absolute_timeout: 100_000,
            max_sessions_per_user: UNLIMITED,
            at_user_limit: AtUserLimit::EvictOldest,
        },
        journal,
        clock: Arc::new(ManualClock::new(now)),
        random: Arc::new(OsRandom),
    }
}

pub fn text(text: &str) -> Text<'_> {
    Text::Latin1(text.as_bytes())
}

/// A new session without a form, with the store's timeouts.
pub fn session<'a>(uid: &'a str, data: &'a str) -> NewSession<'a> {
    NewSession {
        uid: text(uid),
        form: text(""),
        data: object(data),
        idle_timeout: None,
        absolute_timeout: None,
        assurance: Assurance::PLAIN,
    }
}
