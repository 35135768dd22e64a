//! Taking over the sessions of an earlier life of the store.

use super::Store;
use crate::model::change::Options;
use crate::model::time::is_over;
use crate::planted::{Fault, planted};
use crate::store::image::Image;

/// What became of the sessions that the files had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Adopted {
    /// Dropped because their deadline had passed.
    pub expired: u64,
    /// Milliseconds by which the clock had been set back: all times were moved by it.
    pub clock_set_back: u64,
}

/// Two sessions of one key: the files contradict themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Twins;

impl Store {
    /// The store that the files describe. Those whose deadline has passed are left out; the others get back their slots, hence
    /// their handles, and their order of use.
    ///
    /// A clock that stands before the latest instant in the files was set back. Then all times are moved back by as much: ages and
    /// what is left of each life stay as they were.
    pub(crate) fn adopt(
        options: Options,
        handle_key: [u8; 16],
        mut image: Image,
        now: u64,
        salvaging: bool,
    ) -> Result<(Self, Adopted), Twins> {
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
        let records = &mut image.records;
        for index in 0..records.capacity() {
            if records.get(index).is_none() {
                continue;
            }
            if set_back > 0 {
                records.shift_back(records.slot(index), set_back);
            }
            if !planted(Fault::WallClockOnly) {
                records.cap(index, now);
            }
            match records.get(index) {
                Some(record) if !is_over(record.deadline(), now) => {
                    order.push((record.facts().last_seen_at, index));
                }
                _ => {
                    records.take(index);
                    adopted.expired += 1;
                }
            }
        }
        order.sort_unstable();
        image.records.settle(image.newest_generation);
        let mut store = Self::with(options, handle_key, image.records);
        for (_, index) in order {
            let Some((key, is_user, bytes, deadline)) = store
                .records
                .get(index)
                .map(|record| (record.key(), record.is_user(), record.bytes(), record.deadline()))
            else {
                continue;
            };
            if store.find(key).is_some() {
                if !salvaging {
                    return Err(Twins);
                }
                store.records.remove(index, &mut store.garbage);
                continue;
            }
            store.join(is_user, index, bytes);
            store.expiry.arm(index, deadline);
            let records = &store.records;
            store.index.insert(key, index, |index| {
                records.get(index).map_or(key, |record| record.key())
            });
        }
        Ok((store, adopted))
    }

    /// Evicts until the bounds are met, which may be lower than they were.
    pub(crate) fn shrink(&mut self, now: u64) -> u64 {
        let before = self.stats.evicted;
        self.make_room(now, 0, 0, true, None);
        self.stats.evicted - before
    }
}
