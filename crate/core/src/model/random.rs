//! The source of random bytes as an interface, so that a test can force two ids to be equal.

use crate::model::error::Error;

/// A source of random bytes.
pub trait Random: Send + Sync {
    /// Fills all of `bytes`.
    ///
    /// # Errors
    /// [`Error::Random`] if the source has none to give.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error>;
}

/// The key under which a store's tokens are made.
pub type TokenKey = [u8; 32];

/// Makes a key.
///
/// # Errors
/// [`Error::Random`].
pub fn token_key(random: &dyn Random) -> Result<TokenKey, Error> {
    let mut key = TokenKey::default();
    random.fill(&mut key)?;
    Ok(key)
}

/// The operating system's random generator, called once for each id.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(bytes).map_err(|source| Error::Random { source })
    }
}
