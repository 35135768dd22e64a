//! Finding the process that has a directory open, without taking the lock: even for a moment that could keep a store from opening.

#[cfg(unix)]
use super::lock_text;
use super::lock_text::{field, read_text};
use std::fs::File;
use std::io;

/// The process that has a directory open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// No process.
    Nobody,
    /// A living process. What the lock file says of it may still be its predecessor's for a moment.
    Process {
        pid: Option<u32>,
        /// Seconds since 1970.
        started: Option<u64>,
        version: Option<String>,
    },
    /// The system does not say.
    Unknown,
}

/// Finds the holder from the lock file.
pub(super) fn find(opened: io::Result<File>) -> Holder {
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Holder::Nobody,
        Err(_) => return Holder::Unknown,
    };
    let Ok(text) = read_text(&mut file) else {
        // Some systems do not let a locked file be read.
        return if cfg!(unix) {
            Holder::Unknown
        } else {
            signed("", None)
        };
    };
    holder(&file, &text)
}

fn signed(text: &str, pid: Option<u32>) -> Holder {
    Holder::Process {
        pid,
        started: field(text, "started ").and_then(|started| started.parse().ok()),
        version: field(text, "version ").map(str::to_owned),
    }
}

/// The process that has the file locked; `text` is what its last owner wrote into it.
#[cfg(unix)]
fn holder(file: &File, text: &str) -> Holder {
    owner(file, lock_text::pid(text)).map_or(Holder::Nobody, |pid| signed(text, Some(pid)))
}

/// By the kernel's lock table; if that cannot be read, the last owner, if that process is alive.
#[cfg(target_os = "linux")]
fn owner(file: &File, signer: Option<u32>) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    match (std::fs::read_to_string("/proc/locks"), file.metadata()) {
        (Ok(locks), Ok(facts)) => {
            let device = (rustix::fs::major(facts.dev()), rustix::fs::minor(facts.dev()));
            in_table(&locks, device, facts.ino(), signer)
        }
        _ => signer.filter(|&signer| lives(signer)),
    }
}

/// There is no lock table: the last owner, if that process is alive.
#[cfg(all(unix, not(target_os = "linux")))]
fn owner(_file: &File, signer: Option<u32>) -> Option<u32> {
    signer.filter(|&signer| lives(signer))
}

/// On these systems a file that can be read is not locked.
#[cfg(not(unix))]
fn holder(_file: &File, _text: &str) -> Holder {
    Holder::Nobody
}

#[cfg(unix)]
fn lives(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// The holder's process id in the kernel's lock table, whose lines are like `1: FLOCK  ADVISORY  WRITE 4711 fe:00:9978018 0 EOF`. The
/// device in it may differ from the file's (overlays, subvolumes): then only the process that signed the file counts.
#[cfg(target_os = "linux")]
fn in_table(locks: &str, device: (u32, u32), inode: u64, signer: Option<u32>) -> Option<u32> {
    let place = format!("{:02x}:{:02x}:{inode}", device.0, device.1);
    let elsewhere = format!(":{inode}");
    locks.lines().find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let is_lock = fields.next()? == "FLOCK" && fields.nth(1)? == "WRITE";
        let (pid, there) = (fields.next()?.parse().ok()?, fields.next()?);
        let is_ours = there == place || there.ends_with(&elsewhere) && Some(pid) == signer;
        (is_lock && is_ours).then_some(pid)
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::disk::{DirLock, RealDisk};

    #[test]
    fn the_holder_is_found_without_locking_or_changing_anything() {
        let directory = tempfile::tempdir().unwrap();
        let disk = RealDisk::open(directory.path()).unwrap();
        assert_eq!(disk.holder(), Holder::Nobody);
        let mut lock = DirLock::acquire(&disk).unwrap();
        lock.sign(&format!(
            "pid {}\nstarted 12\nversion 0.1.0\n",
            std::process::id()
        ))
        .unwrap();
        let us = Holder::Process {
            pid: Some(std::process::id()),
            started: Some(12),
            version: Some("0.1.0".to_owned()),
        };
        assert_eq!(disk.holder(), us);
        drop(lock);
        assert_eq!(disk.holder(), Holder::Nobody, "the lock was released");
    }

    #[test]
    fn the_kernels_table_is_read_by_inode_and_signature() {
        let locks = "1: POSIX  ADVISORY  WRITE 1 fe:00:77 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 2 fe:00:77 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 5 fe:00:78 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 3 fe:01:80 0 EOF\n\
                     4: FLOCK  ADVISORY  READ  4 fe:00:79 0 EOF\n";
        let here = |inode, signer| in_table(locks, (0xfe, 0), inode, signer);
        assert_eq!(here(77, None), Some(2));
        assert_eq!(here(77, Some(9)), Some(2));
        assert_eq!(here(78, None), None, "only waiting for the lock");
        assert_eq!(here(79, None), None, "a shared lock");
        assert_eq!(here(80, None), None, "on another device");
        assert_eq!(here(80, Some(3)), Some(3));
        assert_eq!(here(8, Some(2)), None);
    }
}
