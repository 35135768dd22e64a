//! Faults that a test asks for by a user id; compiled in for tests of the tests' own addon, never released.

use crate::model::text::OwnedText;

pub fn panic_if(uid: Option<OwnedText>, asked: &str) {
    if let Some(OwnedText::Latin1(uid)) = uid {
        assert!(*uid != *asked.as_bytes(), "{asked}");
    }
}
