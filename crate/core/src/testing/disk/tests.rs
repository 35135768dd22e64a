//! The guarantees of the simulated disk, without which a crash campaign proves nothing.

use super::*;
use std::collections::BTreeSet;

const CUTS: [Crash; 3] = [
    Crash::PowerCut,
    Crash::PowerCutLosingAll,
    Crash::PowerCutLosingNothing,
];

/// Creates an empty file with a durable name, and returns it open.
fn opened(disk: &SimulatedDisk, name: &str) -> Box<dyn Sink> {
    let file = disk.create(name).unwrap();
    disk.sync_dir().unwrap();
    file
}

fn failure(error: DiskFault, only: Operation) -> Failure {
    Failure {
        error,
        sticky: false,
        only: Some(only),
    }
}

/// The contents that `name` may have after a power cut.
fn outcomes(disk: &SimulatedDisk, name: &str) -> BTreeSet<Option<Vec<u8>>> {
    let after = |seed| disk.crash(seed, Crash::PowerCut).contents(name);
    (0..2_000).map(after).collect()
}

#[test]
fn synced_content_under_a_synced_name_survives_every_power_cut() {
    let disk = SimulatedDisk::new();
    let mut file = opened(&disk, "log");
    file.write_all(b"kept").unwrap();
    file.sync().unwrap();
    for how in CUTS {
        assert_eq!(disk.crash(1, how).contents("log").unwrap(), b"kept");
    }
}

#[test]
fn a_synced_file_without_a_synced_name_may_be_gone() {
    let disk = SimulatedDisk::new();
    let mut file = disk.create("log").unwrap();
    file.write_all(b"kept").unwrap();
    file.sync().unwrap();
    assert_eq!(
        outcomes(&disk, "log"),
        BTreeSet::from([None, Some(b"kept".to_vec())])
    );
    assert_eq!(disk.crash(1, Crash::PowerCutLosingAll).contents("log"), None);
    disk.sync_dir().unwrap();
    assert_eq!(outcomes(&disk, "log"), BTreeSet::from([Some(b"kept".to_vec())]));
}

#[test]
fn a_killed_process_loses_nothing_and_makes_nothing_durable() {
    let disk = SimulatedDisk::new();
    let mut file = opened(&disk, "log");
    file.write_all(b"unsynced").unwrap();
    disk.rename("log", "moved").unwrap();
    let killed = disk.crash(1, Crash::KillProcess);
    assert_eq!(killed.contents("moved").unwrap(), b"unsynced");
    let cut = killed.crash(1, Crash::PowerCutLosingAll);
    assert_eq!(cut.contents("log").unwrap(), b"");
    file.write_all(b" and later").unwrap();
    assert_eq!(
        killed.contents("moved").unwrap(),
        b"unsynced",
        "the disks are independent"
    );
}

#[test]
fn any_sectors_of_unsynced_writes_may_survive() {
    let disk = SimulatedDisk::new();
    let mut file = opened(&disk, "log");
    file.write_all(&[1; 1000]).unwrap();
    file.sync().unwrap();
    file.write_all(&[2; 3000]).unwrap();
    file.write_all(&[3; 9000]).unwrap();
    let outcomes = outcomes(&disk, "log");
    let outcomes: Vec<Vec<u8>> = outcomes.into_iter().flatten().collect();
    for content in &outcomes {
        assert!((1000..=13_000).contains(&content.len()));
        assert!(content[..1000].iter().all(|byte| *byte == 1));
    }
    let any = |what: &str, test: &dyn Fn(&[u8]) -> bool| {
        assert!(outcomes.iter().any(|content| test(content)), "{what}");
    };
    any("nothing", &|content| content.len() == 1000);
    any("everything", &|content| {
        content.len() == 13_000 && content[12_999] == 3
    });
    any("a later write without the earlier one", &|content| {
        content[1000..].first() == Some(&0) && content.contains(&3)
    });
    any("a torn write", &|content| {
        content.get(4096) == Some(&3) && content.len() > 12_999 && content[12_288] != 3
    });
    any("sectors of 512", &|content| {
        content.get(4608) == Some(&3) && content[4607] != 3
    });
    any("junk", &|content| content.iter().any(|byte| *byte > 3));
}

