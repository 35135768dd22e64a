//! Stale bytes that are whole records: after the tail, where a file system handed out an old block; and whole files of an older generation
//! in the place of the current ones.

use crate::kit::{
    AFTER, Alive, NEXT, alive, copy, make, names, new_session, open_segment, opened, opening, segments,
};
use crate::{campaign::report, campaign::seed, seeds};
use agai_session_core::disk::Disk;
use agai_session_core::journal::options::OnCorruption;
use agai_session_core::testing::disk::{Crash, SimulatedDisk};
use agai_session_core::testing::simulation::SimulatedStore;
use agai_session_core::{Error, Reason, SessionId};
use std::collections::BTreeSet;

/// A file system may hand out blocks with old bytes: whole frames of other files after the tail are cut off and reported, never replayed.
#[test]
fn whole_records_of_other_files_after_the_tail_are_not_replayed() {
    let (mut tails, mut checked) = (0, 0);
    for seed in seeds() {
        let made = make(seed, 1 << 12);
        let foreign = make(seed.wrapping_add(1), 1 << 12).disk;
        let whole = alive(&opened(&copy(&made.disk), NEXT, OnCorruption::Error), &made.ids);
        let open_segment = open_segment(&made.disk);
        let bytes = made.disk.contents(&open_segment).unwrap();
        let older = segments(&made.disk)
            .into_iter()
            .filter(|name| *name != open_segment);
        let stale = older.map(|name| made.disk.contents(&name).unwrap());
        let others = segments(&foreign)
            .into_iter()
            .map(|name| foreign.contents(&name).unwrap());
        for other in stale.chain(others).filter(|other| other.len() > 56) {
            let tail = &other[56..];
            let recycled = copy(&made.disk);
            recycled.put(&open_segment, &[&bytes[..], tail].concat());
            let store = opened(&recycled, NEXT, OnCorruption::Error);
            assert_eq!(
                store.report.torn_bytes,
                tail.len() as u64,
                "AGAI_SESSION_SEED={seed}"
            );
            assert_eq!(alive(&store, &made.ids), whole, "AGAI_SESSION_SEED={seed}");
            tails += 1;
            checked += whole.len() as u64;
        }
    }
    report("records of other files after the tail", seed(), tails, checked, 0);
    assert!(tails >= 2, "there were other files to take from");
}

/// A store's directory over several generations.
struct Generations {
    /// The last state, after a kill.
    disk: SimulatedDisk,
    ids: Vec<SessionId>,
    /// Each file as it was whenever the journal rested.
    older: BTreeSet<(String, Vec<u8>)>,
}

impl Generations {
    /// Makes a store that in each generation creates sessions and ends one of the generation before, so that each file has something
    /// that the later ones do not.
    fn make(seed: u64) -> Self {
        let mut all = Self {
            disk: SimulatedDisk::new(),
            ids: Vec::new(),
            older: BTreeSet::new(),
        };
        for run in 0..2 {
            let run = seed.wrapping_mul(10).wrapping_add(run);
            let mut store = opened(&all.disk, run, OnCorruption::Error);
            for generation in 0..3 {
                for n in 0..5 {
                    let data = format!("{{\"n\":{n},\"generation\":{generation}}}");
                    all.ids.push(store.handle.create(&new_session(&data)).unwrap().0);
                    store.settle();
                    all.keep();
                }
                if let Some(before) = all.ids.len().checked_sub(8) {
                    store.handle.destroy(&all.ids[before], Reason::Logout).unwrap();
                    store.settle();
                    all.keep();
                }
                if generation < 2 {
                    store.handle.checkpoint().unwrap();
                    store.settle();
                    all.keep();
                }
            }
            store.handle.flush().unwrap();
            store.settle();
        }
        all.disk = all.disk.crash(seed, Crash::KillProcess);
        all
    }

    /// Adds the current files to the older ones.
    fn keep(&mut self) {
        let files = names(&self.disk).into_iter().filter(|name| name != "MANIFEST");
        for name in files {
            let bytes = self.disk.contents(&name).unwrap();
            self.older.insert((name, bytes));
        }
    }

    /// Opens the store with the file `name` replaced, or removed. Returns its live sessions.
    fn with(&self, name: &str, bytes: Option<&[u8]>, how: OnCorruption) -> Result<Alive, Error> {
        let damaged = copy(&self.disk);
        match bytes {
            Some(bytes) => damaged.put(name, bytes),
            None => damaged.remove(name).unwrap(),
        }
        let store = SimulatedStore::open(&damaged, opening(NEXT, how))?;
        let found = alive(&store, &self.ids);
        drop(store);
        // Whatever the opening found, the next one finds the same.
        let again = opened(&damaged, AFTER, OnCorruption::Error);
        assert_eq!(alive(&again, &self.ids), found, "{name}, {how:?}");
        Ok(found)
    }
}

/// A backup that was restored in part, or a copy that mixed two states: files of an older generation are whole, with right checksums. Under
/// a current name they are damage, and no session is loaded from them: it may have been ended since.
#[test]
fn a_file_of_an_older_generation_under_a_current_name_is_damage_and_nothing_is_loaded_from_it() {
    let (mut faults, mut checked) = (0, 0);
    for seed in seeds() {
        let all = Generations::make(seed);
        let current = names(&all.disk).into_iter().filter(|name| name != "MANIFEST");
        for name in current {
            let salvaged_without = all.with(&name, None, OnCorruption::Salvage).unwrap();
            // An earlier, shorter state of the same file is a cut, which has its own tests.
            let older = all.older.iter().filter(|(of, _)| *of != name);
            for (of, bytes) in older {
                let what = format!(
                    "AGAI_SESSION_SEED={seed}: {of} of {} bytes as {name}",
                    bytes.len()
                );
                match all.with(&name, Some(bytes), OnCorruption::Error) {
                    Err(Error::Corrupt { damage, .. }) => assert_eq!(damage.file, name, "{what}"),
                    other => panic!("{what}: {other:?}"),
                }
                let fresh = all.with(&name, Some(bytes), OnCorruption::Fresh).unwrap();
                assert_eq!(fresh, Alive::new(), "{what}");
                let salvaged = all.with(&name, Some(bytes), OnCorruption::Salvage).unwrap();
                assert_eq!(salvaged, salvaged_without, "{what}");
                faults += 1;
                checked += salvaged.len() as u64;
            }
        }
    }
    report("older files under current names", seed(), faults, checked, 0);
    assert!(faults > 50, "there were older files");
}
