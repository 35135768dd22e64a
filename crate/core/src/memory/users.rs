//! The index by user: the sessions of each user as a list through the slots, whose head a hash map finds by the user id.

#![expect(
    clippy::indexing_slicing,
    reason = "positions are this index's own; a wrong one must panic, not lead to another user's sessions"
)]

use crate::memory::chunks::{CHUNK, Chunks};
use crate::memory::index::{Index, Key};
use crate::memory::record::Units;
use crate::memory::slab::NIL;
use std::hash::{BuildHasher, Hasher, RandomState};

/// The hash of a user id, under a key of this index: user ids may be chosen by whoever signs up, so that none must be able to choose hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct UidHash(u64);

impl Key for UidHash {
    fn hashes(self) -> (u64, u32) {
        /// The low bits of the first hash, up to here, choose a line in a small table, and the highest ones are an entry's tag.
        const OTHER_BITS: u32 = 16;
        #[expect(clippy::cast_possible_truncation, reason = "32 bits choose among all tables")]
        (self.0, (self.0 >> OTHER_BITS) as u32)
    }
}

/// The entry of a user who has sessions, or a free one.
#[derive(Debug, Clone, Copy)]
struct User {
    hash: UidHash,
    /// The slot of the session that was added last; in a free entry the number of the next free one.
    newest: u32,
    /// 0 in a free entry.
    sessions: u32,
}

/// The place of a session in the list of its user.
#[derive(Debug, Clone, Copy)]
struct Place {
    newer: u32,
    older: u32,
    /// The number of the user's entry; [`NIL`] for a slot that is in no list.
    user: u32,
}

const NOWHERE: Place = Place {
    newer: NIL,
    older: NIL,
    user: NIL,
};

const _: () = assert!(size_of::<User>() == 16 && size_of::<Place>() == 12);

/// The index by user. User ids are compared unit by unit; they are in the bodies of the sessions, so that the callers pass a function that
/// says whether the session in a slot has the user id. A user without sessions has no entry. Adding and removing are O(1).
#[derive(Debug)]
pub struct Users {
    index: Index<UidHash>,
    entries: Chunks<User>,
    /// The first free one of the entries, or [`NIL`].
    free: u32,
    /// By slot, in chunks of [`CHUNK`], of which those are empty that never had a user's session.
    places: Vec<Vec<Place>>,
    hasher: RandomState,
}

/// A walk over the slots of a user's sessions.
pub struct Sessions<'a> {
    users: &'a Users,
    next: Option<u32>,
}

impl Iterator for Sessions<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let index = self.next?;
        self.next = self.users.older(index);
        Some(index)
    }
}

impl Default for Users {
    fn default() -> Self {
        Self {
            index: Index::default(),
            entries: Chunks::default(),
            free: NIL,
            places: Vec::new(),
            hasher: RandomState::new(),
        }
    }
}

impl Users {
    /// The number of a user, which is valid until the user's last session is removed.
    pub fn find(&self, uid: Units<'_>, is: impl Fn(u32) -> bool) -> Option<u32> {
        self.find_hash(self.hash(uid), is)
    }

    /// The number of sessions of a user.
    pub fn count(&self, user: u32) -> u32 {
        self.entries[user as usize].sessions
    }