#[test]
fn a_lost_sector_may_hold_old_bytes_of_another_file() {
    let disk = SimulatedDisk::new();
    disk.put("old", &[9; 8192]);
    let mut file = opened(&disk, "log");
    file.write_all(&[1; 8192]).unwrap();
    let found = outcomes(&disk, "log");
    assert!(
        found
            .iter()
            .flatten()
            .any(|content| content.starts_with(&[9; 512]))
    );
}

#[test]
fn a_cut_is_durable_only_after_a_sync() {
    let disk = SimulatedDisk::new();
    let mut file = opened(&disk, "log");
    file.write_all(&[1; 600]).unwrap();
    file.sync().unwrap();
    file.cut(100).unwrap();
    file.write_all(&[2; 100]).unwrap();
    assert_eq!(disk.contents("log").unwrap().len(), 200);
    let found: Vec<Vec<u8>> = outcomes(&disk, "log").into_iter().flatten().collect();
    assert!(found.iter().all(|content| (100..=600).contains(&content.len())));
    assert!(found.contains(&vec![1; 600]));
    assert!(found.iter().any(|content| content.ends_with(&[2; 100])));
    file.sync().unwrap();
    assert_eq!(outcomes(&disk, "log").len(), 1);

    disk.cut("log", 50).unwrap();
    assert_eq!(
        disk.crash(1, Crash::PowerCutLosingAll).contents("log"),
        Some(vec![1; 50])
    );
}

#[test]
fn a_rename_before_the_sync_shows_as_an_empty_or_torn_file() {
    let disk = SimulatedDisk::new();
    disk.put("name", b"old");
    let mut file = disk.create("tmp").unwrap();
    file.write_all(&[7; 2000]).unwrap();
    disk.rename("tmp", "name").unwrap();
    disk.sync_dir().unwrap();
    let found = outcomes(&disk, "name");
    assert!(found.contains(&Some(Vec::new())));
    assert!(
        found
            .iter()
            .flatten()
            .any(|content| { !content.is_empty() && *content != [7; 2000] })
    );
    assert!(!found.contains(&Some(b"old".to_vec())));
}

#[test]
fn unsynced_names_survive_in_any_order_that_keeps_each_names_history() {
    let disk = SimulatedDisk::new();
    disk.put("name", b"old");
    drop(disk.create("other").unwrap());
    let mut file = disk.create("tmp").unwrap();
    file.write_all(b"new").unwrap();
    file.sync().unwrap();
    disk.rename("tmp", "name").unwrap();
    disk.remove("name").unwrap();
    let after = |seed| {
        let after = disk.crash(seed, Crash::PowerCut);
        (after.list().unwrap().join(" "), after.contents("name"))
    };
    let found: BTreeSet<_> = (0..500).map(after).collect();
    let state = |names: &str, content: Option<&[u8]>| (names.to_owned(), content.map(Vec::from));
    let possible = BTreeSet::from([
        state("", None),
        state("name", Some(b"old")),
        state("name", Some(b"new")),
        state("name tmp", Some(b"old")),
        state("other", None),
        state("name other", Some(b"old")),
        state("name other", Some(b"new")),
        state("name other tmp", Some(b"old")),
    ]);
    assert_eq!(found, possible);
    assert_eq!(
        disk.crash(1, Crash::PowerCutLosingNothing).list().unwrap(),
        ["other"]
    );
}

#[test]
fn operations_that_change_the_disk_are_counted_and_reads_are_not() {
    let disk = SimulatedDisk::new();
    let mut file = opened(&disk, "a");
    file.write_all(b"abc").unwrap();
    file.sync().unwrap();
    file.cut(1).unwrap();
    disk.cut("a", 0).unwrap();
    disk.rename("a", "b").unwrap();
    disk.remove("b").unwrap();
    disk.put("c", b"");
    disk.open("c").unwrap();
    disk.list().unwrap();
    assert!(disk.remove("missing").is_err());
    assert_eq!(disk.operations(), 10);
    assert_eq!(disk.operations_of(Operation::Sync), 2);
    assert_eq!(disk.operations_of(Operation::Remove), 2);
    assert_eq!(disk.crash(1, Crash::KillProcess).operations(), 0);
}

