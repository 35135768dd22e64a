//! Directories in which no store can be opened: the error is typed and names the path and the fix, and nothing is changed there.

use crate::child;
use crate::full::{Mount, fill};
use crate::kit::{Row, close, create, opened, tool, try_open};
use crate::owners::everything;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

fn directory(path: &Path, mode: u32) {
    fs::create_dir(path).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Asserts that an opening fails with an error that contains these words. Returns the files changed in the directory `around`.
fn refused(path: &Path, around: &Path, words: &str) -> Vec<String> {
    let before = everything(around);
    let error = try_open(path)
        .err()
        .unwrap_or_else(|| panic!("{} opened", path.display()));
    let text = error.to_string();
    assert_eq!(error.code(), "ERR_SESSION_PATH", "{text}");
    assert!(
        text.contains(words) && text.contains(&path.display().to_string()),
        "{text}"
    );
    let changed = everything(around)
        .into_iter()
        .filter(|file| !before.contains(file));
    changed.map(|(name, ..)| name).collect()
}

pub fn run(_: u64) -> Result<Row, String> {
    let temporary = tempfile::tempdir().unwrap();
    let at = temporary.path();
    let nothing = Vec::<String>::new();
    fs::write(at.join("file"), "x").unwrap();
    assert_eq!(refused(&at.join("file"), at, "is not a directory"), nothing);
    directory(&at.join("target"), 0o700);
    symlink(at.join("target"), at.join("link")).unwrap();
    assert_eq!(
        refused(&at.join("link"), &at.join("target"), "give the directory itself"),
        nothing
    );
    directory(&at.join("writable"), 0o777);
    assert_eq!(
        refused(&at.join("writable"), &at.join("writable"), "chmod 700"),
        nothing
    );
    assert_eq!(refused(&at.join("a/b"), at, "create that first"), nothing);
    full_disk(at)?;
    other_user(at)?;
    Ok(Row {
        faults: 10,
        checked: 50,
    })
}

/// A full disk. The directory's time may differ, and there may be an empty lock file. Once, each attempt left half a segment behind, and
/// the lock file named the process that had tried last.
fn full_disk(at: &Path) -> Result<(), String> {
    let mount = Mount::new("-t tmpfs -o size=1m,mode=700 agai", &at.join("full"))?;
    let path = mount.0.join("sessions.data");
    let store = opened(&path);
    for n in 0..50 {
        create(&store, n).unwrap();
    }
    close(&store);
    drop(store);
    let fresh = mount.0.join("fresh");
    directory(&fresh, 0o700);
    fill(&mount.0.join("ballast"));
    for path in [&path, &path, &path, &fresh] {
        let changed = refused(path, path, "its file system is full");
        let is_new = path == &fresh;
        let may_change = |name: &String| name == "." || is_new && name == "LOCK";
        assert!(changed.iter().all(may_change), "{changed:?}");
    }
    fs::remove_file(mount.0.join("ballast")).unwrap();
    assert_eq!(opened(&path).stats().unwrap().sessions, 50);
    drop(opened(&fresh));
    Ok(())
}

/// A directory of another user, and an own one without the permission to write.
fn other_user(at: &Path) -> Result<(), String> {
    tool("setpriv --version")?;
    fs::set_permissions(at, Permissions::from_mode(0o755)).unwrap();
    let program = at.join("child");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    for (owner, mode, words) in [
        ("root", 0o755, "belongs to user 0"),
        ("65534", 0o500, "permission"),
    ] {
        let path = at.join(format!("of-{owner}"));
        directory(&path, mode);
        tool(&format!("chown {owner} {}", path.display()))?;
        let before = everything(&path);
        let output = std::process::Command::new("setpriv")
            .args(["--reuid=65534", "--clear-groups"])
            .arg(&program)
            .env(child::ROLE, "try")
            .env("AGAI_DIR", &path)
            .output()
            .unwrap();
        let answer = String::from_utf8(output.stdout).unwrap();
        assert!(
            answer.starts_with("ERR_SESSION_PATH") && answer.contains(words),
            "{answer}"
        );
        assert!(everything(&path) == before);
    }
    Ok(())
}
