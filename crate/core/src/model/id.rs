//! The three names of a session: the secret id, the key it is stored under, the handle that is safe to show.

use crate::memory::slab::Slot;
use crate::model::error::Error;
use crate::model::random::Random;
use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt;

/// The secret that the client's cookie carries: 256 bits of the operating system's randomness, 43 characters of
/// base64url. Whoever knows it is the session's owner, so `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId([u8; 32]);

impl SessionId {
    /// Characters of the text form.
    pub const TEXT_LEN: usize = 43;

    /// # Errors
    /// [`Error::Random`] when the operating system has no randomness to give.
    pub fn generate(random: &dyn Random) -> Result<Self, Error> {
        let mut bytes = [0; 32];
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Reads the text form; `None` for any other length, alphabet, padding or a non-canonical last character.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != Self::TEXT_LEN {
            return None;
        }
        let mut bytes = [0; 32];
        let written = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        (written == bytes.len()).then_some(Self(bytes))
    }

    /// The text form, for the cookie alone.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    #[must_use]
    pub fn key(&self) -> SessionKey {
        let digest = Sha256::digest(self.0);
        let mut key = [0; 16];
        key.copy_from_slice(digest.get(..16).unwrap_or(&[0; 16]));
        SessionKey(key)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(..)")
    }
}

/// What a session is stored under: the first 128 bits of its id's SHA-256. It cannot be turned back into the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey([u8; 16]);

impl SessionKey {
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Two independent, uniform halves: no second hashing is needed.
    pub(crate) fn halves(&self) -> (u64, u64) {
        let whole = u128::from_le_bytes(self.0);
        #[expect(clippy::cast_possible_truncation, reason = "the two halves of the number")]
        (whole as u64, (whole >> 64) as u64)
    }
}

/// A session's public name: safe in logs, events and admin pages, the same for the session's whole life, and of no
/// use as a cookie. 22 characters of base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Handle([u8; 16]);

impl Handle {
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; 16];
        let written = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        (written == bytes.len()).then_some(Self(bytes))
    }

    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

/// Turns slots into handles and back with one AES block under the store's own key: nothing is stored for a handle,
/// it says nothing of how many sessions there are, and 64 bits of padding make a forged one fail.
pub(crate) struct HandleCipher(Aes128);

impl HandleCipher {
    /// A new key for [`HandleCipher::new`].
    pub(crate) fn generate_key(random: &dyn Random) -> Result<[u8; 16], Error> {
        let mut key = [0; 16];
        random.fill(&mut key)?;
        Ok(key)
    }

    pub(crate) fn new(key: [u8; 16]) -> Self {
        Self(Aes128::new(&key.into()))
    }

    pub(crate) fn seal(&self, slot: Slot) -> Handle {
        let plain = u128::from(slot.index) << 32 | u128::from(slot.generation);
        let mut block = plain.to_le_bytes().into();
        self.0.encrypt_block(&mut block);
        Handle(block.into())
    }

    pub(crate) fn open(&self, handle: Handle) -> Option<Slot> {
        let mut block = handle.0.into();
        self.0.decrypt_block(&mut block);
        let plain = u128::from_le_bytes(block.into());
        let index = u32::try_from(plain >> 32).ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "the low half of the number")]
        let generation = plain as u32;
        Some(Slot { index, generation })
    }
}

impl fmt::Debug for HandleCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandleCipher(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random::OsRandom;

    #[test]
    fn an_id_survives_its_text_form_and_shows_nothing_in_debug() {
        let id = SessionId::generate(&OsRandom).unwrap();
        let text = id.to_text();
        assert_eq!(text.len(), SessionId::TEXT_LEN);
        assert_eq!(SessionId::parse(text.as_bytes()), Some(id.clone()));
        assert_eq!(format!("{id:?}"), "SessionId(..)");
        assert_ne!(id.key(), SessionId::generate(&OsRandom).unwrap().key());
    }

    #[test]
    fn only_the_one_canonical_text_of_an_id_is_read() {
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
    fn the_key_is_the_published_hash_of_the_id() {
        // SHA-256 of 32 zero bytes, FIPS 180-4.
        let expected = [
            0x66, 0x68, 0x7a, 0xad, 0xf8, 0x62, 0xbd, 0x77, 0x6c, 0x8f, 0xc1, 0x8b, 0x8e, 0x9f, 0x8e, 0x20,
        ];
        assert_eq!(SessionId([0; 32]).key(), SessionKey(expected));
    }

    #[test]
    fn a_handle_opens_only_under_its_own_store() {
        let (ours, theirs) = (HandleCipher::new([1; 16]), HandleCipher::new([2; 16]));
        let slot = Slot {
            index: 7,
            generation: u32::MAX,
        };
        let handle = ours.seal(slot);
        assert_eq!(ours.open(handle), Some(slot));
        assert_eq!(theirs.open(handle), None);
        assert_eq!(Handle::parse(handle.to_text().as_bytes()), Some(handle));
        assert_eq!(Handle::parse(b"short"), None);
    }
}