    /// The slots of a user's sessions, the one first that was added last.
    pub fn sessions_of(&self, user: u32) -> Sessions<'_> {
        self.sessions_from(Some(self.entries[user as usize].newest))
    }

    /// The slots of a user's sessions from one of them on.
    pub fn sessions_from(&self, next: Option<u32>) -> Sessions<'_> {
        Sessions { users: self, next }
    }

    /// The slot of the session of the same user that was added before the one in this slot.
    pub fn older(&self, index: u32) -> Option<u32> {
        let older = self.place(index).older;
        (older != NIL).then_some(older)
    }

    /// The number of the user whose session is in a slot.
    pub fn user_of(&self, index: u32) -> Option<u32> {
        let place = self
            .places
            .get(index as usize / CHUNK)?
            .get(index as usize % CHUNK)?;
        (place.user != NIL).then_some(place.user)
    }

    /// Adds the session in a slot to those of a user.
    pub fn insert(&mut self, uid: Units<'_>, index: u32, is: impl Fn(u32) -> bool) {
        let hash = self.hash(uid);
        let user = self.find_hash(hash, is).unwrap_or_else(|| self.add_user(hash));
        let head = &mut self.entries[user as usize];
        let older = std::mem::replace(&mut head.newest, index);
        head.sessions += 1;
        if older != NIL {
            self.place_mut(older).newer = index;
        }
        self.make_place(index);
        *self.place_mut(index) = Place {
            newer: NIL,
            older,
            user,
        };
    }

    /// Removes the session in a slot from those of its user, if it has one.
    pub fn remove(&mut self, index: u32) {
        let Some(user) = self.user_of(index) else { return };
        let Place { newer, older, .. } = std::mem::replace(self.place_mut(index), NOWHERE);
        if older != NIL {
            self.place_mut(older).newer = newer;
        }
        if newer != NIL {
            self.place_mut(newer).older = older;
        }
        let head = &mut self.entries[user as usize];
        if newer == NIL {
            head.newest = older;
        }
        head.sessions -= 1;
        if head.sessions == 0 {
            head.newest = self.free;
            self.free = user;
            let hash = head.hash;
            self.index.remove(hash, |number| number == user);
        }
    }

    fn hash(&self, uid: Units<'_>) -> UidHash {
        let mut hasher = self.hasher.build_hasher();
        for unit in uid.iter() {
            hasher.write_u16(unit);
        }
        UidHash(hasher.finish())
    }

    fn find_hash(&self, hash: UidHash, is: impl Fn(u32) -> bool) -> Option<u32> {
        self.index.get(hash, |user| {
            let User {
                hash: its, newest, ..
            } = self.entries[user as usize];
            its == hash && is(newest)
        })
    }

    /// Adds a user who has no session yet.
    fn add_user(&mut self, hash: UidHash) -> u32 {
        let entry = User {
            hash,
            newest: NIL,
            sessions: 0,
        };
        let user = self.free;
        let user = if user == NIL {
            self.entries.push(entry);
            // There are no more users than slots, of which there are at most NIL.
            u32::try_from(self.entries.len() - 1).unwrap_or(NIL)
        } else {
            self.free = std::mem::replace(&mut self.entries[user as usize], entry).newest;
            user
        };
        let entries = &self.entries;
        self.index.insert(hash, user, |user| entries[user as usize].hash);
        user
    }

    fn place(&self, index: u32) -> &Place {
        &self.places[index as usize / CHUNK][index as usize % CHUNK]
    }

    fn place_mut(&mut self, index: u32) -> &mut Place {
        &mut self.places[index as usize / CHUNK][index as usize % CHUNK]
    }

    /// Allocates the chunk that has the place of a slot.
    fn make_place(&mut self, index: u32) {
        let chunk = index as usize / CHUNK;
        if self.places.len() <= chunk {
            self.places.resize_with(chunk + 1, Vec::new);
        }
        let places = &mut self.places[chunk];
        if places.is_empty() {
            *places = vec![NOWHERE; CHUNK];
        }
    }

    /// Checks the lists, and returns the slots of each user's sessions.
    #[cfg(any(test, feature = "testing"))]
    pub fn validate<'a>(&self, uid_of: impl Fn(u32) -> Units<'a>) -> Vec<Vec<u32>> {
        let users = || {
            (0..)
                .zip(0..self.entries.len())
                .map(|(number, at)| (number, self.entries[at]))
        };
        self.index.validate(|user| self.entries[user as usize].hash);
        let mut free = Vec::new();
        let mut at = self.free;
        while at != NIL {
            assert!(!free.contains(&at), "the list of free entries has no cycle");
            free.push(at);
            at = self.entries[at as usize].newest;
        }
        let mut all = Vec::new();
        for (number, User { hash, sessions, .. }) in users() {
            assert_eq!(
                sessions == 0,
                free.contains(&number),
                "an entry without sessions is free"
            );
            if sessions == 0 {
                continue;
            }
            let slots: Vec<u32> = self.sessions_of(number).take(sessions as usize + 1).collect();
            assert_eq!(slots.len(), sessions as usize, "each user's sessions are counted");
            let uid = uid_of(slots[0]);
            assert_eq!(self.hash(uid), hash);
            assert_eq!(
                self.find(uid, |slot| uid_of(slot).equals(uid)),
                Some(number),
                "a user has one entry"
            );
            let newer = std::iter::once(NIL).chain(slots.iter().copied());
            for (&slot, newer) in slots.iter().zip(newer) {
                assert_eq!((self.place(slot).user, self.place(slot).newer), (number, newer));
                assert!(uid_of(slot).equals(uid), "a list has one user's sessions");
            }
            all.push(slots);
        }
        let placed = self.places.iter().flatten().filter(|place| place.user != NIL);
        assert_eq!(
            placed.count(),
            all.iter().map(Vec::len).sum::<usize>(),
            "no slot is left behind"
        );
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::text::Text;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn units(uid: &str) -> Units<'_> {
        Text::Latin1(uid.as_bytes()).into()
    }

    #[test]
    fn a_user_id_is_the_same_however_it_is_stored_and_no_other_is_equal() {
        let same = [
            Units::from(Text::Latin1(b"Zo\xeb")),
            Units::from(Text::Utf16(&[0x5a, 0x6f, 0xeb])),
            Units::Utf16Le(&[0x5a, 0, 0x6f, 0, 0xeb, 0]),
        ];
        let others = [
            units("zo\u{eb}"),
            units("Zo"),
            Text::Utf16(&[0x5a, 0x6f, 0x65, 0x308]).into(),
        ];
        let users = Users::default();
        for (one, other) in same.iter().zip(same.iter().cycle().skip(1)) {
            assert!(one.equals(*other) && users.hash(*one) == users.hash(*other));
        }
        for other in others {
            assert!(same.iter().all(|one| !one.equals(other)));
        }
    }

    /// Two users whose ids have one hash are two users: the ids decide.
    #[test]
    fn users_of_one_hash_are_kept_apart() {
        let mut users = Users::default();
        let hash = UidHash(7);
        for slot in 0..3 {
            let user = users.add_user(hash);
            users.entries[user as usize].newest = slot;
        }
        for slot in 0..3 {
            assert_eq!(users.find_hash(hash, |at| at == slot), Some(slot));
        }
        assert_eq!(users.find_hash(hash, |_| false), None);
    }

    proptest! {
        /// Random additions and removals leave what plain lists have.
        #[test]
        fn agrees_with_plain_lists(steps in prop::collection::vec((0u32..3 * 4_096, 0usize..5), 0..200)) {
            let names = ["ann", "bob", "cyd", "dan", "eve"];
            let mut users = Users::default();
            let mut owners: BTreeMap<u32, &str> = BTreeMap::new();
            let mut lists: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
            for (slot, n) in steps {
                // Few slots in each of three chunks, so that many are taken again.
                let slot = slot / 400 * 400;
                if let Some(owner) = owners.remove(&slot) {
                    users.remove(slot);
                    lists.get_mut(owner).unwrap().retain(|&at| at != slot);
                } else {
                    users.insert(units(names[n]), slot, |at| owners.get(&at) == Some(&names[n]));
                    owners.insert(slot, names[n]);
                    lists.entry(names[n]).or_default().insert(0, slot);
                }
                users.validate(|at| units(owners[&at]));
                for (name, list) in &lists {
                    let found = users.find(units(name), |at| owners.get(&at) == Some(name));
                    prop_assert_eq!(found.is_some(), !list.is_empty());
                    if let Some(user) = found {
                        prop_assert_eq!(users.count(user) as usize, list.len());
                        prop_assert_eq!(&users.sessions_of(user).collect::<Vec<_>>(), list);
                    }
                }
            }
        }
    }
}
