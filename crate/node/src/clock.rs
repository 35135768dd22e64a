//! A clock that tests move by hand.

use crate::error::{Result, guard};
use crate::results::{millis, number};
use agai_session_core::model::clock::{Clock, ManualClock, SystemClock};
use napi_derive::napi;
use std::sync::Arc;

/// A clock that stands still until it is moved.
#[napi]
pub struct NativeClock {
    pub(crate) clock: Arc<ManualClock>,
}

#[napi]
impl NativeClock {
    #[napi(constructor)]
    #[must_use]
    pub fn new(now: f64) -> Self {
        Self {
            clock: Arc::new(ManualClock::new(millis(now))),
        }
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
    #[must_use]
    pub fn now(&self) -> f64 {
        number(self.clock.now())
    }
}

/// The clock that JavaScript gave, or the machine's.
pub fn clock_or_system(clock: Option<&NativeClock>) -> Arc<dyn Clock> {
    match clock {
        Some(manual) => Arc::clone(&manual.clock) as Arc<dyn Clock>,
        None => Arc::new(SystemClock::default()),
    }
}
