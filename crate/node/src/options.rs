//! The options of a store. TypeScript has checked them.

use crate::results::millis;
use agai_session_core::{AtUserLimit, Options, UNLIMITED};
use napi_derive::napi;

/// The bounds and the default timeouts of a store. Times are in milliseconds, `Infinity` for none.
#[napi(object)]
#[derive(Clone, Copy)]
pub struct NativeOptions {
    pub max_sessions: u32,
    pub max_bytes: f64,
    pub max_session_bytes: f64,
    pub idle_timeout: f64,
    pub guest_idle_timeout: f64,
    pub absolute_timeout: f64,
    /// `Infinity` for no limit.
    pub max_sessions_per_user: f64,
    /// Whether a login beyond that is refused, or else the user's session is evicted that was used longest ago.
    pub refuse_at_user_limit: bool,
}

impl From<NativeOptions> for Options {
    fn from(options: NativeOptions) -> Self {
        Self {
            max_sessions: options.max_sessions,
            max_bytes: millis(options.max_bytes),
            max_session_bytes: usize::try_from(millis(options.max_session_bytes)).unwrap_or(usize::MAX),
            idle_timeout: millis(options.idle_timeout),
            guest_idle_timeout: millis(options.guest_idle_timeout),
            absolute_timeout: millis(options.absolute_timeout),
            max_sessions_per_user: u32::try_from(millis(options.max_sessions_per_user)).unwrap_or(UNLIMITED),
            at_user_limit: if options.refuse_at_user_limit {
                AtUserLimit::Refuse
            } else {
                AtUserLimit::EvictOldest
            },
        }
    }
}
