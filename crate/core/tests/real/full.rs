//! Disks that are full for a while: ends of sessions are written, the store goes on in memory, and with room again everything is written.

use crate::child::{self, say};
use crate::kit::{
    Model, Row, Until, close, create, need_root, number, opened, parts, tool, try_open, until, wait,
};
use crate::owners::everything;
use agai_session_core::face::open::open;
use agai_session_core::lock::status::{Health, News};
use agai_session_core::model::durability::Durability;
use agai_session_core::{Error, Reason, SessionId, StoreHandle};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A mounted file system, unmounted on drop.
pub struct Mount(pub PathBuf);

impl Mount {
    pub fn new(what: &str, at: &Path) -> Result<Self, String> {
        need_root()?;
        fs::create_dir_all(at).unwrap();
        tool(&format!("mount {what} {}", at.display()))?;
        Ok(Self(at.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let unmounted = tool(&format!("umount {0} || umount -l {0}", self.0.display()));
        assert!(unmounted.is_ok() || std::thread::panicking(), "{unmounted:?}");
    }
}

/// Takes all the free space with one file.
pub fn fill(at: &Path) {
    let mut ballast = File::create(at).unwrap();
    for size in [1 << 16, 1 << 12, 1 << 9, 1] {
        while ballast.write_all(&vec![1; size]).is_ok() {}
    }
}

/// Opens a copy of the files that a kill would leave.
fn as_if_killed(path: &Path) -> (StoreHandle, tempfile::TempDir) {
    let copy = tempfile::tempdir().unwrap();
    for (name, bytes) in at_one_moment(path) {
        fs::write(copy.path().join(name), bytes).unwrap();
    }
    (opened(copy.path()), copy)
}

/// The files of a directory in which a store may be trying to heal: read until two readings are the same.
fn at_one_moment(path: &Path) -> Vec<(OsString, Vec<u8>)> {
    let read = || {
        let mut all = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            all.push((entry.file_name(), fs::read(entry.path())?));
        }
        all.sort();
        std::io::Result::Ok(all)
    };
    let mut all = read().ok();
    until("the files stay as they are", || {
        let before = std::mem::replace(&mut all, read().ok());
        all.is_some() && before == all
    });
    all.unwrap()
}

/// Creates sessions until one is not written. Returns all, each with its number and whether it was written.
fn write_until_it_fails(store: &StoreHandle) -> Vec<(SessionId, u64, bool)> {
    let mut all = Vec::new();
    for n in 0..100_000 {
        let id = create(store, n).unwrap();
        let is_written = wait(store, Until::Written);
        all.push((id, n, is_written));
        if !is_written {
            let error = store.io_error().expect("the error is kept");
            assert_eq!(error.code(), "ERR_SESSION_IO", "{error}");
            return all;
        }
    }
    panic!("the disk did not fill up");
}

/// A destroy during an attempt to heal waited for ever. A store that healed with the last free space never made its reserve again, so that
/// destroys failed the next time.
pub fn tmpfs(_: u64) -> Result<Row, String> {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().join("mount");
    let _mount = Mount::new("-t tmpfs -o size=2m,mode=700 agai", &at)?;
    let path = at.join("sessions.data");
    let (store, _) = open(&path, parts(Durability::Os, 1 << 30), &mut ()).unwrap();
    let mut row = Row::default();
    for round in 0..3 {
        let mut all: Vec<_> = (0..400).map(|n| (create(&store, n).unwrap(), n, true)).collect();
        let ballast = at.join("ballast");
        assert!(wait(&store, Until::Written));
        fill(&ballast);
        all.extend(write_until_it_fails(&store));
        assert_ne!(store.health(), Health::Healthy);
        // Destroys are written all the while, also during an attempt to heal.
        let started = Instant::now();
        let mut gone = Vec::new();
        while started.elapsed() < Duration::from_millis(900) && all.len() > 100 {
            let (id, ..) = all.swap_remove(all.len() / 2);
            assert!(store.destroy(&id, Reason::Logout).unwrap());
            assert!(wait(&store, Until::EndsSynced), "{:?}", store.io_error());
            gone.push(id);
            std::thread::sleep(Duration::from_millis(2));
        }
        let (copy, _copy) = as_if_killed(&path);
        let is_gone = |copy: &StoreHandle| gone.iter().all(|id| number(copy, id).is_none());
        assert!(is_gone(&copy), "an end that was acknowledged came back");
        let mut written = all.iter().filter(|(.., is_written)| *is_written);
        assert!(written.all(|(id, n, _)| number(&copy, id) == Some(*n)));
        assert!(
            all.iter().all(|(id, n, _)| number(&store, id) == Some(*n)),
            "memory has it"
        );
        match create(&store, 5) {
            Ok(id) => all.push((id, 5, false)),
            Err(error) => assert!(matches!(error, Error::Degraded), "{error}"),
        }
        fs::remove_file(&ballast).unwrap();
        until("it heals", || {
            let _ = store.flush();
            store.health() == Health::Healthy && wait(&store, Until::Synced)
        });
        until("the reserve is there again", || path.join("reserve").exists());
        let mut news = std::iter::from_fn(|| store.take_news());
        assert!(
            news.any(|news| matches!(news, News::Healed(_))),
            "the healing is reported"
        );
        let (copy, _copy) = as_if_killed(&path);
        for (id, n, _) in &all {
            assert_eq!(
                number(&copy, id),
                Some(*n),
                "round {round}: healed, but not on the disk"
            );
        }
        assert!(is_gone(&copy));
        row.checked += (all.len() + gone.len()) as u64;
        row.faults += 1;
        store.clear().unwrap();
    }
    Ok(row)
}

/// The child process whose files may not grow beyond a limit, until its parent lifts it.
pub fn limited(path: &Path) {
    let (store, _) = open(path, parts(Durability::Os, 1 << 30), &mut ()).unwrap();
    let all = write_until_it_fails(&store);
    let (ends, stay) = all.split_at(200);
    for (id, n, _) in all.iter().filter(|(.., is_written)| *is_written) {
        say(&format!("alive {} {n}", id.to_text()));
    }
    for (id, ..) in ends {
        say(&format!("try {}", id.to_text()));
        store.destroy(id, Reason::Logout).unwrap();
        // The limit may be too near for some: then they fail, and are not acknowledged.
        if wait(&store, Until::EndsSynced) {
            say(&format!("dead {}", id.to_text()));
        }
    }
    say("full");
    until("the limit is lifted", || store.health() == Health::Healthy);
    for (id, n, _) in stay {
        say(&format!("alive {} {n}", id.to_text()));
    }
    for (id, ..) in ends {
        say(&format!("dead {}", id.to_text()));
    }
    say("healed");
    std::thread::sleep(Duration::from_mins(1));
}

/// A log that was lost while the disk was full was never healed: the journal's thread slept without a deadline, and a call that waited for
/// a write waited for ever.
pub fn limit(_: u64) -> Result<Row, String> {
    tool("prlimit --version")?;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let me = child::command("limit", path);
    let program = me.get_program().display();
    let mut child = Command::new("sh")
        .args([
            "-c",
            &format!("trap '' XFSZ; exec prlimit --fsize=200000:unlimited {program}"),
        ])
        .envs(me.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut model = Model::default();
    let mut row = Row {
        faults: 1,
        checked: 0,
    };
    let mut is_healed = false;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        match line.unwrap().as_str() {
            "full" => tool(&format!("prlimit --pid {} --fsize=unlimited", child.id()))?,
            "healed" => {
                is_healed = true;
                break;
            }
            line => row.checked += u64::from(model.line(line)),
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_healed);
    model.check(&opened(path));
    Ok(row)
}

/// A file system cannot be remounted read-only while files are open for writing, so a store meets a read-only one only at its opening.
pub fn remount(_: u64) -> Result<Row, String> {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().join("mount");
    let _mount = Mount::new("-t tmpfs -o size=4m,mode=700 agai", &at)?;
    let path = at.join("sessions.data");
    let store = opened(&path);
    let id = create(&store, 1).unwrap();
    let remount = |how: &str| tool(&format!("mount -o remount,{how} {}", at.display()));
    let refused = remount("ro").expect_err("the log is open for writing");
    assert!(refused.contains("busy"), "{refused}");
    assert!(wait(&store, Until::Written));
    close(&store);
    remount("ro")?;
    let before = everything(&path);
    let error = try_open(&path).err().expect("read-only").to_string();
    assert!(
        error.contains("read-only") && error.contains("sessions.data"),
        "{error}"
    );
    assert!(everything(&path) == before);
    remount("rw")?;
    assert_eq!(number(&opened(&path), &id), Some(1));
    Ok(Row {
        faults: 1,
        checked: 1,
    })
}
