//! Disks that are full for a while: what ends sessions gets through, memory goes on, and with room all of it is on the disk.

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

/// A file system that is unmounted at the end.
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

/// Takes all the room there is.
pub fn fill(at: &Path) {
    let mut ballast = File::create(at).unwrap();
    for size in [1 << 16, 1 << 12, 1 << 9, 1] {
        while ballast.write_all(&vec![1; size]).is_ok() {}
    }
}

/// What a kill would leave, opened elsewhere.
fn as_if_killed(path: &Path) -> (StoreHandle, tempfile::TempDir) {
    let copy = tempfile::tempdir().unwrap();
    for (name, bytes) in at_one_moment(path) {
        fs::write(copy.path().join(name), bytes).unwrap();
    }
    (opened(copy.path()), copy)
}

/// The files of a directory in which a store may be trying to heal: read twice, until both times say the same.
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

/// Creates until one does not get through.
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

/// Whoever destroyed a session while a try to heal was under way waited for ever. A store that healed with the last room that there was
/// never set any aside again, so that the next time destroys failed.
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
        // Destroys get through all the while, those that meet a try to heal too.
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
        assert!(is_gone(&copy), "acknowledged, and came back");
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
        until("there is room set aside again", || path.join("reserve").exists());
        let mut news = std::iter::from_fn(|| store.take_news());
        assert!(news.any(|news| matches!(news, News::Healed(_))), "it is told");
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

/// The child whose files may not grow beyond a limit, until its parent lifts it.
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
        // The end of the log's file may be too near for some: then they fail, and are not acknowledged.
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

/// A log that was lost while the disk was full was never tried to be healed: the journal's thread went to sleep without a time to
/// wake up, and who waited for a write waited for ever.
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

/// The system does not let a file system become read-only under files that are open for writing, so the store only meets it at the
/// opening.
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
