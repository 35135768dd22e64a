//! Tests of the real directory, and of the contract that every disk meets.

use super::*;
use crate::testing::disk::{Crash, DiskFault, Failure, SimulatedDisk, Stop};
use std::fs;
use std::path::Path;

fn read(disk: &dyn Disk, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut source = disk.open(name).unwrap();
    source.read_to_end(&mut bytes).unwrap();
    assert_eq!(source.len(), bytes.len() as u64);
    bytes
}

fn kind<T>(result: io::Result<T>) -> io::ErrorKind {
    result.err().unwrap().kind()
}

fn real() -> (tempfile::TempDir, RealDisk) {
    let folder = tempfile::tempdir().unwrap();
    let disk = RealDisk::open(&folder.path().join("data")).unwrap();
    (folder, disk)
}

fn contract(disk: &dyn Disk) {
    let mut file = disk.create("log").unwrap();
    file.write_all(b"one two").unwrap();
    file.sync().unwrap();
    file.cut(4).unwrap();
    file.write_all(b"three").unwrap();
    assert_eq!(kind(file.cut(10)), io::ErrorKind::InvalidInput);
    assert_eq!(read(disk, "log"), b"one three");
    assert_eq!(kind(disk.create("log").map(drop)), io::ErrorKind::AlreadyExists);
    disk.cut("log", 3).unwrap();
    assert_eq!(kind(disk.cut("log", 4)), io::ErrorKind::InvalidInput);
    file.write_all(b"!").unwrap();
    assert_eq!(read(disk, "log"), b"one!");

    replace(disk, "also", b"new").unwrap();
    disk.rename("also", "log").unwrap();
    disk.sync_dir().unwrap();
    assert_eq!(read(disk, "log"), b"new");
    assert_eq!(disk.list().unwrap(), ["log"]);
    file.write_all(b"to a file without a name").unwrap();
    disk.remove("log").unwrap();
    assert_eq!(disk.list().unwrap(), [""; 0]);

    let missing = io::ErrorKind::NotFound;
    assert_eq!(kind(disk.open("log").map(drop)), missing);
    assert_eq!(kind(disk.cut("log", 0)), missing);
    assert_eq!(kind(disk.rename("log", "other")), missing);
    assert_eq!(kind(disk.remove("log")), missing);
    for name in ["", ".", "..", "a/b", "../a", "/a", "a\0"] {
        assert_eq!(kind(disk.create(name).map(drop)), io::ErrorKind::InvalidInput);
        assert_eq!(kind(disk.open(name).map(drop)), io::ErrorKind::InvalidInput);
        assert_eq!(kind(disk.rename(name, "b")), io::ErrorKind::InvalidInput);
    }
}

#[test]
fn the_real_and_the_simulated_disk_meet_the_same_contract() {
    contract(&real().1);
    contract(&SimulatedDisk::new());
}

#[test]
fn replacing_leaves_no_temporary_file_and_removes_a_stale_one() {
    let (_folder, disk) = real();
    disk.create("tmp-name").unwrap().write_all(b"stale").unwrap();
    replace(&disk, "name", b"first").unwrap();
    replace(&disk, "name", b"second").unwrap();
    assert_eq!(read(&disk, "name"), b"second");
    assert_eq!(disk.list().unwrap(), ["name"]);
}

#[test]
fn replacing_is_all_or_nothing_wherever_the_power_fails() {
    let (old, new) = (vec![1; 3000], vec![2; 5000]);
    for n in 1..=7 {
        for seed in 0..200 {
            let disk = SimulatedDisk::new();
            disk.put("name", &old);
            disk.short_writes(seed);
            disk.stop_at(n, Stop::Within { seed });
            let done = replace(&disk, "name", &new);
            let after = disk.crash(seed, Crash::PowerCut).contents("name").unwrap();
            assert!(
                after == new || (done.is_err() && after == old),
                "at {n}, seed {seed}"
            );
        }
    }
}

#[test]
fn replacing_cleans_up_after_an_error() {
    for n in 2..=5 {
        let disk = SimulatedDisk::new();
        disk.put("name", b"old");
        let failure = Failure {
            error: DiskFault::NoSpace,
            sticky: false,
            only: None,
        };
        disk.fail_at(n, failure);
        assert_eq!(kind(replace(&disk, "name", b"new")), io::ErrorKind::StorageFull);
        assert_eq!(disk.list().unwrap(), ["name"]);
        assert_eq!(disk.contents("name").unwrap(), b"old");
    }
}

#[test]
fn the_lock_is_refused_to_a_second_opening_in_the_same_process_and_names_the_owner() {
    let (folder, disk) = real();
    assert_eq!(read_lock(&disk).unwrap(), None);
    let mut lock = DirLock::acquire(&disk).unwrap();
    assert_eq!(read_lock(&disk).unwrap().unwrap(), "");
    lock.sign("pid 1234567\nstarted 1\nversion 1.0.0\n").unwrap();
    lock.sign("pid 4321\nstarted 2\n").unwrap();
    let other = RealDisk::open(&folder.path().join("data")).unwrap();
    let refused = DirLock::acquire(&other).unwrap_err();
    assert_eq!(refused.to_string(), "the directory is in use by process 4321");
    let LockError::Held { pid, text } = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((pid, text.as_str()), (Some(4321), "pid 4321\nstarted 2\n"));
    drop(lock);
    let _lock = DirLock::acquire(&other).unwrap();
    assert_eq!(
        read_lock(&other).unwrap().unwrap(),
        text,
        "taking it changes no byte"
    );
}

