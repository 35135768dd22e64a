//! The faults of a simulated disk: which operations fail, and where it stops.

use fastrand::Rng;
use std::io;

/// A kind of operation that is counted and can fail: each one that changes the disk or makes a change durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Create,
    Write,
    Sync,
    Cut,
    Rename,
    Remove,
    SyncDir,
}

/// The operating system's error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskFault {
    /// EIO.
    Io,
    /// ENOSPC.
    NoSpace,
}

impl DiskFault {
    pub(super) fn error(self) -> io::Error {
        io::Error::from_raw_os_error(match self {
            Self::Io => 5,
            Self::NoSpace => 28,
        })
    }
}

/// The failure of an operation, which then changes nothing. Only a failed sync drops, as Linux does, the changes that it
/// should have made durable: they stay visible, never become durable, and the next sync returns `Ok`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    pub error: DiskFault,
    /// Whether all later operations, or all later ones of the kind, fail as well.
    pub sticky: bool,
    /// The only kind of operation that is counted and fails; `None` for all kinds.
    pub only: Option<Operation>,
}

/// The place at which the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Before the operation.
    Before,
    /// During the operation: any part of a write is done, from nothing to all of it. Other operations are not begun.
    Within { seed: u64 },
}

/// The refusal of an operation.
pub(super) struct Refusal {
    pub error: io::Error,
    /// True if the process is dead: the operation was not tried, so a sync drops nothing.
    pub stopped: bool,
    /// Decides how much of a write is done nevertheless.
    pub torn: Option<Rng>,
}

/// The faults set on a disk, and the counters of its operations.
#[derive(Default)]
pub(super) struct DiskFaults {
    operations: u64,
    by_kind: [u64; 7],
    stop: Option<(u64, Stop)>,
    failures: Vec<(u64, Failure)>,
    short_writes: Option<Rng>,
}

impl DiskFaults {
    pub fn operations(&self) -> u64 {
        self.operations
    }

    pub fn operations_of(&self, kind: Operation) -> u64 {
        self.by_kind.get(kind as usize).copied().unwrap_or_default()
    }

    pub fn stop_at(&mut self, n: u64, stop: Stop) {
        self.stop = Some((n, stop));
    }

    pub fn fail_at(&mut self, n: u64, failure: Failure) {
        self.failures.push((n, failure));
    }

    pub fn clear_failures(&mut self) {
        self.failures.clear();
    }

    pub fn short_writes(&mut self, seed: u64) {
        self.short_writes = Some(Rng::with_seed(seed));
    }

    /// Counts an operation, and refuses it if it must fail.
    pub fn admit(&mut self, kind: Operation) -> Result<(), Refusal> {
        self.operations += 1;
        if let Some(count) = self.by_kind.get_mut(kind as usize) {
            *count += 1;
        }
        if let Some((n, stop)) = self.stop
            && self.operations >= n
        {
            let torn = match stop {
                Stop::Within { seed } if self.operations == n => Some(Rng::with_seed(seed)),
                _ => None,
            };
            return Err(Refusal {
                error: io::Error::other("stopped"),
                stopped: true,
                torn,
            });
        }
        match self
            .failures
            .iter()
            .find(|(n, failure)| self.is_due(kind, *n, *failure))
        {
            None => Ok(()),
            Some((_, failure)) => Err(Refusal {
                error: failure.error.error(),
                stopped: false,
                torn: None,
            }),
        }
    }

    fn is_due(&self, kind: Operation, n: u64, failure: Failure) -> bool {
        let count = match failure.only {
            None => self.operations,
            Some(only) if only == kind => self.operations_of(kind),
            Some(_) => return false,
        };
        count == n || (failure.sticky && count > n)
    }

    /// How much of a write of `len` bytes the system accepts.
    pub fn shorten(&mut self, len: usize) -> usize {
        match &mut self.short_writes {
            Some(rng) if len > 1 => rng.usize(1..len),
            _ => len,
        }
    }
}
