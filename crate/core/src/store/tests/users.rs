//! Tests of the index by user: which sessions are a user's, how they end together, and the limit of how many there may be.

use super::*;
use crate::testing::fixtures::object;

/// A store in which a user may have so many sessions.
fn limited(max_sessions_per_user: u32, at_user_limit: AtUserLimit) -> Store {
    store(Options {
        max_sessions_per_user,
        at_user_limit,
        ..ROOMY
    })
}

/// Logs a user in, in a session of a new handle.
fn log_in(store: &mut Store, n: u32, uid: &str, now: u64) -> Result<(), Error> {
    let made = store.create(&id(n), now, &session(uid, "{}"))?;
    assert!(made.is_some());
    Ok(())
}

fn renewal(uid: &str) -> Renewal<'_> {
    Renewal {
        change: Change::default(),
        login: Some(login_of(uid)),
    }
}

fn numbers(store: &Store, uid: &str, now: u64) -> Vec<u32> {
    let handles = handles_of(store, uid, now);
    let number = |handle: &Handle| (0..1_000).find(|&n| id(n).handle() == *handle);
    handles.iter().filter_map(number).collect()
}

#[test]
fn a_guest_that_logs_in_becomes_its_users_and_another_login_changes_the_owner() {
    let mut store = store(ROOMY);
    log_in(&mut store, 1, "", 0).unwrap();
    log_in(&mut store, 2, "ann", 0).unwrap();
    let Ok(Some((Commit::Done(_), ann))) = store.regenerate(&id(1), &id_of(9, 1), 1, None, &renewal("ann"))
    else {
        panic!("logged in")
    };
    assert_eq!(numbers(&store, "ann", 1), [1, 2], "the latest login first");
    store
        .regenerate(&ann, &id_of(3, 2), 2, None, &renewal("bob"))
        .unwrap();
    assert_eq!(
        (numbers(&store, "ann", 2), numbers(&store, "bob", 2)),
        (vec![2], vec![3])
    );
    assert!(numbers(&store, "", 2).is_empty(), "guests are nobody's");
    store.validate();
}

/// User ids are what applications give: nothing of them is folded or normalized, so that two users never share a list.
#[test]
fn user_ids_are_compared_unit_by_unit() {
    let mut store = store(ROOMY);
    let ids: [&[u16]; 6] = [&[0x41], &[0x61], &[0xe9], &[0x65, 0x301], &[0xd800], &[0x416]];
    for (n, uid) in (1..).zip(ids) {
        let (mut narrow, data) = (Vec::new(), [0x7b, 0x22, 0x436, 0x22, 0x3a, 0x31, 0x7d]);
        let new = NewSession {
            uid: Text::narrow(uid, &mut narrow),
            // Beside wide data each user id is stored as UTF-16.
            data: if n % 2 == 0 {
                object_of(Text::Utf16(&data))
            } else {
                object("{}")
            },
            ..session("", "{}")
        };
        store.create(&id(n), 0, &new).unwrap().unwrap();
    }
    for (n, uid) in (1..).zip(ids) {
        let mut found = Vec::new();
        store.walk_user(Text::Utf16(uid), &mut UserWalk::default(), 9, 0, |session| {
            found.push(session.handle());
        });
        assert_eq!(found, [id(n).handle()], "as UTF-16, even if it would fit latin1");
    }
    store.validate();
}

#[test]
fn the_sessions_of_a_user_end_together_except_one_and_nobody_elses_do() {
    let mut store = store(ROOMY);
    for n in 0..30 {
        log_in(&mut store, n, ["ann", "bob", ""][n as usize % 3], 0).unwrap();
    }
    store
        .regenerate(&id(3), &id_of(3, 5), 0, None, &renewal("ann"))
        .unwrap();
    let except = Some(id(6).handle());
    assert_eq!(store.destroy_user(text("ann"), except, 0, 4), (4, true));
    assert_eq!(store.destroy_user(text("ann"), except, 0, 100), (5, false));
    assert_eq!(store.destroy_user(text("ann"), except, 0, 100), (0, false));
    assert_eq!(
        (numbers(&store, "ann", 0), numbers(&store, "bob", 0).len()),
        (vec![6], 10)
    );
    assert!(!store.has(&id_of(3, 5), 0), "whatever its secret was by then");
    assert_eq!(
        ended(&mut store),
        [(EventKind::Destroyed, Reason::DestroyUser); 9]
    );
    // The handle of somebody else's session is no exception.
    assert_eq!(
        store.destroy_user(text("ann"), Some(id(1).handle()), 0, 100),
        (1, false)
    );
    assert_eq!(store.destroy_user(text("nobody"), None, 0, 100), (0, false));
    assert_eq!(
        store.destroy_user(text(""), None, 0, 100),
        (0, false),
        "guests are no user"
    );
    assert_eq!(store.len(), 20);
    store.validate();
}