#[test]
fn a_lock_file_without_an_owner_does_not_keep_the_lock_from_being_taken() {
    let (_folder, disk) = real();
    disk.create("LOCK")
        .unwrap()
        .write_all(b"pid 1\nstarted 1\n")
        .unwrap();
    DirLock::acquire(&disk).unwrap();
}

#[test]
fn a_file_is_refused_as_a_directory_and_a_missing_parent_is_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let refused = RealDisk::open(&path).unwrap_err();
        assert!(matches!(refused, DirError::NotADirectory { .. }), "{refused:?}");
    }
    let missing = folder.path().join("a/b");
    for refused in [
        RealDisk::open(&missing),
        RealDisk::open_existing(&folder.path().join("a")),
    ] {
        assert!(matches!(refused, Err(DirError::Missing { .. })));
    }
    assert!(!folder.path().join("a").exists());
    assert!(matches!(
        RealDisk::open(Path::new("")),
        Err(DirError::Missing { .. })
    ));
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn what_it_creates_is_accessible_to_its_owner_alone() {
        let (folder, disk) = real();
        let path = folder.path().join("data");
        let _lock = DirLock::acquire(&disk).unwrap();
        drop(disk.create("log").unwrap());
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join("log")), 0o600);
        assert_eq!(mode(&path.join("LOCK")), 0o600);
        let facts = fs::metadata(&path).unwrap();
        assert_eq!(disk.identity(), (facts.dev(), facts.ino()));
    }

    #[test]
    fn a_symlink_is_not_followed_to_a_directory() {
        let (folder, _disk) = real();
        let link = folder.path().join("link");
        symlink(folder.path().join("data"), &link).unwrap();
        for path in [link.clone(), link.join(""), link.join(".")] {
            for refused in [RealDisk::open(&path), RealDisk::open_existing(&path)] {
                assert!(matches!(refused, Err(DirError::Symlink { .. })), "{path:?}");
            }
        }
        let dangling = folder.path().join("dangling");
        symlink("nowhere", &dangling).unwrap();
        let refused = RealDisk::open(&dangling).unwrap_err();
        assert!(matches!(refused, DirError::Symlink { .. }), "{refused:?}");
    }

    #[test]
    fn a_symlink_is_not_followed_to_a_file() {
        let (folder, disk) = real();
        let target = folder.path().join("target");
        fs::write(&target, "kept").unwrap();
        for name in ["log", "LOCK"] {
            symlink(&target, folder.path().join("data").join(name)).unwrap();
        }
        assert!(disk.open("log").is_err());
        assert!(disk.cut("log", 0).is_err());
        assert_eq!(kind(disk.create("log").map(drop)), io::ErrorKind::AlreadyExists);
        assert!(matches!(DirLock::acquire(&disk), Err(LockError::Io { .. })));
        replace(&disk, "log", b"mine").unwrap();
        assert_eq!(read(&disk, "log"), b"mine");
        assert_eq!(fs::read(&target).unwrap(), b"kept");
    }

    #[test]
    fn a_pipe_in_place_of_a_file_is_refused_without_waiting() {
        let (folder, disk) = real();
        let path = folder.path().join("data/log");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        assert_eq!(kind(disk.open("log").map(drop)), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_refused_with_the_fix() {
        let (folder, _disk) = real();
        let path = folder.path().join("data");
        for bits in [0o777, 0o720, 0o702] {
            fs::set_permissions(&path, fs::Permissions::from_mode(bits)).unwrap();
            let refused = RealDisk::open(&path).unwrap_err().to_string();
            assert!(refused.contains(&format!("{bits:04o}")), "{refused}");
            assert!(
                refused.ends_with(&format!("chmod 700 {}", path.display())),
                "{refused}"
            );
            RealDisk::open_existing(&path).unwrap();
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        RealDisk::open(&path).unwrap();
    }

    #[test]
    fn another_users_directory_is_refused_even_to_root() {
        let (folder, _disk) = real();
        let path = folder.path().join("data");
        if chown(&path, Some(1), None).is_err() {
            return; // Only root can give a directory away.
        }
        let refused = RealDisk::open(&path).unwrap_err();
        assert!(
            matches!(
                refused,
                DirError::Foreign {
                    owner: 1,
                    user: 0,
                    ..
                }
            ),
            "{refused:?}"
        );
        RealDisk::open_existing(&path).unwrap();
    }

    #[test]
    fn a_directory_that_is_renamed_stays_the_one_that_was_opened() {
        let (folder, disk) = real();
        let (path, away) = (folder.path().join("data"), folder.path().join("away"));
        fs::rename(&path, &away).unwrap();
        fs::create_dir(&path).unwrap();
        replace(&disk, "name", b"here").unwrap();
        assert_eq!(fs::read(away.join("name")).unwrap(), b"here");
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    }
}
