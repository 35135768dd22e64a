use super::*;
use crate::memory::bodies::Garbage;
use crate::memory::records::Records;
use crate::model::id::SessionId;
use crate::model::object::ObjectText;
use crate::model::random::OsRandom;
use crate::model::text::Text;
use crate::model::time::NEVER;
use proptest::prelude::*;

fn fixed(version: u64, last_seen_at: u64, absolute_deadline: u64) -> Fixed {
    let id = SessionId::generate(&OsRandom).unwrap();
    Fixed {
        handle: id.handle(),
        secret: id.secret_hash(),
        version,
        last_seen_at,
        absolute_deadline,
    }
}

fn add(records: &mut Records, fixed: Fixed, contents: &Contents<'_>) -> u32 {
    let body = records.encode(contents);
    records.insert(fixed, body, &mut Garbage::new()).unwrap()
}

fn records(idle_timeout: u64) -> Records {
    let contents = Contents {
        created_at: 1_000,
        idle_timeout,
        authenticated_at: 1_000,
        ext: b"",
        uid: Units::stored(b"ann", false),
        form: Units::stored(b"", false),
        places: Units::stored(b"", false),
        data: Units::stored(b"{}", false),
    };
    let mut records = Records::default();
    add(&mut records, fixed(1, 2_000, 9_000), &contents);
    records.set_logged(0);
    records
}

/// Notes activity, and returns whether it was logged.
fn touch(records: &mut Records, now: u64) -> bool {
    let is_due = records.is_log_due(0, now);
    records.get_mut(0).unwrap().set_last_seen(now);
    if is_due {
        records.set_logged(0);
    }
    is_due
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn read(record: Stored<'_>) -> Vec<u16> {
    let mut buffer = TextBuffer::default();
    record.read_into(&mut buffer);
    match buffer.text() {
        Text::Latin1(bytes) => bytes.iter().map(|&byte| u16::from(byte)).collect(),
        Text::Utf16(units) => units.to_vec(),
    }
}

proptest! {
    /// Any mix of latin1 and UTF-16 texts, also after a second encoding from the first body.
    #[test]
    fn contents_are_read_back_exactly(
        uid in "[a-zäж]{0,20}",
        form in "[ -~é€]{0,30}",
        value in "[ !#-\\[\\]-~éж€😀]{0,200}",
        stamp in 0..=NEVER,
        ext in any::<Vec<u8>>(),
    ) {
        let (uid, form, data) = (units(&uid), units(&form), units(&format!("{{\"a\":\"{value}\",\"b\":1}}")));
        let mut places = Vec::new();
        ObjectText::scan(Text::Utf16(&data), &mut places).unwrap();
        let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
        let contents = Contents {
            created_at: stamp,
            idle_timeout: stamp / 2,
            authenticated_at: stamp / 3,
            ext: &ext,
            uid: Text::narrow(&uid, &mut a).into(),
            form: Text::narrow(&form, &mut b).into(),
            places: Text::Latin1(&places).into(),
            data: Text::narrow(&data, &mut c).into(),
        };
        let (mut records, mut copy) = (Records::default(), Records::default());
        add(&mut records, fixed(3, stamp, NEVER), &contents);
        add(&mut copy, fixed(3, stamp, NEVER), &records.at(0).contents());
        records.validate();
        let stored_places: Vec<_> = places.iter().map(|&byte| byte.into()).collect();
        let whole = [uid.clone(), form.clone(), stored_places, vec![0], data].concat();
        for record in [records.at(0), copy.at(0)] {
            prop_assert_eq!(record.contents().ext, &ext[..]);
            prop_assert_eq!(read(record), whole.clone());
            let facts = record.facts();
            prop_assert_eq!((facts.created_at, facts.idle_timeout, facts.version), (stamp, stamp / 2, 3));
            prop_assert_eq!(facts.authenticated_at, if uid.is_empty() { 0 } else { stamp / 3 });
            prop_assert_eq!((facts.uid_units, facts.form_units), (uid.len(), form.len()));
            prop_assert_eq!(record.bytes(), records.encode(&record.contents()).record_bytes());
        }
    }
}

#[test]
fn an_instant_after_a_start_or_a_duration_without_end_has_no_end() {
    assert_eq!(after(5, NEVER), NEVER);
    assert_eq!(after(NEVER, 5), NEVER);
    assert_eq!(after(5, 6), 11);
}

/// Clocks without a battery start in 1970. The last activity, which would have been before 1970, counted as in 1970, and so an idle session
/// lasted longer.
#[test]
fn a_clock_set_back_to_1970_leaves_an_idle_session_the_time_it_had_left() {
    let mut records = records(500);
    // It is 2,300 in the files and 150 now: 200 of the 500 are left.
    records.shift_back(0, 2_150);
    let record = records.get(0).unwrap();
    assert_eq!(
        (record.idle_deadline(), record.facts().absolute_deadline),
        (350, 6_850)
    );
}

/// The time since the last logged activity was counted up to 49 days. So with an idle timeout of more than ten times that no activity was
/// ever logged, and after a crash the session had expired.
#[test]
fn activity_is_logged_in_each_tenth_of_an_idle_timeout_of_years() {
    const DAY: u64 = 86_400_000;
    let mut records = records(730 * DAY);
    let logged = (1..=365)
        .filter(|day| touch(&mut records, 2_000 + day * DAY))
        .count();
    assert!(logged >= 5, "a tenth is 73 days");
}

/// With more distinct idle timeouts than the table has room for, the rest are in their sessions' bodies.
#[test]
fn each_session_has_its_own_idle_timeout_however_many_there_are() {
    let mut records = records(0);
    let place = |records: &mut Records, index: u32, timeout: u64| {
        let original = records.at(0).contents();
        let contents = Contents {
            idle_timeout: timeout,
            ..original
        };
        let body = records.encode(&contents);
        let slot = records.insert(fixed(1, 0, NEVER), body, &mut Garbage::new());
        assert_eq!(slot, Some(index));
    };
    let bytes = records.get(0).unwrap().bytes();
    for index in 1..600 {
        place(&mut records, index, u64::from(index));
    }
    let timeout = |records: &Records, index| records.get(index).unwrap().idle_timeout();
    for index in 0..600 {
        assert_eq!(timeout(&records, index), u64::from(index));
        assert_eq!(
            records.get(index).unwrap().bytes(),
            bytes,
            "the timeout counts the same wherever it is"
        );
    }
    for index in 0..600 {
        records.set_idle_timeout(index, 10_000 + u64::from(index % 300), &mut Garbage::new());
        records.validate();
    }
    for index in 0..600 {
        let record = records.get(index).unwrap();
        assert_eq!(record.idle_timeout(), 10_000 + u64::from(index % 300));
        assert_eq!((record.bytes(), read(record)), (bytes, units("ann\0{}")));
    }
}

proptest! {
    /// Activity is logged at the latest when a tenth of the idle timeout has passed, and never much earlier.
    #[test]
    fn activity_is_logged_once_in_each_tenth(idle in 10u64..1_000_000_000, steps in prop::collection::vec(0u64..1_100, 1..60)) {
        let mut records = records(idle);
        let (mut now, mut logged) = (2_000, 2_000);
        for step in steps {
            now += idle * step / 1_100;
            let due = touch(&mut records, now);
            let part = idle / 10;
            prop_assert!(due || now - logged < part);
            prop_assert!(!due || now - logged + part / 2_048 + 1 >= part);
            if due {
                logged = now;
            }
        }
    }
}
