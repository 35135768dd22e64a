//! What a session's logins say of it beyond the user and the time.
//!
//! | tag | value |
//! | --- | --- |
//! | `STANDING` | epoch, u32; level, with the bit 0x80 for a session that is remembered |
//! | `METHODS` | names of the methods with commas between them |
//!
//! A tag with what a plain login or a guest's session has is left out, so most sessions have neither.

use crate::model::ext;

/// Levels of authentication: 0 for a guest, then those of NIST SP 800-63B-4.
pub const MAX_LEVEL: u8 = 3;
/// Longest list of methods, in bytes: eight names of 32 letters, with commas.
pub const MAX_METHODS: usize = 8 * 33 - 1;

const REMEMBERED: u8 = 0x80;

/// How sure a login is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assurance<'a> {
    /// 1 to [`MAX_LEVEL`].
    pub level: u8,
    /// Whether the client keeps its cookie when the browser is closed.
    pub remembered: bool,
    /// ASCII, with commas between the names; at most [`MAX_METHODS`].
    pub methods: &'a [u8],
}

impl Assurance<'static> {
    /// That of a plain login.
    pub const PLAIN: Self = Self {
        level: 1,
        remembered: false,
        methods: b"",
    };
}

/// The standing of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing<'a> {
    /// How often the session got a new secret by a login, a `regenerate` or changed credentials, the first login included. Tokens that hang on
    /// an epoch are void in the next.
    pub epoch: u32,
    /// `None` for a guest.
    pub assurance: Option<Assurance<'a>>,
}

impl<'a> Standing<'a> {
    /// That of a session which begins now.
    #[must_use]
    pub fn first(assurance: Option<Assurance<'a>>) -> Self {
        Self {
            epoch: assurance.is_some().into(),
            assurance,
        }
    }

    /// That of a session with this ext field.
    #[must_use]
    pub fn of(ext: &'a [u8], is_user: bool) -> Self {
        let plain = Self::first(is_user.then_some(Assurance::PLAIN));
        let Some((epoch, flags)) = ext::value(ext, ext::STANDING).and_then(parts) else {
            return plain;
        };
        let assurance = Assurance {
            level: flags & !REMEMBERED,
            remembered: flags & REMEMBERED != 0,
            methods: ext::value(ext, ext::METHODS).unwrap_or_default(),
        };
        Self {
            epoch,
            assurance: is_user.then_some(assurance),
        }
    }

    /// Whether the standing in an ext field is one that a store can have written.
    #[must_use]
    pub fn is_sound(ext: &[u8]) -> bool {
        let is_known = |value| parts(value).is_some_and(|(_, flags)| flags & !REMEMBERED <= MAX_LEVEL);
        let methods = ext::value(ext, ext::METHODS).unwrap_or_default();
        ext::value(ext, ext::STANDING).is_none_or(is_known)
            && methods.len() <= MAX_METHODS
            && methods.is_ascii()
    }

    /// The next epoch, with the assurance of a login if this is one.
    #[must_use]
    pub fn renewed(self, login: Option<Assurance<'a>>) -> Self {
        Self {
            epoch: self.epoch.saturating_add(1),
            assurance: login.or(self.assurance),
        }
    }

    /// The ext field with this standing.
    #[must_use]
    pub fn write(&self, ext: &[u8]) -> Vec<u8> {
        let Assurance {
            level,
            remembered,
            methods,
        } = self.assurance.unwrap_or(Assurance {
            level: 0,
            ..Assurance::PLAIN
        });
        let is_plain = *self == Self::first(self.assurance.map(|_| Assurance::PLAIN));
        if is_plain && ext.is_empty() {
            return Vec::new();
        }
        let mut value = Vec::new();
        if !is_plain {
            value.extend_from_slice(&self.epoch.to_le_bytes());
            value.push(level | if remembered { REMEMBERED } else { 0 });
        }
        let ext = ext::with(ext, ext::STANDING, &value);
        ext::with(&ext, ext::METHODS, methods)
    }
}

/// Epoch and flags.
fn parts(value: &[u8]) -> Option<(u32, u8)> {
    let (epoch, [flags]) = value.split_first_chunk()? else {
        return None;
    };
    Some((u32::from_le_bytes(*epoch), *flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_plain_takes_no_byte() {
        let strong = Assurance {
            level: 3,
            remembered: true,
            methods: b"pwd,hwk",
        };
        let guest = Standing::first(None);
        let plain = Standing::first(Some(Assurance::PLAIN));
        assert_eq!((guest.epoch, plain.epoch), (0, 1));
        for standing in [guest, plain] {
            assert_eq!(standing.write(b""), b"");
        }
        let other = ext::with(&[], 9, b"later");
        for standing in [
            guest,
            plain,
            guest.renewed(None),
            plain.renewed(None),
            plain.renewed(Some(strong)),
            Standing::first(Some(strong)),
        ] {
            let ext = standing.write(&other);
            assert!(Standing::is_sound(&ext));
            assert_eq!(Standing::of(&ext, standing.assurance.is_some()), standing);
            assert_eq!(ext::value(&ext, 9), Some(&b"later"[..]));
        }
        let strong = plain.renewed(Some(strong)).write(&other);
        let plain_again = Standing::of(&strong, true).renewed(Some(Assurance::PLAIN));
        assert_eq!(
            (plain_again.epoch, plain_again.assurance),
            (3, Some(Assurance::PLAIN))
        );
        assert_eq!(ext::value(&plain_again.write(&strong), ext::METHODS), None);
    }

    #[test]
    fn what_no_store_can_have_written_is_not_sound() {
        let standing = |value: &[u8]| Standing::is_sound(&ext::with(&[], ext::STANDING, value));
        assert!(standing(&[1, 0, 0, 0, 3]) && standing(&[1, 0, 0, 0, 0x83]));
        assert!(!standing(&[1, 0, 0, 0, 4]) && !standing(&[1, 0, 0, 0]) && !standing(&[1, 0, 0, 0, 1, 0]));
        let methods = |value: &[u8]| Standing::is_sound(&ext::with(&[], ext::METHODS, value));
        assert!(methods(b"pwd") && methods(&[b'a'; MAX_METHODS]));
        assert!(!methods(&[b'a'; MAX_METHODS + 1]) && !methods(b"p\xffd"));
    }
}
