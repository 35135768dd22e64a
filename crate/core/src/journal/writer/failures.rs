//! The schedule of retries after failures of the disk.

use std::time::{Duration, Instant};

const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A count of consecutive failures, and when the next try is due. Pauses double with each failure.
#[derive(Debug, Clone, Copy, Default)]
pub struct Failures {
    pub(super) count: u32,
    next: Option<Instant>,
}

impl Failures {
    /// Counts a failure and schedules the next try.
    pub fn again(&mut self, first_pause: Duration) {
        let pause = first_pause.saturating_mul(1 << self.count.min(16));
        self.count += 1;
        self.next = Some(Instant::now() + pause.min(LONGEST_PAUSE));
    }

    pub fn is_due(&self) -> bool {
        self.next.is_none_or(|next| next <= Instant::now())
    }

    pub fn next_try(&self) -> Option<Instant> {
        self.next
    }

    #[cfg(any(test, feature = "testing"))]
    pub fn pass_time(&mut self) {
        self.next = self.next.map(|_| Instant::now());
    }
}