#[test]
fn a_users_expired_sessions_neither_count_nor_are_listed_nor_said_to_be_destroyed() {
    let mut store = store(ROOMY);
    log_in(&mut store, 1, "ann", 0).unwrap();
    log_in(&mut store, 2, "ann", 50).unwrap();
    assert_eq!(numbers(&store, "ann", 120), [2]);
    assert_eq!(store.destroy_user(text("ann"), None, 120, 100), (1, false));
    let expired = (EventKind::Expired, Reason::IdleTimeout);
    assert_eq!(
        ended(&mut store),
        [(EventKind::Destroyed, Reason::DestroyUser), expired]
    );
}

#[test]
fn a_login_beyond_the_limit_ends_the_session_used_longest_ago() {
    let mut store = limited(3, AtUserLimit::EvictOldest);
    for n in 1..=3 {
        log_in(&mut store, n, "ann", 0).unwrap();
    }
    log_in(&mut store, 4, "bob", 0).unwrap();
    store.touch(&id(1), 5, None, Ok(())).unwrap();
    log_in(&mut store, 5, "ann", 6).unwrap();
    assert_eq!(
        numbers(&store, "ann", 6),
        [5, 3, 1],
        "the second was neither used nor logged in later"
    );
    log_in(&mut store, 6, "", 7).unwrap();
    store
        .regenerate(&id(6), &id_of(6, 1), 7, None, &renewal("ann"))
        .unwrap();
    assert_eq!(numbers(&store, "ann", 7), [6, 5, 1]);
    store
        .regenerate(&id(4), &id_of(7, 1), 8, None, &renewal("ann"))
        .unwrap();
    assert_eq!(
        numbers(&store, "ann", 8),
        [7, 6, 5],
        "the login over another user's session counts as well"
    );
    let evicted = (EventKind::Evicted, Reason::MaxSessionsPerUser);
    let by_login = (EventKind::Destroyed, Reason::Login);
    assert_eq!(ended(&mut store), [evicted, evicted, evicted, by_login]);
    store.validate();
}

#[test]
fn logging_in_again_in_a_session_is_no_additional_one() {
    for at_limit in [AtUserLimit::EvictOldest, AtUserLimit::Refuse] {
        let mut store = limited(2, at_limit);
        log_in(&mut store, 1, "ann", 0).unwrap();
        log_in(&mut store, 2, "ann", 1).unwrap();
        let mut id = id(1);
        for n in 0..5 {
            let Ok(Some((Commit::Done(_), renewed))) =
                store.regenerate(&id, &id_of(1, n + 1), 2, None, &renewal("ann"))
            else {
                panic!("logged in again")
            };
            id = renewed;
        }
        assert_eq!(
            (numbers(&store, "ann", 2), ended(&mut store)),
            (vec![2, 1], vec![])
        );
        store.validate();
    }
}

#[test]
fn a_refused_login_writes_nothing_and_expired_sessions_are_swept_first() {
    let mut store = limited(2, AtUserLimit::Refuse);
    log_in(&mut store, 1, "ann", 0).unwrap();
    log_in(&mut store, 2, "ann", 60).unwrap();
    log_in(&mut store, 3, "", 60).unwrap();
    log_in(&mut store, 4, "bob", 60).unwrap();
    let (before, written) = (store.stats(), |store: &Store| store.stats().bytes);
    assert_eq!(code(&log_in(&mut store, 5, "ann", 61)), Some("ERR_SESSION_LIMIT"));
    for from in [3, 4] {
        let refused = store.regenerate(&id(from), &id_of(from + 10, 1), 61, None, &renewal("ann"));
        assert_eq!(code(&refused), Some("ERR_SESSION_LIMIT"));
        assert!(store.has(&id(from), 61), "it has its old id and its old user");
    }
    assert_eq!((written(&store), ended(&mut store)), (before.bytes, vec![]));
    log_in(&mut store, 5, "ann", 110).unwrap();
    assert_eq!(numbers(&store, "ann", 110), [5, 2]);
    assert_eq!(ended(&mut store), [(EventKind::Expired, Reason::IdleTimeout)]);
    store.validate();
}

/// A login that is too large for the store must not cost its user a session first.
#[test]
fn a_login_that_cannot_fit_ends_none_of_the_users_sessions() {
    let mut store = store(Options {
        max_bytes: 2 * (RECORD_OVERHEAD + USER_OVERHEAD) + 100,
        max_sessions_per_user: 1,
        ..ROOMY
    });
    log_in(&mut store, 1, "ann", 0).unwrap();
    let large = filled(600);
    let refused = store.create(&id(2), 0, &session("ann", &large));
    assert_eq!(code(&refused), Some("ERR_SESSION_FULL"));
    assert!(store.has(&id(1), 0));
}

