//! The check of the arena's invariants, for tests.

use super::{APART, Apart, Bodies, CLASSES, NONE, PAGE, Spot, cell_of, index_of};

impl Bodies {
    /// Checks that the arena holds exactly the bodies `at` these addresses, and that its bookkeeping is right.
    pub fn validate(&self, at: impl Iterator<Item = Spot>) {
        let mut used = vec![std::collections::BTreeSet::new(); self.pages.len()];
        let mut apart = 0;
        for spot in at {
            if spot.len() == APART {
                apart += 1;
                let place = self.apart.get(index_of(spot.at()));
                assert!(
                    matches!(place, Some(Apart::Body(_))),
                    "each large body is at its address"
                );
                continue;
            }
            let page = used.get_mut(spot.page());
            assert!(
                page.is_some_and(|page| page.insert(spot.offset())),
                "no two bodies share a cell"
            );
        }
        let bodies = (0..self.apart.len()).filter(|&at| matches!(self.apart.get(at), Some(Apart::Body(_))));
        assert_eq!(bodies.count(), apart, "each large body has an address");
        let mut roomy = 0;
        let mut bytes_used = 0;
        let mut pages = vec![0usize; CLASSES];
        for (number, used) in used.iter().enumerate() {
            let (Some(page), Some(bytes)) = (self.pages.get(number), self.bytes.get(number)) else {
                panic!("each page has bytes and bookkeeping");
            };
            if used.is_empty() {
                assert!(bytes.capacity() == 0, "an empty page has no memory");
                continue;
            }
            let class = usize::from(page.class);
            let cell = cell_of(class);
            let mut free = std::collections::BTreeSet::new();
            let mut at = page.free;
            while at != NONE {
                let offset = usize::from(at) * cell;
                assert!(
                    !used.contains(&offset) && free.insert(offset),
                    "each free cell is unused, and listed once"
                );
                at = bytes
                    .get(offset..)
                    .and_then(|cell| cell.first_chunk())
                    .map_or(NONE, |next| u16::from_le_bytes(*next));
            }
            assert!(
                used.iter().all(|offset| offset.is_multiple_of(cell)),
                "each body begins where its cell does"
            );
            assert_eq!(used.len(), usize::from(page.used));
            assert_eq!(
                (used.len() + free.len()) * cell,
                bytes.len(),
                "each cell is used or free"
            );
            bytes_used += used.len() * cell;
            if let Some(pages) = pages.get_mut(class) {
                *pages += 1;
            }
            let is_listed = !page.leaving && (!free.is_empty() || bytes.len() + cell <= PAGE);
            roomy += usize::from(is_listed);
            let listed = self
                .classes
                .get(class)
                .and_then(|class| class.roomy.get(page.listed_at as usize));
            assert_eq!(
                listed.map(|&listed| listed as usize),
                is_listed.then_some(number),
                "a page is listed if it has room and takes bodies"
            );
        }
        let listed = self.classes.iter().map(|class| class.roomy.len());
        assert_eq!(listed.sum::<usize>(), roomy, "no other page is listed");
        let counted: Vec<_> = self.classes.iter().map(|class| class.pages as usize).collect();
        assert_eq!(
            (&counted, self.used),
            (&pages, bytes_used),
            "pages and used bytes are counted"
        );
        let more = pages.iter().map(|pages| pages.saturating_sub(1));
        assert_eq!(more.sum::<usize>(), self.more_pages);
    }
}
