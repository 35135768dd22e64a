//! A clock that tests set by hand.

use crate::error::{Result, guard};
use crate::results::{millis, number};
use agai_session_core::model::clock::{Clock, ManualClock, SystemClock};
use napi_derive::napi;
use std::sync::Arc;

/// A clock for tests: its time changes only by `advance`.
#[napi]
pub struct NativeClock {
    pub(crate) clock: Arc<ManualClock>,
}

#[napi]
impl NativeClock {
    #[napi(constructor)]
    pub fn new(now: f64) -> Result<Self> {
        guard(|| {
            Ok(Self {
                clock: Arc::new(ManualClock::new(millis(now))),
            })
        })
    }

    /// Moves the clock forward and wakes the expiry threads that run on it.
    #[napi]
    pub fn advance(&self, by: f64) -> Result<()> {
        guard(|| {
            self.clock.advance(millis(by));
            Ok(())
        })
    }

    #[napi]
    pub fn now(&self) -> Result<f64> {
        guard(|| Ok(number(self.clock.now())))
    }
}

/// The clock that JavaScript passed, or the system's.
pub fn clock_or_system(clock: Option<&NativeClock>) -> Arc<dyn Clock> {
    match clock {
        Some(manual) => Arc::clone(&manual.clock) as Arc<dyn Clock>,
        None => Arc::new(SystemClock::default()),
    }
}
