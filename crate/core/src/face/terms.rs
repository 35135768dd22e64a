//! The options on which all openings of one directory must agree, because they share one store.

use crate::face::parts::Parts;
use crate::model::change::{AtUserLimit, Options, UNLIMITED};
use crate::model::clock::Clock;
use crate::model::difference::Difference;
use crate::model::durability::Durability;
use crate::model::time::NEVER;
use std::sync::Arc;

/// The options that hold for all handles of a store. `onCorruption` is left out, because it matters only while a store is being opened;
/// so are the options that only tests can set.
pub struct Terms {
    options: Options,
    durability: Durability,
    refuse_when_degraded: bool,
    clock: Arc<dyn Clock>,
}

impl Terms {
    pub fn of(parts: &Parts) -> Self {
        Self {
            options: parts.options,
            durability: parts.journal.durability,
            refuse_when_degraded: parts.journal.refuse_when_degraded,
            clock: Arc::clone(&parts.clock),
        }
    }

    /// The options whose values differ between an open store and an opening, which was `given` its own.
    pub fn differences(&self, given: &Self) -> Vec<Difference> {
        let pairs = self.values().into_iter().zip(given.values());
        let mut differences: Vec<_> = pairs
            .filter(|((_, open), (_, given))| open != given)
            .map(|((option, open), (_, given))| Difference { option, open, given })
            .collect();
        let is_one_clock = std::ptr::addr_eq(Arc::as_ptr(&self.clock), Arc::as_ptr(&given.clock));
        let clocks = match (self.clock.is_system(), given.clock.is_system()) {
            (true, true) => None,
            (true, false) => Some(("the system clock", "a ManualClock")),
            (false, true) => Some(("a ManualClock", "the system clock")),
            (false, false) => (!is_one_clock).then_some(("a ManualClock", "another ManualClock")),
        };
        differences.extend(clocks.map(|(open, given)| Difference {
            option: "clock",
            open: open.to_owned(),
            given: given.to_owned(),
        }));
        differences
    }

    /// The options' names and values, as they are written in JavaScript.
    fn values(&self) -> [(&'static str, String); 10] {
        let options = &self.options;
        let durability = match self.durability {
            Durability::None => "'none'",
            Durability::Os => "'os'",
            Durability::Disk => "'disk'",
        };
        let at_user_limit = match options.at_user_limit {
            AtUserLimit::EvictOldest => "'evict-oldest'",
            AtUserLimit::Refuse => "'refuse'",
        };
        let on_disk_failure = if self.refuse_when_degraded {
            "'reject'"
        } else {
            "'memory'"
        };
        [
            ("maxSessions", options.max_sessions.to_string()),
            ("maxBytes", options.max_bytes.to_string()),
            ("maxSessionBytes", options.max_session_bytes.to_string()),
            ("idleTimeout", duration(options.idle_timeout)),
            ("guestIdleTimeout", duration(options.guest_idle_timeout)),
            ("absoluteTimeout", duration(options.absolute_timeout)),
            ("maxSessionsPerUser", limit(options.max_sessions_per_user)),
            ("onMaxSessionsPerUser", at_user_limit.to_owned()),
            ("durability", durability.to_owned()),
            ("onDiskFailure", on_disk_failure.to_owned()),
        ]
    }
}

fn limit(number: u32) -> String {
    if number == UNLIMITED {
        "Infinity".to_owned()
    } else {
        number.to_string()
    }
}

fn duration(millis: u64) -> String {
    if millis == NEVER {
        "Infinity".to_owned()
    } else {
        format!("{millis} ms")
    }
}