/// One account once pushed out everybody: each login took the room of another user's session.
#[test]
fn one_user_who_logs_in_again_and_again_evicts_nobody_else() {
    let mut store = store(Options {
        max_sessions: 600,
        max_bytes: u64::MAX,
        max_sessions_per_user: 100,
        ..ROOMY
    });
    let names: Vec<_> = (0..500).map(|n| format!("user {n}")).collect();
    for (n, name) in (0..).zip(&names) {
        log_in(&mut store, n, name, 0).unwrap();
    }
    for n in 1_000..3_000 {
        log_in(&mut store, n, "mallory", 1).unwrap();
    }
    assert!((0..500).all(|n| store.has(&id(n), 1)));
    assert_eq!((store.len(), handles_of(&store, "mallory", 1).len()), (600, 100));
    store.validate();
}

/// A user who has far more sessions than the limit, because it was higher before, loses the excess in slices and not in one hold of the lock.
#[test]
fn a_large_excess_is_trimmed_in_slices_before_the_login() {
    let mut store = store(Options {
        max_sessions: 2_000,
        max_sessions_per_user: UNLIMITED,
        ..ROOMY
    });
    for n in 0..600 {
        log_in(&mut store, n, "ann", 0).unwrap();
    }
    store.options.max_sessions_per_user = 10;
    let new = session("ann", "{}");
    assert_eq!(code(&store.create(&id(700), 1, &new)), Some("ERR_SESSION_LIMIT"));
    assert_eq!(
        (store.take_obstacle(), store.len()),
        (Some(Obstacle::UserExcess), 600)
    );
    // One is used after the list was made.
    let mut oldest: Vec<_> = (0..600).map(|n| (0, id(n).handle())).collect();
    oldest.push((0, id(999).handle()));
    store.touch(&id(0), 1, None, Ok(())).unwrap();
    assert!(store.trim(text("ann"), &oldest[..300], 1));
    assert_eq!(store.len(), 301);
    assert!(!store.trim(text("ann"), &oldest[300..], 1));
    assert_eq!(store.len(), 10);
    store.create(&id(700), 1, &new).unwrap().unwrap();
    assert!(store.has(&id(0), 1) && store.has(&id(700), 1) && store.len() == 10);
    store.validate();
}

/// Far more sessions than the slice of a walk; the walk's next session ends between two slices.
#[test]
fn a_walk_says_when_it_has_lost_its_place() {
    let mut store = store(ROOMY);
    for n in 0..5 {
        log_in(&mut store, n, "ann", 0).unwrap();
    }
    let mut walk = UserWalk::default();
    let mut step = |store: &Store| store.walk_user(text("ann"), &mut walk, 2, 0, |_| ());
    assert_eq!(step(&store), Walked::More);
    store.destroy(&id(3), 0, Reason::Destroy);
    assert_eq!(step(&store), Walked::More, "sessions that were passed may end");
    store.destroy(&id(0), 0, Reason::Destroy);
    log_in(&mut store, 9, "bob", 0).unwrap();
    assert_eq!(
        step(&store),
        Walked::Lost,
        "another user's session is in that slot"
    );
}

#[test]
fn recovered_sessions_above_the_limit_stay_until_their_user_logs_in() {
    use crate::store::image::Image;
    let mut store = limited(UNLIMITED, AtUserLimit::EvictOldest);
    for n in 0..8 {
        log_in(&mut store, n, ["ann", "bob"][n as usize % 2], n.into()).unwrap();
    }
    let mut image = Image::default();
    (image.records, image.index) = (
        std::mem::take(&mut store.records),
        std::mem::take(&mut store.index),
    );
    let options = Options {
        max_sessions_per_user: 2,
        ..store.options
    };
    let (mut store, _) = Store::adopt(options, image, 9);
    assert_eq!(
        (numbers(&store, "ann", 9), numbers(&store, "bob", 9)),
        (vec![6, 4, 2, 0], vec![7, 5, 3, 1])
    );
    log_in(&mut store, 20, "ann", 9).unwrap();
    assert_eq!(
        (numbers(&store, "ann", 9), numbers(&store, "bob", 9)),
        (vec![20, 6], vec![7, 5, 3, 1])
    );
    store.validate();
    // Logging in again in a session is no additional one, and still this user's next login.
    store
        .regenerate(&id(1), &id_of(1, 1), 10, None, &renewal("bob"))
        .unwrap();
    assert_eq!(numbers(&store, "bob", 10), [7, 1]);
    store.validate();
}
