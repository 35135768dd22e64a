//! Failures of the disk in a row, and when to try again.

use std::time::{Duration, Instant};

const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Failures in a row, and when the next try is due: at once, then after pauses that double.
#[derive(Debug, Clone, Copy, Default)]
pub struct Failures {
    pub(super) count: u32,
    next: Option<Instant>,
}

impl Failures {
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
