//! The text in the lock file, which names the owner in lines: `pid N`, `started N`, `version X`.

use super::{Disk, Source};
use std::io::{self, Read};

/// The name of the lock file.
pub(super) const NAME: &str = "LOCK";

/// Bytes read at most: more than the text ever has, because the file may hold anything.
const MAX_TEXT: u64 = 1024;

/// Reads the text, whether or not its owner is alive; `None` if there is no lock file.
///
/// # Errors
/// The system's error.
pub fn read_lock(disk: &dyn Disk) -> io::Result<Option<String>> {
    match disk.open(NAME) {
        Ok(mut source) => read_text::<dyn Source>(&mut *source).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn read_text<R: Read + ?Sized>(source: &mut R) -> io::Result<String> {
    let mut bytes = Vec::new();
    source.take(MAX_TEXT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The owner's process id.
pub(super) fn pid(text: &str) -> Option<u32> {
    field(text, "pid ")?.parse().ok()
}

/// The rest of the line that begins with `name`.
pub(super) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .map(str::trim)
}
