//! Real power cuts: an XFS on a loop device is shut down under the store, without writing the log of the file system.
//!
//! Only what was acknowledged before the cut counts. During a cut, `fdatasync` sometimes reports success for data that is lost: a bare loop
//! of `write` and `fdatasync`, without the store, lost 8 of 2,991 syncs reported during 250 cuts, and none of 43,566 reported before.

use crate::child;
use crate::full::Mount;
use crate::kit::{Model, Row, is_full_run, need_root, opened, tool};
use parking_lot::Mutex;
use std::io::Read;
use std::process::Stdio;
use std::time::Duration;

pub fn run(seed: u64) -> Result<Row, String> {
    need_root()?;
    tool("command -v xfs_io && command -v mkfs.xfs")?;
    let directory = tempfile::tempdir().unwrap();
    let (image, at) = (directory.path().join("image"), directory.path().join("mount"));
    tool(&format!(
        "truncate -s 400M {0} && mkfs.xfs -q {0}",
        image.display()
    ))?;
    let what = format!("-o loop {}", image.display());
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut model, mut row) = (Model::default(), Row::default());
    let path = at.join("sessions.data");
    for _ in 0..if is_full_run() { 200 } else { 20 } {
        let mount = Mount::new(&what, &at)?;
        let mut child = child::command("work", &path)
            .env("AGAI_SEED", random.u64(..).to_string())
            .env("AGAI_IDS", model.some())
            .env("AGAI_DISK", "1")
            // Its disk fails, and it prints that.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = child.stdout.take().unwrap();
        let said = Mutex::new(Vec::new());
        let before = std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut bytes = [0; 4_096];
                while let Ok(count @ 1..) = output.read(&mut bytes) {
                    said.lock().extend_from_slice(&bytes[..count]);
                }
            });
            std::thread::sleep(Duration::from_millis(random.u64(5..150)));
            // Lines from here on may be printed during the cut.
            let before = said.lock().len();
            let cut = tool(&format!("xfs_io -x -c shutdown {}", at.display()));
            child.kill().unwrap();
            child.wait().unwrap();
            cut.map(|()| before)
        })?;
        let said = String::from_utf8(said.into_inner()).unwrap();
        // A line that was read in part counts as printed during the cut.
        let before = said[..before].rfind('\n').map_or(0, |at| at + 1);
        row.checked += model.lines(&said[..before]);
        for line in said[before..].lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["try", _] | ["try-all"] => drop(model.line(line)),
                ["dead", id] => drop(model.line(&format!("try {id}"))),
                ["all-dead"] => drop(model.line("try-all")),
                _ => {}
            }
        }
        row.faults += 1;
        drop(mount);
        let mount = Mount::new(&what, &at)?;
        model.check(&opened(&path));
        drop(mount);
    }
    Ok(row)
}
