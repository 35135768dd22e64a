//! Changes of single keys: what becomes of the data, that it is a write like any other, and what the log gets.

use super::*;
use crate::format::codec::{Keys, decode};
use crate::format::frame;
use crate::format::queue::{Queue, kind};
use crate::model::durability::Durability;
use crate::model::keys::KeyChange;
use crate::model::lsn::Lsn;

/// Commits changed keys, whatever the version is.
fn commit(store: &mut Store, id: &SessionId, set: &str, removed: &str) -> Result<Commit, Error> {
    commit_to(store, id, 0, None, set, removed)
}

fn commit_to(
    store: &mut Store,
    id: &SessionId,
    now: u64,
    base: Option<u64>,
    set: &str,
    removed: &str,
) -> Result<Commit, Error> {
    with_keys(set, removed, |change| store.commit(id, now, base, &change))
}

fn with_keys<T>(set: &str, removed: &str, run: impl FnOnce(Change<'_>) -> T) -> T {
    let [set, removed] = [set, removed].map(owned);
    let keys = KeyChange::new(object_of(set.as_text()), object_of(removed.as_text()));
    run(Change {
        keys: Some(&keys),
        ..Change::default()
    })
}

fn renewal<'a>(change: Change<'a>, uid: Option<&'a str>) -> Renewal<'a> {
    Renewal {
        change,
        login: uid.map(login_of),
    }
}

fn create(store: &mut Store, n: u32, uid: &str, data: &str) -> SessionId {
    let data = owned(data);
    let new = NewSession {
        data: object_of(data.as_text()),
        ..session(uid, "{}")
    };
    store.create(&id(n), 0, &new).unwrap().unwrap();
    id(n)
}

/// The user id, form and data of a session at the instant 0.
fn text_of(store: &mut Store, id: &SessionId) -> String {
    read(store, id, 0, false).unwrap().0
}

/// A key's value; `None` if there is no such session.
fn value(store: &mut Store, id: &SessionId, key: &str) -> Option<String> {
    let (key, mut buffer) = (owned(&format!("{key}:")), TextBuffer::default());
    let found = store.load_key(id, 0, key.as_text(), &mut buffer);
    let text = match buffer.text() {
        Text::Latin1(bytes) => OwnedText::Latin1(bytes.into()),
        Text::Utf16(units) => OwnedText::Utf16(units.into()),
    };
    found.then(|| text.to_string_lossy())
}

#[test]
fn changed_keys_are_replaced_in_place_or_added_at_the_end_and_removed_ones_are_gone() {
    let mut store = store(ROOMY);
    let ann = create(&mut store, 1, "", r#"{"a":1,"b":[2],"c":"x"}"#);
    let long = format!("\"{}\"", "k".repeat(1 << 16));
    for (set, removed, expected) in [
        (
            r#"{"b":{"n":2}}"#,
            "{}",
            r#"{"a":1,"b":{"n":2},"c":"x"}"#.to_owned(),
        ),
        (
            r#"{"d":4,"a":0}"#,
            r#"{"c":0}"#,
            r#"{"a":0,"b":{"n":2},"d":4}"#.to_owned(),
        ),
        ("{}", r#"{"never":0}"#, r#"{"a":0,"b":{"n":2},"d":4}"#.to_owned()),
        (
            r#"{"":1,"__proto__":{},"\"\\":2,"\n":3}"#,
            r#"{"b":0,"d":0}"#,
            r#"{"a":0,"":1,"__proto__":{},"\"\\":2,"\n":3}"#.to_owned(),
        ),
        (
            r#"{"__proto__":null,"\"":4}"#,
            r#"{"":0,"a":0}"#,
            r#"{"__proto__":null,"\"\\":2,"\n":3,"\"":4}"#.to_owned(),
        ),
        (
            r#"{"é":1,"ж":"ж"}"#,
            r#"{"__proto__":0,"\n":0,"\"":0}"#,
            r#"{"\"\\":2,"é":1,"ж":"ж"}"#.to_owned(),
        ),
        (
            r#"{"é":2,"😀":5}"#,
            r#"{"ж":0}"#,
            r#"{"\"\\":2,"é":2,"😀":5}"#.to_owned(),
        ),
        // A key that is in both is set.
        (
            r#"{"x":6}"#,
            r#"{"x":0,"é":0,"\"\\":0,"😀":0}"#,
            r#"{"x":6}"#.to_owned(),
        ),
        ("{}", r#"{"x":0}"#, "{}".to_owned()),
        ("{}", r#"{"x":0}"#, "{}".to_owned()),
    ] {
        assert!(matches!(
            commit(&mut store, &ann, set, removed),
            Ok(Commit::Done(_))
        ));
        assert_eq!(text_of(&mut store, &ann), expected);
        store.validate();
    }
    store.options.max_session_bytes = 1 << 20;
    let set = format!("{{{long}:\"{}\",\"a\":1}}", "v".repeat(1 << 17));
    commit(&mut store, &ann, &set, "{}").unwrap();
    assert_eq!(text_of(&mut store, &ann), set);
    assert_eq!(value(&mut store, &ann, &long).unwrap().len(), (1 << 17) + 2);
    commit(&mut store, &ann, r#"{"b":2}"#, &format!("{{{long}:0}}")).unwrap();
    assert_eq!(text_of(&mut store, &ann), r#"{"a":1,"b":2}"#);
}

#[test]
fn a_change_of_keys_is_a_write_like_any_other() {
    let mut store = store(Options {
        max_sessions: 2,
        ..ROOMY
    });
    let [ann, bob] = [1, 2].map(|n| create(&mut store, n, "u", r#"{"a":1}"#));
    let Ok(Commit::Done(facts)) = commit_to(&mut store, &ann, 10, Some(1), r#"{"b":2}"#, "{}") else {
        panic!("committed")
    };
    assert_eq!(
        (facts.version, facts.last_seen_at, facts.idle_deadline()),
        (2, 10, 110)
    );
    assert_eq!(store.stats().committed, 1);
    // Made from an older version, and from whichever.
    let stale = commit_to(&mut store, &ann, 10, Some(1), r#"{"b":3}"#, "{}");
    assert!(matches!(stale, Ok(Commit::Conflict)));
    assert_eq!(
        (text_of(&mut store, &ann).as_str(), store.stats().conflicts),
        (r#"u{"a":1,"b":2}"#, 1)
    );
    assert!(matches!(
        commit_to(&mut store, &ann, 10, None, r#"{"b":3}"#, "{}"),
        Ok(Commit::Done(facts)) if facts.version == 3
    ));
    // Together with a form and a timeout.
    let form = with_keys(r#"{"c":1}"#, r#"{"a":0}"#, |change| {
        let change = Change {
            form: Some(text("{\"f\":1}")),
            idle_timeout: Some(70),
            ..change
        };
        store.commit(&ann, 20, None, &change)
    });
    assert!(matches!(form, Ok(Commit::Done(facts)) if (facts.idle_timeout, facts.form_units) == (70, 7)));
    assert_eq!(text_of(&mut store, &ann), r#"u{"f":1}{"b":3,"c":1}"#);
    // It was used last.
    create(&mut store, 3, "u", "{}");
    assert!(store.has(&ann, 20) && !store.has(&bob, 20));
    assert!(matches!(
        commit(&mut store, &bob, r#"{"b":3}"#, "{}"),
        Ok(Commit::Gone)
    ));
    store.validate();
}

#[test]
fn what_changes_other_parts_of_a_session_keeps_its_keys() {
    let mut store = store(ROOMY);
    let mut ann = create(&mut store, 1, "", r#"{"a":1,"ж":[2],"c":3}"#);
    for timeout in [70, 60_000] {
        store.touch(&ann, 0, Some(timeout), Ok(())).unwrap();
    }
    let change = Change {
        form: Some(text("form")),
        ..Change::default()
    };
    store.commit(&ann, 0, None, &change).unwrap();
    let login = Renewal {
        change: Change::default(),
        login: Some(login_of("ann")),
    };
    for secret in [1, 2] {
        let renewed = store.regenerate(&ann, &id_of(9, secret), 0, None, &login);
        let Ok(Some((Commit::Done(_), renewed))) = renewed else {
            panic!("renewed")
        };
        ann = renewed;
    }
    store.records.shift_back(0, 0);
    assert_eq!(value(&mut store, &ann, "\"ж\"").as_deref(), Some("[2]"));
    commit(&mut store, &ann, r#"{"c":4}"#, r#"{"ж":0}"#).unwrap();
    assert_eq!(text_of(&mut store, &ann), r#"annform{"a":1,"c":4}"#);
    assert_eq!(value(&mut store, &ann, "\"c\"").as_deref(), Some("4"));
    store.validate();
}

#[test]
fn a_change_of_keys_is_measured_by_what_it_results_in() {
    let mut store = store(Options {
        max_session_bytes: 30,
        ..ROOMY
    });
    let ann = create(&mut store, 1, "", r#"{"a":"0123456789","b":12345}"#);
    let refused = commit(&mut store, &ann, r#"{"c":123}"#, "{}");
    assert!(matches!(refused, Err(Error::TooLarge { bytes: 36, limit: 30 })));
    assert_eq!(text_of(&mut store, &ann), r#"{"a":"0123456789","b":12345}"#);
    commit(&mut store, &ann, r#"{"c":123}"#, r#"{"b":0}"#).unwrap();
    // Beyond latin1 each unit counts twice.
    let refused = commit(&mut store, &ann, r#"{"c":"ж"}"#, "{}");
    assert!(matches!(refused, Err(Error::TooLarge { bytes: 52, limit: 30 })));
    // The form counts too.
    let with_form = with_keys(r#"{"c":124}"#, "{}", |change| {
        let form = Some(text("12345"));
        store.commit(&ann, 0, None, &Change { form, ..change })
    });
    assert!(matches!(with_form, Err(Error::TooLarge { bytes: 31, .. })));
    store.validate();
}

/// A store that was opened again with a lower bound.
#[test]
fn keys_of_a_session_beyond_a_lowered_bound_may_shrink_it_or_leave_it_as_large() {
    let mut store = store(ROOMY);
    let ann = create(&mut store, 1, "ann", r#"{"a":"0123456789","b":12345}"#);
    store.options.max_session_bytes = 10;
    assert!(matches!(
        commit(&mut store, &ann, r#"{"b":54321}"#, "{}"),
        Ok(Commit::Done(_))
    ));
    let refused = commit(&mut store, &ann, r#"{"b":543210}"#, "{}");
    assert!(matches!(refused, Err(Error::TooLarge { bytes: 29, limit: 10 })));
    assert!(matches!(
        commit(&mut store, &ann, r#"{"c":1}"#, r#"{"b":0}"#),
        Ok(Commit::Done(_))
    ));
    let refused = with_keys(r#"{"d":1}"#, "{}", |change| {
        store.regenerate(&ann, &id_of(2, 2), 0, None, &renewal(change, None))
    });
    assert!(matches!(refused, Err(Error::TooLarge { bytes: 30, .. })));
    assert!(matches!(
        commit(&mut store, &ann, "{}", r#"{"a":0}"#),
        Ok(Commit::Done(_))
    ));
    let refused = commit(&mut store, &ann, r#"{"d":1}"#, "{}");
    assert!(matches!(refused, Err(Error::TooLarge { bytes: 13, .. })));
    assert_eq!(text_of(&mut store, &ann), r#"ann{"c":1}"#);
    store.validate();
}

#[test]
fn a_change_of_keys_that_finds_no_room_changes_nothing() {
    let mut store = store(Options {
        max_bytes: RECORD_OVERHEAD + 100,
        ..ROOMY
    });
    let ann = create(&mut store, 1, "ann", r#"{"a":1}"#);
    let set = filled(100);
    let refused = commit(&mut store, &ann, &set, "{}");
    assert!(matches!(refused, Err(Error::Full { .. })));
    assert_eq!(text_of(&mut store, &ann), r#"ann{"a":1}"#);
    store.validate();
}

#[test]
fn data_is_wide_only_as_long_as_a_key_needs_it() {
    let mut store = store(ROOMY);
    let ann = create(&mut store, 1, "ann", r#"{"a":1,"é":2}"#);
    let narrow = store.bytes();
    commit(&mut store, &ann, r#"{"ж":3}"#, "{}").unwrap();
    // ann, three places, 0, and 19 units of data.
    assert_eq!(store.bytes(), narrow - 19 + 2 * (3 + 3 + 1 + 19));
    commit(&mut store, &ann, r#"{"ж":"€","a":"x"}"#, "{}").unwrap();
    assert_eq!(text_of(&mut store, &ann), r#"ann{"a":"x","é":2,"ж":"€"}"#);
    commit(&mut store, &ann, r#"{"a":1}"#, r#"{"ж":0}"#).unwrap();
    assert_eq!(
        (store.bytes(), text_of(&mut store, &ann).as_str()),
        (narrow, r#"ann{"a":1,"é":2}"#)
    );
    // Wide beside what needs it: a user id, a form.
    let wide = create(&mut store, 2, "", r#"{"a":1,"b":2}"#);
    let change = Change {
        form: Some(Text::Utf16(&[0x416])),
        ..Change::default()
    };
    store.commit(&wide, 0, None, &change).unwrap();
    commit(&mut store, &wide, r#"{"b":3,"c":4}"#, r#"{"a":0}"#).unwrap();
    assert_eq!(text_of(&mut store, &wide), r#"Ж{"b":3,"c":4}"#);
    store.validate();
}

#[test]
fn a_renewal_changes_keys_and_a_login_as_another_user_begins_with_those_that_are_set() {
    let mut store = store(ROOMY);
    let guest = create(&mut store, 1, "", r#"{"cart":[1],"seen":2}"#);
    let renewed = with_keys(r#"{"at":5}"#, r#"{"seen":0}"#, |change| {
        store.regenerate(&guest, &id_of(1, 1), 0, Some(1), &renewal(change, Some("ann")))
    });
    let Ok(Some((Commit::Done(facts), ann))) = renewed else {
        panic!("logged in")
    };
    assert_eq!(
        (facts.version, text_of(&mut store, &ann).as_str()),
        (2, r#"ann{"cart":[1],"at":5}"#)
    );
    let replaced = with_keys(r#"{"at":6}"#, r#"{"cart":0}"#, |change| {
        store.regenerate(&ann, &id_of(2, 2), 0, None, &renewal(change, Some("bob")))
    });
    let Ok(Some((Commit::Done(facts), bob))) = replaced else {
        panic!("logged in")
    };
    assert_eq!(
        (facts.version, text_of(&mut store, &bob).as_str()),
        (1, r#"bob{"at":6}"#)
    );
    store.validate();
}

#[test]
fn a_value_is_read_by_its_key_alone_and_that_is_a_use_but_no_activity() {
    let mut store = store(Options {
        max_sessions: 2,
        ..ROOMY
    });
    for (n, data) in [
        (1, r#"{"a":1,"ab":{"a":2},"":"x","a\"b":[3],"é":4}"#),
        (2, r#"{"a":1,"ab":{"a":2},"":"x","a\"b":[3],"é":4,"ж":"€"}"#),
    ] {
        let id = create(&mut store, n, "ann", data);
        let mut value = |key| value(&mut store, &id, key);
        assert_eq!(value("\"a\"").as_deref(), Some("1"));
        assert_eq!(value("\"ab\"").as_deref(), Some("{\"a\":2}"));
        assert_eq!(value("\"\"").as_deref(), Some("\"x\""));
        assert_eq!(value("\"a\\\"b\"").as_deref(), Some("[3]"));
        assert_eq!(value("\"é\"").as_deref(), Some("4"));
        assert_eq!(value("\"ж\"").as_deref(), Some(if n == 2 { "\"€\"" } else { "" }));
        for none in ["\"b\"", "\"abc\"", "\"a", "\"漢\"", "ann"] {
            assert_eq!(value(none).as_deref(), Some(""), "{none}");
        }
    }
    let (hits, misses) = (store.stats().hits, store.stats().misses);
    assert_eq!(value(&mut store, &id(1), "\"a\"").as_deref(), Some("1"));
    assert_eq!(value(&mut store, &id_of(1, 7), "\"a\""), None, "another secret");
    assert_eq!((store.stats().hits, store.stats().misses), (hits + 1, misses + 1));
    create(&mut store, 3, "ann", "{}");
    assert!(store.has(&id(1), 0) && !store.has(&id(2), 0), "it was used last");
    let mut buffer = TextBuffer::default();
    assert!(store.load_key(&id(1), 99, text("\"a\":"), &mut buffer));
    assert!(
        !store.load_key(&id(1), 100, text("\"a\":"), &mut buffer),
        "that was no activity"
    );
}

#[test]
fn very_many_keys_are_changed_at_once() {
    let mut store = store(Options {
        max_bytes: 1 << 24,
        max_session_bytes: 1 << 22,
        ..ROOMY
    });
    let members = |keys: std::ops::Range<u32>, value: &str| {
        let members = keys.map(|key| (format!("\"key {key}\""), value.to_owned()));
        Members(members.collect())
    };
    let (mut all, set, removed) = (
        members(0..10_000, "1"),
        members(5_000..15_000, "\"new\""),
        members(0..2_000, "0"),
    );
    let ann = create(&mut store, 1, "", &all.to_string());
    commit(&mut store, &ann, &set.to_string(), &removed.to_string()).unwrap();
    all.0.drain(..2_000);
    all.0.truncate(3_000);
    all.0.extend(set.0);
    assert!(text_of(&mut store, &ann) == all.to_string());
    assert_eq!(
        value(&mut store, &ann, "\"key 14999\"").as_deref(),
        Some("\"new\"")
    );
    assert!(
        store.garbage.iter().any(|buffer| buffer.capacity() > 1 << 16),
        "large buffers are not kept"
    );
    store.validate();
}

/// Keys that are not the same although the bytes of one are those of the other.
#[test]
fn keys_of_different_width_are_compared_by_their_units() {
    let mut store = store(ROOMY);
    // U+6122 and U+2261 are `"a` in little-endian bytes.
    let ann = create(&mut store, 1, "", "{\"a\":1,\"\u{6122}\":2}");
    commit(&mut store, &ann, r#"{"a":3}"#, "{}").unwrap();
    assert_eq!(text_of(&mut store, &ann), "{\"a\":3,\"\u{6122}\":2}");
    commit(&mut store, &ann, "{\"\u{6122}\":4,\"\u{2261}\":5}", "{}").unwrap();
    assert_eq!(
        text_of(&mut store, &ann),
        "{\"a\":3,\"\u{6122}\":4,\"\u{2261}\":5}"
    );
    // With a map.
    let set = "{\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1,\"a\":6}";
    commit(&mut store, &ann, set, "{\"\u{2261}\":0}").unwrap();
    let expected = "{\"a\":6,\"\u{6122}\":4,\"1\":1,\"2\":1,\"3\":1,\"4\":1,\"5\":1,\"6\":1,\"7\":1,\"8\":1}";
    assert_eq!(text_of(&mut store, &ann), expected);
}

/// The records that were queued: kind and body.
fn logged(store: &mut Store) -> Vec<(u8, Vec<u8>)> {
    let batch = store.log_mut().unwrap().take(Vec::new());
    let mut records = Vec::new();
    for chunk in &batch.chunks {
        let mut rest = &chunk[..];
        while let Some((frame, next)) = frame::split(rest) {
            records.push((frame.kind, frame.body.to_vec()));
            rest = next;
        }
    }
    records
}

fn store_with_log(durability: Durability) -> Store {
    let mut store = store(ROOMY);
    store.attach_log(Queue::new(Lsn::default(), durability));
    store
}

#[test]
fn the_log_gets_the_changed_keys_alone() {
    let mut store = store_with_log(Durability::Os);
    let data = filled(10_000);
    let ann = create(&mut store, 1, "ann", &data);
    let whole = logged(&mut store);
    assert!(whole[0].0 == kind::PUT && whole[0].1.len() > 10_000);
    commit_to(&mut store, &ann, 7, None, r#"{"n":12345}"#, "{}").unwrap();
    let records = logged(&mut store);
    let [(kind::KEYS, body)] = &records[..] else {
        panic!("{records:?}")
    };
    assert!(
        frame::HEADER + body.len() < 100,
        "{} bytes",
        frame::HEADER + body.len()
    );
    let keys: Keys<'_> = decode(body).unwrap();
    assert_eq!(
        keys,
        Keys {
            handle: ann.handle().to_bytes(),
            secret: ann.secret_hash().to_bytes(),
            version: 2,
            last_seen_at: 7,
            idle_timeout: 100,
            wide: false,
            set: br#"{"n":12345}"#,
            removed: b"",
        }
    );
    // UTF-16 only if it must be, and both texts then.
    commit(&mut store, &ann, r#"{"ж":1}"#, r#"{"n":0}"#).unwrap();
    let records = logged(&mut store);
    let keys: Keys<'_> = decode(&records[0].1).unwrap();
    assert_eq!(
        (records[0].0, keys.wide, keys.set.len(), keys.removed.len()),
        (kind::KEYS, true, 14, 14)
    );
    commit(&mut store, &ann, "{}", r#"{"n":0}"#).unwrap();
    let records = logged(&mut store);
    let keys: Keys<'_> = decode(&records[0].1).unwrap();
    assert_eq!(
        (keys.version, keys.set, keys.removed),
        (4, &b""[..], &br#"{"n":0}"#[..])
    );
}

#[test]
fn the_log_gets_the_whole_session_if_that_is_not_longer_and_whenever_another_part_changes() {
    let mut store = store_with_log(Durability::Os);
    let ann = create(&mut store, 1, "", r#"{"a":1}"#);
    let kinds = |store: &mut Store| logged(store).iter().map(|record| record.0).collect::<Vec<_>>();
    assert_eq!(kinds(&mut store), [kind::PUT]);
    commit(&mut store, &ann, r#"{"a":2}"#, "{}").unwrap();
    assert_eq!(kinds(&mut store), [kind::PUT]);
    commit(&mut store, &ann, r#"{"b":2}"#, "{}").unwrap();
    assert_eq!(kinds(&mut store), [kind::KEYS]);
    // Removed keys count too.
    commit(&mut store, &ann, r#"{"b":3}"#, r#"{"c":0}"#).unwrap();
    assert_eq!(kinds(&mut store), [kind::PUT]);
    // As few units, but two bytes each.
    commit(&mut store, &ann, "{}", r#"{"ж":0}"#).unwrap();
    assert_eq!(kinds(&mut store), [kind::PUT]);
    commit(&mut store, &ann, "{}", r#"{"x":0}"#).unwrap();
    assert_eq!(kinds(&mut store), [kind::KEYS]);
    with_keys(r#"{"b":4}"#, "{}", |change| {
        store.regenerate(&ann, &id_of(1, 1), 0, None, &renewal(change, None))
    })
    .unwrap();
    assert_eq!(kinds(&mut store), [kind::RENEW]);
}

#[test]
fn changed_keys_are_synced_as_whole_sessions_are() {
    for durability in [Durability::None, Durability::Os, Durability::Disk] {
        let mut store = store_with_log(durability);
        let ann = create(&mut store, 1, "", &filled(100));
        let whole = store.log_mut().unwrap().take(Vec::new()).sync;
        commit(&mut store, &ann, r#"{"n":1}"#, "{}").unwrap();
        let batch = store.log_mut().unwrap().take(Vec::new());
        assert_eq!(
            (batch.sync, whole),
            (durability == Durability::Disk, durability == Durability::Disk)
        );
    }
}
