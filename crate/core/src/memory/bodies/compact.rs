//! Compaction of the arena: moves bodies together, so that sparse pages are freed. Without it a client that chooses the sizes of sessions
//! could keep one body in each page, and so take a hundred times the memory that is counted.

use super::{Bodies, Garbage, LARGEST, PAGE, Spot, UNLISTED, cell_of};

/// Unused bytes per slot that make a compaction worth a scan of all slots: the scan is then no more work than the frees that caused it.
const BYTES_PER_SLOT: usize = 8;

impl Bodies {
    /// Whether a compaction is worth it: the pages beyond the first of each class have over 1.5 times the bytes that are used, and
    /// [`BYTES_PER_SLOT`] more for each of `slots` slots.
    pub fn is_sparse(&self, slots: u32) -> bool {
        let worth = slots as usize * BYTES_PER_SLOT;
        self.more_pages.saturating_mul(PAGE) > self.used + self.used / 2 + worth
    }

    #[cfg(test)]
    pub fn pages_held(&self) -> usize {
        self.pages.len() - self.vacant.len()
    }

    /// Begins a compaction: pages less than three quarters full take no more bodies, except the fullest of these in each class. The caller
    /// then relocates their bodies.
    pub fn begin_compaction(&mut self) {
        for (number, class) in self.classes.iter_mut().enumerate() {
            let cells = PAGE / cell_of(number).max(1);
            let used = |number: u32| {
                self.pages
                    .get(number as usize)
                    .map_or(0, |page| usize::from(page.used))
            };
            let is_sparse = |number: u32| used(number) * 4 < cells * 3;
            let fullest = class
                .roomy
                .iter()
                .copied()
                .filter(|&number| is_sparse(number))
                .max_by_key(|&number| used(number));
            let (leaving, staying) = class
                .roomy
                .iter()
                .copied()
                .partition(|&number| is_sparse(number) && Some(number) != fullest);
            class.roomy = staying;
            for number in leaving {
                if let Some(page) = self.pages.get_mut(number as usize) {
                    page.leaving = true;
                    page.listed_at = UNLISTED;
                }
            }
            for (at, &number) in (0..).zip(&class.roomy) {
                if let Some(page) = self.pages.get_mut(number as usize) {
                    page.listed_at = at;
                }
            }
        }
    }

