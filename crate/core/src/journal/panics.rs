//! Panics that a test asks for by the user id of a session that it stores, each at one place of the journal. Without the feature
//! `planted-faults`, which no published binary has, there are none and nothing is left of this.

/// Where the journal is to panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PanicAt {
    /// While the files are read that have such a session.
    Open,
    /// Before a batch is written.
    Write,
    /// Between a write and its acknowledgement.
    Written,
    /// Between a sync and its acknowledgement.
    Synced,
    /// While the store is closed.
    Close,
    /// On a checkpoint's thread, before its first slice.
    Checkpoint,
    /// In a slice of a snapshot, under the store's lock.
    Slice,
}

impl PanicAt {
    /// The user id that asks for it, which is also what the panic says.
    #[cfg(feature = "testing")]
    #[must_use]
    pub const fn uid(self) -> &'static str {
        match self {
            Self::Open => "planted panic in an opening",
            Self::Write => "planted panic before a write",
            Self::Written => "planted panic behind a write",
            Self::Synced => "planted panic behind a sync",
            Self::Close => "planted panic in a close",
            Self::Checkpoint => "planted panic in a checkpoint",
            Self::Slice => "planted panic in a slice",
        }
    }
}

/// The panic that was asked for, if any.
#[derive(Debug, Clone, Copy, Default)]
pub struct Panics {
    #[cfg(feature = "testing")]
    asked: Option<PanicAt>,
}

#[cfg(feature = "testing")]
impl Panics {
    /// Sees a session that is stored.
    pub(crate) fn see(&mut self, uid: &[u8]) {
        use PanicAt::{Checkpoint, Close, Open, Slice, Synced, Write, Written};
        let places = [Open, Write, Written, Synced, Close, Checkpoint, Slice];
        let asked = places.into_iter().find(|place| place.uid().as_bytes() == uid);
        self.asked = asked.or(self.asked);
    }

    /// # Panics
    /// When that was asked for here.
    pub(crate) fn pass(self, place: PanicAt) {
        assert!(self.asked != Some(place), "{}", place.uid());
    }
}

#[cfg(not(feature = "testing"))]
#[expect(clippy::unused_self, reason = "the same calls with the feature")]
impl Panics {
    pub(crate) const fn see(&mut self, _uid: &[u8]) {}

    pub(crate) const fn pass(self, _place: PanicAt) {}
}
