use super::*;
use crate::format::codec::encode;
use crate::model::text::{Text, TextBuffer};
use crate::testing::objects::data_in;

fn put(version: u64, data: &[u8], ext: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    let put = Put {
        handle: [7; 12],
        secret: [0; 16],
        version,
        created_at: 0,
        last_seen_at: 0,
        idle_timeout: 0,
        absolute_deadline: 0,
        authenticated_at: 0,
        wide: false,
        uid: &[],
        data,
        ext,
    };
    encode(&put, &mut body);
    body
}

fn frame(lsn: u64, kind: u8, body: &[u8]) -> Frame<'_> {
    Frame {
        lsn: Lsn::new(lsn),
        kind,
        body,
        crc: 0,
    }
}

fn block(puts: &[Vec<u8>]) -> Vec<u8> {
    let mut body = Vec::new();
    let count = u32::try_from(puts.len()).unwrap();
    encode(&Block { count }, &mut body);
    body.extend(puts.concat());
    body
}

fn data(image: &Image) -> Option<Vec<u8>> {
    let session = image.records.get(0)?;
    let mut buffer = TextBuffer::default();
    session.read_into(&mut buffer);
    match buffer.text() {
        Text::Latin1(bytes) => Some(data_in(bytes, &session.facts()).to_vec()),
        Text::Utf16(_) => None,
    }
}

#[test]
fn a_record_applies_only_to_a_session_that_is_older() {
    let mut image = Image::default();
    let snapshot = block(&[put(3, b"{\"n\":3}", b"")]);
    assert_eq!(image.block(&frame(30, 17, &snapshot)), Ok(1));
    for (lsn, kind, body) in [
        (20, kind::PUT, put(2, b"{\"n\":2}", b"")),
        (21, kind::CLEAR, Vec::new()),
        (30, kind::RENEW, put(4, b"{\"x\":4}", b"")),
    ] {
        image.record(&frame(lsn, kind, &body)).unwrap();
        assert_eq!(data(&image).unwrap(), b"{\"n\":3}");
    }
    image
        .record(&frame(31, kind::PUT, &put(4, b"{\"n\":4}", b"")))
        .unwrap();
    assert_eq!(data(&image).unwrap(), b"{\"n\":4}");
    image.record(&frame(32, kind::CLEAR, &[])).unwrap();
    assert_eq!(data(&image), None);
    image.index.validate(|slot| image.records.at(slot).handle());
}

/// A salvage once kept the first of two sessions with one handle, even if it was the older.
#[test]
fn of_two_sessions_with_one_handle_the_newer_is_kept() {
    for versions in [[5, 6], [6, 5]] {
        let puts = versions.map(|version| put(version, format!("{{\"n\":{version}}}").as_bytes(), b""));
        let mut image = Image::default();
        let found = image.block(&frame(9, 17, &block(&puts)));
        assert_eq!(found, Err("two of its sessions have the same handle"));
        assert_eq!(
            (data(&image).unwrap(), image.records.len()),
            (b"{\"n\":6}".to_vec(), 1)
        );
    }
}

fn keys_of(version: u64, set: &[u8], removed: &[u8]) -> Keys<'static> {
    Keys {
        handle: [7; 12],
        secret: [0; 16],
        version,
        last_seen_at: 5,
        idle_timeout: 6,
        wide: false,
        set: set.to_vec().leak(),
        removed: removed.to_vec().leak(),
    }
}

fn encoded(keys: &Keys<'_>) -> Vec<u8> {
    let mut body = Vec::new();
    encode(keys, &mut body);
    body
}

/// Applies a record of changed keys.
fn change(image: &mut Image, lsn: u64, keys: &Keys<'_>) -> Result<(), Defect> {
    image.record(&frame(lsn, kind::KEYS, &encoded(keys)))
}

fn version(image: &Image) -> u64 {
    image.records.at(0).version()
}

#[test]
fn changed_keys_are_applied_to_the_version_before_and_to_no_session_that_is_newer_or_not_there() {
    let mut image = Image::default();
    let keys = keys_of(4, b"{\"b\":4}", b"{\"n\":0}");
    assert_eq!(
        change(&mut image, 20, &keys),
        Ok(()),
        "it ended before its block was copied"
    );
    assert_eq!((data(&image), image.records.len()), (None, 0));
    let snapshot = block(&[put(3, b"{\"a\":1,\"n\":3}", b"")]);
    image.block(&frame(30, 17, &snapshot)).unwrap();
    for lsn in [21, 30] {
        assert_eq!(change(&mut image, lsn, &keys), Ok(()));
        assert_eq!(data(&image).unwrap(), b"{\"a\":1,\"n\":3}");
    }
    assert_eq!(change(&mut image, 31, &keys), Ok(()));
    assert_eq!(data(&image).unwrap(), b"{\"a\":1,\"b\":4}");
    let facts = image.records.at(0).facts();
    assert_eq!(
        (facts.version, facts.last_seen_at, facts.idle_timeout, image.now),
        (4, 5, 6, 5)
    );
    let wide: Vec<u8> = "{\"b\":\"ж\"}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let keys = Keys {
        wide: true,
        ..keys_of(5, &wide, b"")
    };
    assert_eq!(change(&mut image, 32, &keys), Ok(()));
    assert!(image.records.at(0).is_wide());
    assert_eq!(change(&mut image, 33, &keys_of(6, b"", b"{\"b\":0}")), Ok(()));
    assert_eq!(
        (data(&image).unwrap(), version(&image)),
        (b"{\"a\":1}".to_vec(), 6)
    );
    assert!(!image.records.at(0).is_wide());
    assert_eq!(image.applied, 6);
}

