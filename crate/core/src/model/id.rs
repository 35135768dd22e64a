//! The id of a session: its public handle, and the secret that proves who owns it.

use crate::model::error::Error;
use crate::model::random::Random;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

const HANDLE: usize = 12;
const SECRET: usize = 20;

/// The id that the client's cookie carries: 43 characters of base64url. The first 16 are the session's [`Handle`], the other 27 (160
/// random bits) its secret, which is new at each login and renewal. The whole id gives access to the session, so `Debug` prints nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId([u8; HANDLE + SECRET]);

impl SessionId {
    /// Characters of the text form.
    pub const TEXT_LEN: usize = 43;

    /// Makes a new handle with a new secret.
    ///
    /// # Errors
    /// [`Error::Random`] if the operating system returns no random bytes.
    pub fn generate(random: &dyn Random) -> Result<Self, Error> {
        let mut bytes = [0; HANDLE + SECRET];
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// This id's handle with the secret of `fresh`.
    #[must_use]
    pub fn with_secret_of(&self, fresh: &Self) -> Self {
        let mut bytes = fresh.0;
        for (to, from) in bytes.iter_mut().zip(self.handle().0) {
            *to = from;
        }
        Self(bytes)
    }

    /// Parses the text form; `None` for another length or alphabet, for padding, or for a last character that is not canonical.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        parse(text, Self::TEXT_LEN).map(Self)
    }

    /// The text form, which belongs in the cookie and nowhere else.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The same as ASCII bytes, without an allocation.
    ///
    /// # Panics
    /// Never: the text of 32 bytes has this length.
    #[must_use]
    #[expect(clippy::expect_used, reason = "32 bytes are 43 characters of base64")]
    pub fn to_ascii(&self) -> [u8; Self::TEXT_LEN] {
        let mut text = [0; Self::TEXT_LEN];
        URL_SAFE_NO_PAD
            .encode_slice(self.0, &mut text)
            .expect("the text has the length of an id");
        text
    }

    /// The public part of the id.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(first(&self.0))
    }

    /// The hash by which a record checks the secret. Costs one block of SHA-256.
    pub(crate) fn secret_hash(&self) -> SecretHash {
        let digest: [u8; 32] = Sha256::digest(self.0).into();
        SecretHash(first(&digest))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

/// The first 128 bits of the SHA-256 of a whole id. It covers the handle too, so no other session has it, and the secret cannot be
/// computed from it.
#[derive(Debug, Clone, Copy)]
pub struct SecretHash([u8; 16]);

impl SecretHash {
    /// Whether both are equal, compared in constant time.
    #[must_use]
    pub fn matches(self, other: Self) -> bool {
        // As one number: the comparison of slices is a loop with a barrier for each byte.
        u128::from_ne_bytes(self.0)
            .ct_eq(&u128::from_ne_bytes(other.0))
            .into()
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

/// The public name of a session and its key in the store's hash map: 96 random bits, 16 characters of base64url, the same until the session
/// ends. Safe in logs, events and admin pages, and of no use as a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle([u8; HANDLE]);

impl Handle {
    /// Characters of the text form, which is also how the id's text begins.
    pub const TEXT_LEN: usize = 16;

    /// Parses the text form; `None` for another length or alphabet.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        parse(text, Self::TEXT_LEN).map(Self)
    }

    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    pub(crate) fn to_bytes(self) -> [u8; HANDLE] {
        self.0
    }

    pub(crate) fn from_bytes(bytes: [u8; HANDLE]) -> Self {
        Self(bytes)
    }

    /// Two independent, uniform hashes: the two parts of the handle, which is random already.
    pub(crate) fn hashes(self) -> (u64, u32) {
        let mut whole = [0; size_of::<u128>()];
        let (low, _) = whole.split_at_mut(HANDLE);
        low.copy_from_slice(&self.0);
        let whole = u128::from_le_bytes(whole);
        #[expect(clippy::cast_possible_truncation, reason = "the two parts of the number")]
        (whole as u64, (whole >> 64) as u32)
    }
}

/// The first bytes of an array that has more.
fn first<const BYTES: usize, const ALL: usize>(all: &[u8; ALL]) -> [u8; BYTES] {
    const { assert!(BYTES <= ALL) };
    let mut bytes = [0; BYTES];
    bytes.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
    bytes
}

fn parse<const BYTES: usize>(text: &[u8], text_len: usize) -> Option<[u8; BYTES]> {
    if text.len() != text_len {
        return None;
    }
    let mut bytes = [0; BYTES];
    let written = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    (written == BYTES).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::OsRandom;

    #[test]
    fn an_id_is_parsed_from_its_own_text_and_debug_prints_nothing_of_it() {
        let id = SessionId::generate(&OsRandom).unwrap();
        let text = id.to_text();
        assert_eq!(text.len(), SessionId::TEXT_LEN);
        assert_eq!(SessionId::parse(text.as_bytes()), Some(id.clone()));
        assert_eq!(text.as_bytes(), id.to_ascii());
        assert_eq!(format!("{id:?}"), "SessionId(..)");
    }

    #[test]
    fn the_text_of_an_id_begins_with_its_handle() {
        let id = SessionId::generate(&OsRandom).unwrap();
        let handle = id.handle().to_text();
        assert_eq!(handle.len(), Handle::TEXT_LEN);
        assert!(id.to_text().starts_with(&handle));
        assert_eq!(Handle::parse(handle.as_bytes()), Some(id.handle()));
        assert_eq!(Handle::parse(b"short"), None);
        assert_eq!(Handle::parse(id.to_text().as_bytes()), None);
    }

    #[test]
    fn a_renewed_id_keeps_the_handle_and_nothing_of_the_secret() {
        let (id, fresh) = (
            SessionId::generate(&OsRandom).unwrap(),
            SessionId::generate(&OsRandom).unwrap(),
        );
        let renewed = id.with_secret_of(&fresh);
        assert_eq!(renewed.handle(), id.handle());
        assert_eq!(renewed.0[HANDLE..], fresh.0[HANDLE..]);
        assert!(!renewed.secret_hash().matches(id.secret_hash()));
    }

    #[test]
    fn one_secret_under_two_handles_has_two_hashes() {
        let (one, other) = (SessionId([1; 32]), SessionId([2; 32]));
        let moved = other.with_secret_of(&one);
        assert!(!moved.secret_hash().matches(one.secret_hash()));
        assert!(one.secret_hash().matches(SessionId([1; 32]).secret_hash()));
    }

    #[test]
    fn only_the_canonical_text_of_an_id_is_parsed() {
        let text = SessionId([0; 32]).to_text();
        assert!(SessionId::parse(text.as_bytes()).is_some());
        let mut alias = text.clone().into_bytes();
        *alias.last_mut().unwrap() = b'B';
        for wrong in [
            &alias[..],
            b"",
            b"=",
            &text.as_bytes()[..42],
            format!("{text}A").as_bytes(),
            format!("{text}=").as_bytes(),
            &[0xff; 43],
            &[b'+'; 43],
        ] {
            assert_eq!(SessionId::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_hash_of_a_secret_is_the_published_one_of_the_whole_id() {
        // SHA-256 of 32 zero bytes, FIPS 180-4.
        let expected = [
            0x66, 0x68, 0x7a, 0xad, 0xf8, 0x62, 0xbd, 0x77, 0x6c, 0x8f, 0xc1, 0x8b, 0x8e, 0x9f, 0x8e, 0x20,
        ];
        assert_eq!(SessionId([0; 32]).secret_hash().to_bytes(), expected);
    }
}
