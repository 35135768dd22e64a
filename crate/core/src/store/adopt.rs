//! Makes a store of the sessions that an earlier process wrote.

use super::Store;
use super::image::Image;
use crate::model::change::Options;
use crate::model::time::is_over;
use crate::planted::{Fault, planted};

/// What became of the sessions that the files had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Adopted {
    /// Dropped because their deadline had passed.
    pub expired: u64,
    /// Milliseconds by which the clock had been set back: all times were moved by it.
    pub clock_set_back: u64,
}

impl Store {
    /// The store that the files describe, without the sessions whose deadline has passed, in the order of their last use.
    ///
    /// A clock that stands before the latest instant in the files was set back. Then all times are moved back by as much: ages and
    /// what is left of each life stay as they were.
    pub(crate) fn adopt(options: Options, mut image: Image, now: u64) -> (Self, Adopted) {
        let set_back = if planted(Fault::WallClockOnly) {
            0
        } else {
            image.now.saturating_sub(now)
        };
        let mut adopted = Adopted {
            clock_set_back: set_back,
            ..Adopted::default()
        };
        let mut order = Vec::new();
        for index in 0..image.records.capacity() {
            if image.records.get(index).is_none() {
                continue;
            }
            if set_back > 0 {
                image.records.shift_back(index, set_back);
            }
            if !planted(Fault::WallClockOnly) {
                image.records.cap(index, now);
            }
            let session = image.records.at(index);
            if is_over(session.deadline(), now) {
                image.take(index);
                adopted.expired += 1;
            } else {
                order.push((session.fixed().last_seen_at, index));
            }
        }
        order.sort_unstable();
        let mut store = Self::new(options);
        (store.records, store.index, store.ext) = (image.records, image.index, image.ext);
        for (_, index) in order {
            let session = store.records.at(index);
            let (is_user, bytes, deadline) = (session.is_user(), session.bytes(), session.deadline());
            store.join(is_user, index, bytes);
            store.expiry.arm(index, deadline);
        }
        (store, adopted)
    }
}
