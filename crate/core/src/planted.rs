//! Faults and panics that tests plant in the store, to prove that they would notice them.
//!
//! Every module may use this one; it uses none. Without the feature `testing`, which no published binary has, [`planted`] is always false,
//! nothing panics, and the compiler removes the calls.

/// A mistake that breaks a guarantee of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The simulated disk reports success of a file's sync without doing it.
    NoSync,
    /// The simulated disk reports success of the directory's sync without doing it.
    NoDirectorySync,
    /// A temporary file is renamed to its final name before its contents are synced.
    RenameBeforeSync,
    /// Waiting commits are acknowledged before the batch is written.
    AcknowledgeBeforeWrite,
    /// The checksum of a frame does not cover its length.
    CrcWithoutLength,
    /// Recovery goes on after a record that it cannot read, and reports nothing.
    ReplayPastTorn,
    /// A failed sync is repeated on the same file, and the second result is trusted.
    SyncRetried,
    /// Old files are removed before the manifest that no longer names them is durable.
    UnlinkBeforeManifest,
    /// Recovery does not notice that the log lacks a record.
    GapIgnored,
    /// The end of a session is acknowledged once it is written, without a sync.
    DestroyNotSynced,
    /// Recovery does not correct deadlines for a clock that was set back.
    WallClockOnly,
    /// The directory is opened without its lock.
    LockSkipped,
}

/// A place at which a test can make the store panic, by storing a session whose user id is [`PanicAt::uid`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PanicAt {
    /// In a call that creates the session, once it is stored.
    Create,
    /// In the expiry of the session.
    Expire,
    /// While the files that hold the session are read.
    Open,
    /// Before a batch is written to the log.
    Write,
    /// Between a write and its acknowledgement.
    Written,
    /// Between a sync and its acknowledgement.
    Synced,
    /// While the store is closed.
    Close,
    /// On the checkpoint's thread, before its first slice.
    Checkpoint,
    /// In the slice of a snapshot that copies the session, under the store's lock.
    Slice,
}

#[cfg(any(test, feature = "testing"))]
pub use with::{Planted, plant};
#[cfg(any(test, feature = "testing"))]
pub(crate) use with::{hand_on, panic_at, panic_once_at, planted, see};
#[cfg(not(any(test, feature = "testing")))]
pub(crate) use without::{hand_on, panic_at, panic_once_at, planted, see};

#[cfg(any(test, feature = "testing"))]
mod with {
    use super::{Fault, PanicAt};
    use std::cell::Cell;
    use std::marker::PhantomData;
    use std::sync::atomic::{AtomicU16, Ordering};

    thread_local! {
        static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
    }

    /// The places at which a panic is due, one bit each.
    static DUE: AtomicU16 = AtomicU16::new(0);

    /// The guard of a fault that is planted in this thread until the guard is dropped.
    #[must_use = "the fault is planted until this is dropped"]
    pub struct Planted {
        before: Option<Fault>,
        /// The fault belongs to one thread: not `Send`.
        thread: PhantomData<*const ()>,
    }

    /// Plants a fault in this thread, and in those that the store starts from it, in place of the one that was planted before.
    pub fn plant(fault: Fault) -> Planted {
        Planted {
            before: FAULT.replace(Some(fault)),
            thread: PhantomData,
        }
    }

    impl Drop for Planted {
        fn drop(&mut self) {
            FAULT.set(self.before);
        }
    }

    /// True if the fault is planted in this thread.
    pub(crate) fn planted(fault: Fault) -> bool {
        FAULT.get() == Some(fault)
    }

    /// Wraps a function for another thread, so that it runs with the fault of this one.
    pub(crate) fn hand_on<T>(run: impl FnOnce() -> T) -> impl FnOnce() -> T {
        let fault = FAULT.get();
        move || {
            FAULT.set(fault);
            run()
        }
    }

    impl PanicAt {
        const ALL: [Self; 9] = [
            Self::Create,
            Self::Expire,
            Self::Open,
            Self::Write,
            Self::Written,
            Self::Synced,
            Self::Close,
            Self::Checkpoint,
            Self::Slice,
        ];

        /// The user id that asks for the panic, which is also the panic's message.
        #[must_use]
        pub const fn uid(self) -> &'static str {
            match self {
                Self::Create => "planted panic",
                Self::Expire => "planted sweeper panic",
                Self::Open => "planted panic in an opening",
                Self::Write => "planted panic before a write",
                Self::Written => "planted panic behind a write",
                Self::Synced => "planted panic behind a sync",
                Self::Close => "planted panic in a close",
                Self::Checkpoint => "planted panic in a checkpoint",
                Self::Slice => "planted panic in a slice",
            }
        }

        const fn bit(self) -> u16 {
            1 << self as u16
        }
    }

    /// Notes the user id of a session that is being stored: it may ask for a panic.
    pub(crate) fn see(uid: &[u8]) {
        let asked = PanicAt::ALL
            .into_iter()
            .find(|place| place.uid().as_bytes() == uid);
        if let Some(place) = asked {
            DUE.fetch_or(place.bit(), Ordering::Relaxed);
        }
    }

    /// Panics if `is_of` says that the current session has the place's user id.
    pub(crate) fn panic_at(place: PanicAt, is_of: impl FnOnce(&str) -> bool) {
        assert!(!is_of(place.uid()), "{}", place.uid());
    }

    /// Panics once if such a session was seen and `has` finds it in this store, which need not be the only one of the process. The files
    /// may hold that session, and a later opening of them must not panic again.
    pub(crate) fn panic_once_at(place: PanicAt, has: impl FnOnce(&str) -> bool) {
        let due = || DUE.load(Ordering::Relaxed) & place.bit() != 0;
        let done = || DUE.fetch_and(!place.bit(), Ordering::Relaxed) != 0;
        panic_at(place, |uid| due() && has(uid) && done());
    }
}

#[cfg(not(any(test, feature = "testing")))]
mod without {
    use super::{Fault, PanicAt};

    pub(crate) const fn planted(_: Fault) -> bool {
        false
    }

    pub(crate) fn hand_on<T>(run: impl FnOnce() -> T) -> impl FnOnce() -> T {
        run
    }

    pub(crate) const fn see(_: &[u8]) {}

    pub(crate) fn panic_at(_: PanicAt, _: impl FnOnce(&str) -> bool) {}

    pub(crate) fn panic_once_at(_: PanicAt, _: impl FnOnce(&str) -> bool) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::sync::spawn;

    #[test]
    fn a_fault_is_planted_in_this_thread_and_in_those_of_the_store_until_its_guard_is_dropped() {
        let outer = plant(Fault::NoSync);
        {
            let _inner = plant(Fault::GapIgnored);
            assert!(planted(Fault::GapIgnored) && !planted(Fault::NoSync));
        }
        assert!(planted(Fault::NoSync) && !planted(Fault::GapIgnored));
        let of_the_store = spawn("session-test", || planted(Fault::NoSync)).unwrap();
        assert!(of_the_store.join().unwrap());
        let another = std::thread::spawn(|| planted(Fault::NoSync));
        assert!(!another.join().unwrap());
        drop(outer);
        assert!(!planted(Fault::NoSync));
    }
}