/// A salvage goes on after the records that are missing: it loses these, and says so, and no more.
#[test]
fn changed_keys_that_do_not_follow_the_session_are_reported_and_applied() {
    const MISSING: Defect = "a change of the session is missing before that of its keys";
    let mut image = Image::default();
    image
        .record(&frame(1, kind::PUT, &put(3, b"{\"a\":1}", b"")))
        .unwrap();
    assert_eq!(
        change(&mut image, 5, &keys_of(6, b"{\"b\":6}", b"")),
        Err(MISSING)
    );
    assert_eq!(
        (data(&image).unwrap(), version(&image)),
        (b"{\"a\":1,\"b\":6}".to_vec(), 6)
    );
    assert_eq!(
        change(&mut image, 6, &keys_of(7, b"{\"c\":7}", b"")),
        Ok(()),
        "it is reported once"
    );
    // A renewal is missing: its secret counts, not the one before.
    let renewed = Keys {
        secret: [9; 16],
        ..keys_of(9, b"{\"a\":9}", b"")
    };
    assert_eq!(change(&mut image, 8, &renewed), Err(MISSING));
    assert_eq!(image.records.at(0).secret().to_bytes(), [9; 16]);
    let renewed = Keys {
        secret: [8; 16],
        ..keys_of(10, b"{\"a\":10}", b"")
    };
    assert_eq!(
        change(&mut image, 9, &renewed),
        Err(MISSING),
        "the version alone fits"
    );
    assert_eq!(data(&image).unwrap(), b"{\"a\":10,\"b\":6,\"c\":7}");
    // After damage that was reported, this is no news.
    image.lacks_records = true;
    let renewed = Keys {
        secret: [9; 16],
        ..keys_of(12, b"{\"a\":12}", b"")
    };
    assert_eq!(change(&mut image, 10, &renewed), Ok(()));
    assert_eq!(data(&image).unwrap(), b"{\"a\":12,\"b\":6,\"c\":7}");
    // What is older than the session cannot be a later change of it.
    let older = change(&mut image, 11, &keys_of(8, b"{\"a\":8}", b""));
    assert_eq!(
        older,
        Err("the changed keys are of an older version than the session")
    );
    assert_eq!(
        (data(&image).unwrap(), version(&image)),
        (b"{\"a\":12,\"b\":6,\"c\":7}".to_vec(), 12)
    );
}

/// The version stays at the largest that a record can hold, and a session there could be changed but not read again.
#[test]
fn the_last_version_follows_itself() {
    let mut image = Image::default();
    image
        .record(&frame(1, kind::PUT, &put(NEVER - 1, b"{}", b"")))
        .unwrap();
    for lsn in [2, 3, 4] {
        assert_eq!(
            change(&mut image, lsn, &keys_of(NEVER, b"{\"a\":1}", b"")),
            Ok(())
        );
    }
}

#[test]
fn changed_keys_that_no_store_can_have_written_are_refused_and_change_nothing() {
    const MALFORMED: Defect = "the changed keys are malformed";
    const NO_OBJECT: Defect =
        "the session's data is not the text of a JSON object as JSON.stringify writes it";
    let mut image = Image::default();
    image
        .record(&frame(1, kind::PUT, &put(3, b"{\"a\":1}", b"")))
        .unwrap();
    let right = keys_of(4, b"{\"a\":2}", b"");
    let odd: Vec<u8> = "{}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .chain([0])
        .collect();
    for (keys, defect) in [
        (Keys { version: 0, ..right }, MALFORMED),
        (
            Keys {
                version: NEVER + 1,
                ..right
            },
            MALFORMED,
        ),
        (
            Keys {
                last_seen_at: u64::MAX,
                ..right
            },
            MALFORMED,
        ),
        (
            Keys {
                idle_timeout: NEVER + 1,
                ..right
            },
            MALFORMED,
        ),
        (
            Keys {
                set: b"{\"a\": 2}",
                ..right
            },
            NO_OBJECT,
        ),
        (
            Keys {
                removed: b"[]",
                ..right
            },
            NO_OBJECT,
        ),
        (Keys { wide: true, ..right }, NO_OBJECT),
        (
            Keys {
                wide: true,
                set: odd.leak(),
                ..right
            },
            NO_OBJECT,
        ),
    ] {
        assert_eq!(change(&mut image, 2, &keys), Err(defect), "{keys:?}");
        assert_eq!(
            (data(&image).unwrap(), version(&image), image.now),
            (b"{\"a\":1}".to_vec(), 3, 0)
        );
    }
    let body = encoded(&right);
    let cut = image.record(&frame(2, kind::KEYS, &body[..body.len() - 1]));
    assert_eq!(cut, Err("the record is malformed"));
    for text in [&b"{3}"[..], b"", b"[]", b"{\"a\":1,\"a\":2}", b"{\"a\":1} "] {
        assert_eq!(
            image.record(&frame(2, kind::PUT, &put(4, text, b""))),
            Err(NO_OBJECT)
        );
    }
    assert_eq!(change(&mut image, 2, &right), Ok(()));
}

#[test]
fn an_ext_field_of_a_later_version_is_kept_and_a_malformed_one_is_refused() {
    let ext = [1, 2, 3, 0, b'a', b'b', b'c'];
    let mut image = Image::default();
    image.record(&frame(1, kind::PUT, &put(1, b"{}", &ext))).unwrap();
    assert_eq!(image.records.at(0).to_put().ext, ext);
    assert_eq!(data(&image).unwrap(), b"{}");
    let malformed = image.record(&frame(2, kind::PUT, &put(2, b"{}", &ext[..5])));
    assert_eq!(malformed, Err("the session is malformed"));
}
