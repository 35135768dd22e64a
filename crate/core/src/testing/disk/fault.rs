//! What is to go wrong, and when.

use fastrand::Rng;
use std::io;

/// What is counted and can fail: everything that changes the disk or makes a change durable.
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

/// What the operating system says.
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

/// An operation that fails. It changes nothing, except that a failed sync forgets, as Linux does, what it should have
/// made durable: still seen, never durable, and the next sync answers `Ok`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    pub error: DiskFault,
    /// All later operations fail as well, or all later ones of the kind.
    pub sticky: bool,
    /// Counts and fails operations of this kind only.
    pub only: Option<Operation>,
}

/// What the process does last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It dies before the operation.
    Before,
    /// It dies in the operation: of a write any part is done, nothing and all included. Other operations are not begun.
    Within { seed: u64 },
}

/// An operation that must not be done.
pub(super) struct Refusal {
    pub error: io::Error,
    /// The process is gone: nothing was tried, so nothing was lost by trying.
    pub stopped: bool,
    /// Decides how much of a write is done all the same.
    pub torn: Option<Rng>,
}

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

    pub fn mend(&mut self) {
        self.failures.clear();
    }

    pub fn short_writes(&mut self, seed: u64) {
        self.short_writes = Some(Rng::with_seed(seed));
    }

    /// Counts an operation and says whether it is done.
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

    /// How much of a write of `len` bytes the system takes.
    pub fn shorten(&mut self, len: usize) -> usize {
        match &mut self.short_writes {
            Some(rng) if len > 1 => rng.usize(1..len),
            _ => len,
        }
    }
}
