//! The idle timeouts that sessions have, each kept once: most stores know two or three.

#![expect(
    clippy::indexing_slicing,
    reason = "records name timeouts that this table gave them; a wrong one must panic"
)]

/// Distinct timeouts kept. A session with one more has it in its body.
const MOST: usize = 255;

/// Names a timeout that is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timeout(u8);

#[derive(Debug)]
struct KnownTimeout {
    millis: u64,
    /// Sessions that have it; with none the next new timeout takes the place.
    sessions: u32,
}

/// A small table of durations with a count of those who use each.
#[derive(Debug, Default)]
pub struct Timeouts(Vec<KnownTimeout>);

impl Timeouts {
    pub fn get(&self, timeout: Timeout) -> u64 {
        self.0[usize::from(timeout.0)].millis
    }

    /// Whether [`Timeouts::keep`] has room for it. Releasing others never takes that away.
    pub fn can_keep(&self, millis: u64) -> bool {
        self.place(millis).is_some()
    }

    /// One more session has this timeout. `None` when there are too many different ones.
    pub fn keep(&mut self, millis: u64) -> Option<Timeout> {
        let at = self.place(millis)?;
        let name = u8::try_from(at).ok()?;
        match self.0.get_mut(at) {
            Some(entry) if entry.sessions > 0 => entry.sessions += 1,
            Some(entry) => *entry = KnownTimeout { millis, sessions: 1 },
            None => self.0.push(KnownTimeout { millis, sessions: 1 }),
        }
        Some(Timeout(name))
    }

    /// One session less has it.
    pub fn release(&mut self, timeout: Timeout) {
        self.0[usize::from(timeout.0)].sessions -= 1;
    }

    /// Where a timeout is or would be put.
    fn place(&self, millis: u64) -> Option<usize> {
        let same = |entry: &KnownTimeout| entry.millis == millis && entry.sessions > 0;
        self.0
            .iter()
            .position(same)
            .or_else(|| self.0.iter().position(|entry| entry.sessions == 0))
            .or_else(|| (self.0.len() < MOST).then_some(self.0.len()))
    }

    /// Checks the counts against what is used, one by one.
    #[cfg(any(test, feature = "testing"))]
    pub fn validate(&self, used: impl Iterator<Item = Timeout>) {
        let mut counts = vec![0; self.0.len()];
        for timeout in used {
            let count = counts.get_mut(usize::from(timeout.0));
            assert!(
                count.map(|count| *count += 1).is_some(),
                "a timeout that is used is kept"
            );
        }
        assert!(
            counts.iter().eq(self.0.iter().map(|entry| &entry.sessions)),
            "each timeout knows how many have it"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The model is the list of those in use, with what each stands for.
        #[test]
        fn agrees_with_a_list(steps in prop::collection::vec((any::<bool>(), 0u64..300, any::<prop::sample::Index>()), 0..900)) {
            let mut timeouts = Timeouts::default();
            let mut model: Vec<(u64, Timeout)> = Vec::new();
            for (adds, millis, which) in steps {
                if adds || model.is_empty() {
                    let mut distinct: Vec<u64> = model.iter().map(|&(millis, _)| millis).collect();
                    distinct.sort_unstable();
                    distinct.dedup();
                    let fits = distinct.contains(&millis) || distinct.len() < MOST;
                    prop_assert_eq!(timeouts.can_keep(millis), fits);
                    let kept = timeouts.keep(millis);
                    prop_assert_eq!(kept.is_some(), fits);
                    model.extend(kept.map(|timeout| (millis, timeout)));
                } else {
                    let (_, timeout) = model.swap_remove(which.index(model.len()));
                    timeouts.release(timeout);
                }
                timeouts.validate(model.iter().map(|&(_, timeout)| timeout));
                for &(millis, timeout) in &model {
                    prop_assert_eq!(timeouts.get(timeout), millis);
                }
            }
        }
    }

    #[test]
    fn more_than_a_byte_can_name_are_not_kept_until_one_is_released() {
        let mut timeouts = Timeouts::default();
        let kept: Vec<_> = (0..255).map(|millis| timeouts.keep(millis).unwrap()).collect();
        assert_eq!(timeouts.keep(255), None);
        assert!(timeouts.keep(7).is_some(), "one that is there already is");
        timeouts.release(kept[9]);
        assert_eq!(timeouts.keep(255), Some(kept[9]));
    }
}