    /// Moves a body out of a page that takes no more bodies, and returns its new address; `None` if it need not move.
    pub fn relocate(&mut self, spot: Spot, garbage: &mut Garbage) -> Option<Spot> {
        let is_leaving = spot.is_in_page() && self.pages.get(spot.page()).is_some_and(|page| page.leaving);
        if !is_leaving {
            return None;
        }
        let mut copy = [0; LARGEST];
        let copy = copy.get_mut(..usize::from(spot.len()))?;
        copy.copy_from_slice(self.get(spot));
        let moved = self.insert_small(copy, spot.len())?;
        self.free(spot, garbage);
        Some(moved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::face::handle::StoreHandle;
    use crate::model::change::{AtUserLimit, NewSession, Options, UNLIMITED};
    use crate::model::clock::ManualClock;
    use crate::model::id::SessionId;
    use crate::model::random::OsRandom;
    use crate::model::standing::Assurance;
    use crate::model::text::{Text, TextBuffer};
    use crate::testing::objects::{data_in, object};
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]

        /// While bodies are relocated, others are added and freed.
        #[test]
        fn relocated_bodies_keep_their_bytes(
            kept_of in 2usize..40,
            sizes in prop::array::uniform3(200usize..=LARGEST),
            meanwhile in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 0..300),
        ) {
            let mut bodies = Bodies::default();
            let mut garbage = Garbage::new();
            let body = |n: usize| vec![u8::try_from(n % 251).unwrap(); sizes[n % 3]];
            let mut model: Vec<_> = (0..6_000).map(|n| (bodies.insert(body(n), &mut garbage).unwrap(), body(n))).collect();
            model = model.into_iter().enumerate().filter_map(|(n, (spot, body))| {
                let stays = n % kept_of == 0;
                if !stays { bodies.free(spot, &mut garbage); }
                stays.then_some((spot, body))
            }).collect();
            bodies.begin_compaction();
            bodies.validate(model.iter().map(|&(spot, _)| spot));
            let mut at = 0;
            let mut meanwhile = meanwhile.into_iter();
            while at < model.len() {
                for (spot, _) in model.iter_mut().skip(at).take(20) {
                    *spot = bodies.relocate(*spot, &mut garbage).unwrap_or(*spot);
                }
                at += 20;
                match meanwhile.next() {
                    Some((true, which)) => {
                        let (spot, _) = model.remove(which.index(model.len()));
                        bodies.free(spot, &mut garbage);
                        // Those after it move up one place. Sessions do not: they keep their slots.
                        at = at.saturating_sub(1);
                    }
                    Some((false, which)) => {
                        let new = body(which.index(1_000));
                        model.push((bodies.insert(new.clone(), &mut garbage).unwrap(), new));
                    }
                    None => (),
                }
                bodies.validate(model.iter().map(|&(spot, _)| spot));
            }
            for (spot, body) in &model {
                prop_assert_eq!(bodies.get(*spot), body);
            }
            prop_assert!(!bodies.is_sparse(0));
            let pages = bodies.pages_held();
            prop_assert!(pages <= 3 + bodies.used * 3 / 2 / PAGE, "{} pages for {} bytes", pages, bodies.used);
        }
    }

    /// A client filled a store with sessions of one size, kept one of them in each page alive, filled it with another size, and so on: the
    /// bytes counted stayed below the limit, and the memory taken was many times that.
    #[test]
    fn a_store_of_changing_sizes_keeps_no_page_for_a_session_or_two() {
        const MAX_BYTES: u64 = 8 << 20;
        let options = Options {
            max_sessions: 1_000_000,
            max_bytes: MAX_BYTES,
            max_session_bytes: 1 << 16,
            idle_timeout: 1 << 40,
            guest_idle_timeout: 1 << 40,
            absolute_timeout: 1 << 41,
            max_sessions_per_user: UNLIMITED,
            at_user_limit: AtUserLimit::EvictOldest,
        };
        let clock = Arc::new(ManualClock::new(1));
        let store = StoreHandle::open(options, clock, Box::new(OsRandom)).unwrap();
        let mut kept: Vec<(SessionId, usize)> = Vec::new();
        for round in 0..40 {
            let len = 2_000 - round * 32;
            let data = format!("{{\"a\":\"{}\"}}", "x".repeat(len - 8));
            for n in 0..MAX_BYTES / len as u64 {
                let new = NewSession {
                    uid: Text::Latin1(b""),
                    form: Text::Latin1(b""),
                    data: object(&data),
                    idle_timeout: None,
                    absolute_timeout: None,
                    assurance: Assurance::PLAIN,
                };
                let (id, _) = store.create(&new).unwrap();
                if n % 150 == 0 {
                    kept.push((id, len));
                }
                if n % 1_000 == 0 {
                    // Makes them the most recently used, so that others are evicted.
                    for (id, _) in &kept {
                        store.touch(id, None).unwrap();
                    }
                }
            }
        }
        let until = Instant::now() + Duration::from_secs(20);
        while store.wants_compaction() && Instant::now() < until {
            std::thread::yield_now();
        }
        let stats = store.stats().unwrap();
        let resident = store.pages_of_bodies() * PAGE;
        assert!(stats.evicted > 100_000 && stats.bytes <= MAX_BYTES);
        assert!(
            resident < 2 * usize::try_from(MAX_BYTES).unwrap() + 60 * PAGE,
            "{resident} bytes"
        );
        let mut buffer = TextBuffer::default();
        let mut found = 0;
        for (id, len) in &kept {
            let Some(facts) = store.load(id, false, &mut buffer).unwrap() else {
                continue;
            };
            found += 1;
            let Text::Latin1(text) = buffer.text() else {
                panic!("the text is latin1")
            };
            let data = data_in(text, &facts);
            assert!(data.len() == *len && data[6..*len - 2].iter().all(|&byte| byte == b'x'));
        }
        assert!(found > 0);
    }
}
