//! Faults built in on purpose, so that the tests prove that they would notice them. Without the feature `planted-faults`, which no
//! published binary has, there are none and nothing is left of this.

/// One way to get durability wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Writes are not synced at all.
    NoSync,
    /// The directory is not synced after files were made, renamed or removed.
    NoDirectorySync,
    /// A temporary file takes its name before its contents are on the disk.
    RenameBeforeSync,
    /// Waiters are told before the write.
    AcknowledgeBeforeWrite,
    /// Frames' checksums leave the length out.
    CrcWithoutLength,
    /// Replay goes on behind a torn record.
    ReplayPastTorn,
    /// A failed sync is tried again on the same file, and believed.
    SyncRetried,
    /// Old files go before the new manifest is durable.
    UnlinkBeforeManifest,
    /// A missing record is not noticed.
    GapIgnored,
    /// A destroy is acknowledged as any write.
    DestroyNotSynced,
    /// Deadlines are taken as they are, wherever the clock is now.
    WallClockOnly,
    /// The directory is not locked.
    LockSkipped,
}

/// The fault that is planted, if any.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    #[cfg(feature = "testing")]
    planted: Option<Fault>,
}

impl Faults {
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn plant(fault: Fault) -> Self {
        Self { planted: Some(fault) }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn has(self, fault: Fault) -> bool {
        self.planted == Some(fault)
    }

    #[cfg(not(feature = "testing"))]
    #[expect(clippy::unused_self, reason = "the same call with the feature")]
    pub(crate) const fn has(self, _fault: Fault) -> bool {
        false
    }
}

/// A disk with the faults that a disk can have.
#[cfg(feature = "testing")]
pub use disk::FaultyDisk;

#[cfg(feature = "testing")]
mod disk {
    use super::{Fault, Faults};
    use crate::disk::{Disk, Sink, Source};
    use std::io;
    use std::sync::Arc;

    /// Passes all calls on, but for the syncs that the planted fault leaves out.
    pub struct FaultyDisk {
        pub inner: Arc<dyn Disk>,
        pub faults: Faults,
    }

    struct FaultySink {
        inner: Box<dyn Sink>,
        syncs: bool,
    }

    impl Disk for FaultyDisk {
        fn open(&self, name: &str) -> io::Result<Box<dyn Source>> {
            self.inner.open(name)
        }

        fn create(&self, name: &str) -> io::Result<Box<dyn Sink>> {
            let unsynced = self.faults.has(Fault::NoSync)
                || self.faults.has(Fault::RenameBeforeSync) && name.starts_with("tmp-");
            Ok(Box::new(FaultySink {
                inner: self.inner.create(name)?,
                syncs: !unsynced,
            }))
        }

        fn cut(&self, name: &str, len: u64) -> io::Result<()> {
            self.inner.cut(name, len)
        }

        fn rename(&self, from: &str, to: &str) -> io::Result<()> {
            self.inner.rename(from, to)
        }

        fn remove(&self, name: &str) -> io::Result<()> {
            self.inner.remove(name)
        }

        fn list(&self) -> io::Result<Vec<String>> {
            self.inner.list()
        }

        fn sync_dir(&self) -> io::Result<()> {
            if self.faults.has(Fault::NoDirectorySync) {
                return Ok(());
            }
            self.inner.sync_dir()
        }
    }

    impl Sink for FaultySink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.inner.write(bytes)
        }

        fn sync(&mut self) -> io::Result<()> {
            if self.syncs { self.inner.sync() } else { Ok(()) }
        }

        fn cut(&mut self, len: u64) -> io::Result<()> {
            self.inner.cut(len)
        }
    }
}