#[test]
fn a_stopped_disk_does_nothing_more() {
    let disk = SimulatedDisk::new();
    let mut file = opened(&disk, "log");
    disk.stop_at(4, Stop::Before);
    file.write_all(b"before").unwrap();
    let error = file.write(b"after").unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string()),
        (io::ErrorKind::Other, "stopped".to_owned())
    );
    assert!(file.sync().is_err());
    assert!(disk.remove("log").is_err() && disk.sync_dir().is_err() && disk.create("new").is_err());
    assert_eq!(disk.contents("log").unwrap(), b"before");
    // A stop is not a failed sync: earlier writes can still become durable.
    assert_eq!(
        disk.crash(1, Crash::PowerCutLosingNothing).contents("log"),
        Some(b"before".to_vec())
    );
    let next = disk.crash(1, Crash::KillProcess);
    next.remove("log").unwrap();
}

#[test]
fn a_disk_stopped_within_a_write_holds_any_part_of_it() {
    let part = |seed| {
        let disk = SimulatedDisk::new();
        let mut file = opened(&disk, "log");
        disk.stop_at(3, Stop::Within { seed });
        assert!(file.write(b"abcd").is_err() && file.write(b"e").is_err());
        disk.contents("log").unwrap()
    };
    let parts: BTreeSet<Vec<u8>> = (0..100).map(part).collect();
    assert_eq!(parts, (0..=4).map(|len| b"abcd"[..len].to_vec()).collect());
}

#[test]
fn a_failure_happens_once_or_from_then_on_and_only_to_its_kind() {
    let disk = SimulatedDisk::new();
    let mut file = opened(&disk, "log");
    disk.fail_at(2, failure(DiskFault::NoSpace, Operation::Write));
    disk.fail_at(
        2,
        Failure {
            sticky: true,
            ..failure(DiskFault::Io, Operation::Cut)
        },
    );
    file.write_all(b"a").unwrap();
    file.cut(1).unwrap();
    assert_eq!(file.write(b"b").unwrap_err().raw_os_error(), Some(28));
    file.write_all(b"c").unwrap();
    assert_eq!(file.cut(1).unwrap_err().raw_os_error(), Some(5));
    assert!(file.cut(1).is_err());
    disk.fail_at(
        disk.operations() + 1,
        Failure {
            error: DiskFault::Io,
            sticky: true,
            only: None,
        },
    );
    assert!(disk.create("new").is_err() && disk.sync_dir().is_err());
    assert_eq!(disk.contents("log").unwrap(), b"ac");
}

#[test]
fn a_failed_sync_drops_the_data_and_the_next_one_reports_success() {
    let disk = SimulatedDisk::new();
    let mut file = opened(&disk, "log");
    disk.fail_at(1, failure(DiskFault::Io, Operation::Sync));
    file.write_all(b"lost").unwrap();
    assert_eq!(file.sync().unwrap_err().raw_os_error(), Some(5));
    file.sync().unwrap();
    assert_eq!(disk.contents("log").unwrap(), b"lost");
    for how in CUTS {
        assert_eq!(disk.crash(1, how).contents("log").unwrap(), b"");
    }
    file.write_all(b"late").unwrap();
    file.sync().unwrap();
    assert_eq!(
        disk.crash(1, Crash::PowerCutLosingNothing).contents("log"),
        Some(b"\0\0\0\0late".to_vec())
    );
}

#[test]
fn a_failed_sync_of_the_directory_drops_the_names() {
    let disk = SimulatedDisk::new();
    disk.fail_at(1, failure(DiskFault::Io, Operation::SyncDir));
    drop(disk.create("log").unwrap());
    assert!(disk.sync_dir().is_err());
    disk.sync_dir().unwrap();
    assert_eq!(disk.list().unwrap(), ["log"]);
    assert_eq!(
        disk.crash(1, Crash::KillProcess).list().unwrap(),
        ["log"],
        "still visible"
    );
    for how in CUTS {
        assert_eq!(disk.crash(1, how).list().unwrap(), [""; 0]);
    }
}

