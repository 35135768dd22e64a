//! The table of distinct idle timeouts, so that a record needs one byte for its own: most stores have two or three.

#![expect(
    clippy::indexing_slicing,
    reason = "records name timeouts that this table gave them; a wrong one must panic"
)]

/// Maximum number of distinct timeouts in the table. A session with any other has it in its body.
const MOST: usize = 255;

/// The number of a timeout in the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timeout(u8);

/// An entry of the table.
#[derive(Debug)]
struct KnownTimeout {
    millis: u64,
    /// The number of sessions that have it; at 0 the entry is free.
    sessions: u32,
}

/// The table of timeouts, each with the number of sessions that have it.
#[derive(Debug, Default)]
pub struct Timeouts(Vec<KnownTimeout>);

impl Timeouts {
    /// The timeout in milliseconds.
    pub fn get(&self, timeout: Timeout) -> u64 {
        self.0[usize::from(timeout.0)].millis
    }

    /// Whether [`Timeouts::keep`] has room for a timeout. It still has after others are released.
    pub fn can_keep(&self, millis: u64) -> bool {
        self.place(millis).is_some()
    }

    /// Counts one more session with a timeout; `None` if the table is full of others.
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

    /// Counts one session less with a timeout.
    pub fn release(&mut self, timeout: Timeout) {
        self.0[usize::from(timeout.0)].sessions -= 1;
    }

    /// The position at which a timeout is, or else can be put. Looks at up to [`MOST`] entries.
    fn place(&self, millis: u64) -> Option<usize> {
        let same = |entry: &KnownTimeout| entry.millis == millis && entry.sessions > 0;
        self.0
            .iter()
            .position(same)
            .or_else(|| self.0.iter().position(|entry| entry.sessions == 0))
            .or_else(|| (self.0.len() < MOST).then_some(self.0.len()))
    }

    /// Checks the counts against the timeouts of all sessions.
    #[cfg(any(test, feature = "testing"))]
    pub fn validate(&self, used: impl Iterator<Item = Timeout>) {
        let mut counts = vec![0; self.0.len()];
        for timeout in used {
            let count = counts.get_mut(usize::from(timeout.0));
            assert!(
                count.map(|count| *count += 1).is_some(),
                "each timeout that is used is in the table"
            );
        }
        assert!(
            counts.iter().eq(self.0.iter().map(|entry| &entry.sessions)),
            "each timeout's count is the number of sessions that have it"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The model is a list with the timeout of each session.
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
    fn a_full_table_takes_a_new_timeout_once_another_is_released() {
        let mut timeouts = Timeouts::default();
        let kept: Vec<_> = (0..255).map(|millis| timeouts.keep(millis).unwrap()).collect();
        assert_eq!(timeouts.keep(255), None);
        assert!(
            timeouts.keep(7).is_some(),
            "one that is in the table already is kept"
        );
        timeouts.release(kept[9]);
        assert_eq!(timeouts.keep(255), Some(kept[9]));
    }
}
