//! The disk after a crash: what the end of a process or of the power leaves.

use super::inode::{Change, Inode, overwrite};
use super::names::Names;
use super::state::DiskState;
use fastrand::Rng;
use std::ops::Range;
use std::sync::Arc;

/// The kind of a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// A `kill -9`: everything written is there, and what was not durable still is not.
    KillProcess,
    /// A power cut after which any part of what was not durable is there.
    ///
    /// Each sector (512 or 4096 bytes) of a file is as it was at some moment since the last sync, independently of the
    /// others. One that was never written reads as zeros or as old bytes of the disk. The file's length is any between
    /// those it had. For names see the text of [`disk`](super).
    PowerCut,
    /// A power cut after which only what was durable is there.
    PowerCutLosingAll,
    /// A power cut after which everything written is there and durable, except what a failed sync dropped.
    PowerCutLosingNothing,
}

impl DiskState {
    pub fn crash(&self, seed: u64, how: Crash) -> Self {
        let mut rng = Rng::with_seed(seed);
        let names = match how {
            Crash::KillProcess => self.names.clone(),
            Crash::PowerCut => Names::survived(self.names.after_power_cut(&mut rng)),
            Crash::PowerCutLosingAll => Names::survived(self.names.durable().clone()),
            Crash::PowerCutLosingNothing => Names::survived(self.names.written_back()),
        };
        let sector = if rng.bool() { 512 } else { 4096 };
        let survive = |inode: &Inode, rng: &mut Rng| match how {
            Crash::KillProcess => inode.reopened(),
            Crash::PowerCut => Inode::survived(self.survivors(inode, sector, rng)),
            Crash::PowerCutLosingAll => Inode::survived(Arc::clone(inode.durable())),
            Crash::PowerCutLosingNothing => Inode::survived(inode.written_back()),
        };
        let reachable = names.reachable();
        let inodes = self.inodes.iter().filter(|(id, _)| reachable.contains(id));
        let inodes = inodes
            .map(|(id, inode)| (*id, survive(inode, &mut rng)))
            .collect();
        Self {
            inodes,
            names,
            next: self.next,
            capacity: self.capacity,
            ..Self::default()
        }
    }

    fn survivors(&self, inode: &Inode, sector: usize, rng: &mut Rng) -> Arc<Vec<u8>> {
        let changes = inode.pending().len();
        if changes == 0 {
            return Arc::clone(inode.durable());
        }
        // The extremes and a torn end are the likely outcomes; any sector from any moment is possible.
        match rng.u8(..4) {
            0 => Arc::clone(inode.durable()),
            1 => inode.written_back(),
            2 => {
                let moment = rng.usize(..changes);
                Arc::new(self.torn(inode, sector, moment..moment + 1, rng))
            }
            _ => Arc::new(self.torn(inode, sector, 0..changes, rng)),
        }
    }

    /// The file with each sector as it was at some moment of `moments`, both ends included. Moment n is after n changes.
    fn torn(&self, inode: &Inode, sector: usize, moments: Range<usize>, rng: &mut Rng) -> Vec<u8> {
        let lengths = lengths(inode);
        let among = lengths.get(moments.start..=moments.end).unwrap_or_default();
        let shortest = among.iter().copied().min().unwrap_or_default();
        let longest = among.iter().copied().max().unwrap_or_default();

        let durable = inode.durable();
        let mut content = durable.to_vec();
        content.resize(lengths.iter().copied().max().unwrap_or_default(), 0);
        let mut sectors: Vec<Sector> = (0..content.len().div_ceil(sector))
            .map(|_| Sector {
                moment: rng.usize(moments.start..=moments.end),
                written: false,
            })
            .collect();
        for (index, change) in inode.pending().iter().enumerate() {
            apply(change, index, sector, &mut sectors, &mut content);
        }
        let keeps_junk = rng.bool();
        for (index, state) in sectors.iter().enumerate() {
            let start = index * sector;
            if keeps_junk && !state.written && start >= durable.len() && rng.bool() {
                let end = (start + sector).min(content.len());
                let junk = self.junk(inode, end - start, rng);
                overwrite(&mut content, start, &junk);
            }
        }
        content.truncate(match rng.u8(..4) {
            0 => shortest,
            // A hole below the full length: a lost middle rather than a torn end.
            1 => longest,
            _ => rng.usize(shortest..=longest),
        });
        content
    }

    /// Old bytes of a sector that was never written: those of another file, or random ones.
    fn junk(&self, but: &Inode, len: usize, rng: &mut Rng) -> Vec<u8> {
        let mut others = self.inodes.values().filter(|other| !std::ptr::eq(*other, but));
        let pick = rng.usize(..=self.inodes.len());
        let mut junk: Vec<u8> = others
            .nth(pick)
            .map(|other| other.live().iter().copied().take(len).collect())
            .unwrap_or_default();
        junk.resize_with(len, || rng.u8(..));
        junk
    }
}

/// How far the pending changes reached one sector.
struct Sector {
    /// The number of pending changes that reached it.
    moment: usize,
    written: bool,
}

/// The durable length, and the length after each pending change.
fn lengths(inode: &Inode) -> Vec<usize> {
    let mut len = inode.durable().len();
    let mut lengths = vec![len];
    for change in inode.pending() {
        len = match change {
            Change::Write { at, bytes } => len.max(at + bytes.len()),
            Change::Cut { len: cut } => len.min(*cut),
        };
        lengths.push(len);
    }
    lengths
}

/// Applies the `index`-th change to the sectors that it reached.
fn apply(change: &Change, index: usize, sector: usize, sectors: &mut [Sector], content: &mut Vec<u8>) {
    let range = match change {
        Change::Write { at, bytes } => *at..at + bytes.len(),
        Change::Cut { len } => *len..content.len(),
    };
    let first = range.start / sector;
    let touched = range.end.div_ceil(sector).saturating_sub(first);
    for (number, state) in sectors.iter_mut().enumerate().skip(first).take(touched) {
        if index >= state.moment {
            continue;
        }
        let start = range.start.max(number * sector);
        let end = range.end.min((number + 1) * sector);
        match change {
            Change::Write { at, bytes } => {
                overwrite(
                    content,
                    start,
                    bytes.get(start - at..end - at).unwrap_or_default(),
                );
                state.written = true;
            }
            Change::Cut { .. } => {
                if let Some(gone) = content.get_mut(start..end) {
                    gone.fill(0);
                }
            }
        }
    }
}