#[test]
fn short_writes_write_a_part_and_can_be_continued() {
    let disk = SimulatedDisk::new();
    let mut file = opened(&disk, "log");
    disk.short_writes(1);
    for _ in 0..100 {
        assert!((1..9).contains(&file.write(b"nine byte").unwrap()));
    }
    file.cut(0).unwrap();
    file.write_all(b"nine byte").unwrap();
    assert_eq!(disk.contents("log").unwrap(), b"nine byte");
}

#[test]
fn a_full_disk_takes_what_fits_and_more_once_there_is_room() {
    let disk = SimulatedDisk::new();
    disk.put("old", &[0; 6]);
    let mut file = opened(&disk, "log");
    disk.set_capacity(10);
    assert_eq!(file.write(b"abcdef").unwrap(), 4);
    assert_eq!(file.write(b"ef").unwrap_err().raw_os_error(), Some(28));
    assert_eq!(disk.total_bytes(), 10);
    assert!(
        disk.crash(1, Crash::KillProcess)
            .create("new")
            .unwrap()
            .write(b"a")
            .is_err()
    );
    disk.remove("old").unwrap();
    file.write_all(b"ef").unwrap();
    file.write_all(b"ghij").unwrap();
    assert!(file.write(b"k").is_err());
    disk.set_capacity(11);
    file.write_all(b"k").unwrap();
    assert_eq!(disk.contents("log").unwrap(), b"abcdefghijk");
}

#[test]
fn a_flipped_bit_is_visible_and_durable() {
    let disk = SimulatedDisk::new();
    disk.put("old", &[0; 2]);
    let mut file = opened(&disk, "log");
    file.write_all(&[0; 2]).unwrap();
    for name in ["old", "log"] {
        assert!(disk.flip(name, 11));
        assert!(!disk.flip(name, 16) && !disk.flip("missing", 0));
        assert_eq!(disk.contents(name).unwrap(), [0, 8]);
    }
    file.sync().unwrap();
    let after = disk.crash(1, Crash::PowerCutLosingAll);
    assert_eq!(
        (after.contents("old"), after.contents("log")),
        (Some(vec![0, 8]), Some(vec![0, 8]))
    );
}

#[test]
fn the_same_seeds_give_the_same_disk() {
    let run = |seed| {
        let disk = SimulatedDisk::new();
        disk.short_writes(seed);
        let mut file = disk.create("log").unwrap();
        file.write_all(&[1; 10_000]).unwrap();
        let after = disk.crash(seed, Crash::PowerCut);
        (disk.operations(), after.list().unwrap(), after.contents("log"))
    };
    assert!((0..50).all(|seed| run(seed) == run(seed)));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_removed_file_is_freed_once_no_name_and_no_sink_leads_to_it() {
    let disk = SimulatedDisk::new();
    let mut file = opened(&disk, "log");
    disk.remove("log").unwrap();
    disk.sync_dir().unwrap();
    file.write_all(b"into nowhere").unwrap();
    file.sync().unwrap();
    drop(file);
    disk.sync_dir().unwrap();
    assert!(disk.state.lock().inodes.is_empty());
}

#[test]
fn writes_and_syncs_of_a_file_after_a_failed_sync_are_counted() {
    let disk = SimulatedDisk::new();
    let mut file = disk.create("a").unwrap();
    disk.fail_at(1, failure(DiskFault::Io, Operation::Sync));
    file.write_all(b"1").unwrap();
    assert_eq!(disk.uses_after_failed_sync(), 0);
    assert!(file.sync().is_err());
    assert_eq!(disk.uses_after_failed_sync(), 0);
    file.write_all(b"2").unwrap();
    file.sync().unwrap();
    assert_eq!(disk.uses_after_failed_sync(), 2);
}
