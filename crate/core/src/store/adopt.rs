//! Building a store from recovered sessions: drops those past their deadline, and corrects all times if the clock was set back.

use super::Store;
use super::image::Image;
use crate::model::change::Options;
use crate::model::time::is_over;
use crate::planted::{Fault, planted};

/// What [`Store::adopt`] did to the recovered sessions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Adopted {
    /// Sessions dropped because their deadline had passed.
    pub expired: u64,
    /// Milliseconds by which the clock was set back; all times were moved back by as much.
    pub clock_set_back: u64,
}

impl Store {
    /// Builds a store from the sessions in the files. Those past their deadline are dropped; the others are evicted in the order in which
    /// they were last seen.
    ///
    /// If the clock is before the latest instant in the files, it was set back. All times are then moved back by the difference, so that
    /// each session keeps its age and its remaining time.
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
            store.add_to_group(is_user, index, bytes);
            store.add_to_user(index);
            store.expiry.arm(index, deadline);
        }
        (store, adopted)
    }
}
