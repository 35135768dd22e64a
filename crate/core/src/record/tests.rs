use super::*;
use crate::id::SessionId;
use crate::random::OsRandom;
use proptest::prelude::*;

#[test]
fn a_record_is_56_bytes() {
    assert_eq!(size_of::<Option<Record>>(), 56);
}

fn record(idle_timeout: u64) -> Record {
    let contents = Contents {
        created_at: 1_000,
        idle_timeout,
        authenticated_at: 1_000,
        uid: Units::stored(b"ann", false),
        form: Units::stored(b"", false),
        data: Units::stored(b"{}", false),
    };
    let key = SessionId::generate(&OsRandom).unwrap().key();
    Record::new(key, Body::new(&contents), 1, 2_000, 9_000)
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn read(record: &Record) -> Vec<u16> {
    let mut buffer = TextBuffer::default();
    record.read_into(&mut buffer);
    match buffer.text() {
        Text::Latin1(bytes) => bytes.iter().map(|&byte| u16::from(byte)).collect(),
        Text::Utf16(units) => units.to_vec(),
    }
}

proptest! {
    /// Any mix of narrow and wide parts comes back exactly, also through a second body made from the first.
    #[test]
    fn contents_come_back_exactly(uid in "[a-zäж]{0,20}", form in "[ -~é€]{0,30}", data in any::<Vec<u16>>(), stamp in 0..=NEVER) {
        let (uid, form) = (units(&uid), units(&form));
        let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
        let contents = Contents {
            created_at: stamp,
            idle_timeout: stamp / 2,
            authenticated_at: stamp / 3,
            uid: Text::narrow(&uid, &mut a).into(),
            form: Text::narrow(&form, &mut b).into(),
            data: Text::narrow(&data, &mut c).into(),
        };
        let key = SessionId::generate(&OsRandom).unwrap().key();
        let record = Record::new(key, Body::new(&contents), 3, stamp, NEVER);
        let again = Record::new(key, Body::new(&record.contents()), 3, stamp, NEVER);
        let whole = [uid.clone(), form.clone(), data].concat();
        for record in [&record, &again] {
            prop_assert_eq!(read(record), whole.clone());
            let facts = record.facts();
            prop_assert_eq!((facts.created_at, facts.idle_timeout, facts.version), (stamp, stamp / 2, 3));
            prop_assert_eq!(facts.authenticated_at, if uid.is_empty() { 0 } else { stamp / 3 });
            prop_assert_eq!((facts.uid_units, facts.form_units), (uid.len(), form.len()));
            prop_assert_eq!(record.body.len(), record.contents().body_bytes());
        }
    }
}

#[test]
fn what_has_no_end_stays_without_end() {
    assert_eq!(after(5, NEVER), NEVER);
    assert_eq!(after(NEVER, 5), NEVER);
    assert_eq!(after(5, 6), 11);
}

/// A clock that was set back to 1970, as one without a battery is: what was seen before that counted as seen in 1970, and an idle
/// session lived longer for it.
#[test]
fn a_clock_set_back_to_1970_leaves_of_an_idle_session_what_was_left() {
    let mut record = record(500);
    // It is 2,300 in the files and 150 now: 200 of the 500 are left.
    record.shift_back(2_150);
    assert_eq!(
        (record.idle_deadline(), record.facts().absolute_deadline),
        (350, 6_850)
    );
}

/// What the log was not told of is counted up to 49 days. The activity of a session whose idle timeout is more than ten times that
/// never reached the log, however long it went on: a crash ended it.
#[test]
fn the_log_is_told_of_activity_in_each_tenth_of_an_idle_timeout_of_years() {
    const DAY: u64 = 86_400_000;
    let mut record = record(730 * DAY);
    let told = (1..=365)
        .filter(|day| record.touch_logged(2_000 + day * DAY))
        .count();
    assert!(told >= 5, "a tenth is 73 days");
}
