//! The options of a store. TypeScript has checked them.

use crate::results::millis;
use agai_session_core::Options;
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
        }
    }
}
