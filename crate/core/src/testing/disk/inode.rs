//! The content of one file: live bytes, durable bytes, and the changes between the two.

use std::sync::Arc;

/// A change of a file's content that is not durable yet.
#[derive(Clone)]
pub(super) enum Change {
    Write { at: usize, bytes: Arc<[u8]> },
    Cut { len: usize },
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => overwrite(content, *at, bytes),
            Self::Cut { len } => content.truncate(*len),
        }
    }
}

/// One file's content. Live and durable bytes share memory until one of them changes.
#[derive(Default)]
pub(super) struct Inode {
    live: Arc<Vec<u8>>,
    durable: Arc<Vec<u8>>,
    /// In order. Applied to `durable` they give `live`, except for changes that a failed sync dropped.
    pending: Vec<Change>,
    /// Cloned by each open sink: its count says whether the file is open.
    open: Arc<()>,
    /// True if a sync failed since the power came on: the success of a later one means nothing.
    distrusted: bool,
}

impl Inode {
    pub fn durable_with(content: Vec<u8>) -> Self {
        let content = Arc::new(content);
        Self {
            live: Arc::clone(&content),
            durable: content,
            ..Self::default()
        }
    }

    /// The same file after its process was killed: nothing has it open.
    pub fn reopened(&self) -> Self {
        Self {
            live: Arc::clone(&self.live),
            durable: Arc::clone(&self.durable),
            pending: self.pending.clone(),
            distrusted: self.distrusted,
            ..Self::default()
        }
    }

    /// A file of which a power cut left this content.
    pub fn survived(content: Arc<Vec<u8>>) -> Self {
        Self {
            live: Arc::clone(&content),
            durable: content,
            ..Self::default()
        }
    }

    pub fn live(&self) -> Arc<Vec<u8>> {
        Arc::clone(&self.live)
    }

    pub fn len(&self) -> usize {
        self.live.len()
    }

    pub fn durable(&self) -> &Arc<Vec<u8>> {
        &self.durable
    }

    pub fn pending(&self) -> &[Change] {
        &self.pending
    }

    pub fn open(&self) -> Arc<()> {
        Arc::clone(&self.open)
    }

    pub fn is_open(&self) -> bool {
        Arc::strong_count(&self.open) > 1
    }

    pub fn append(&mut self, bytes: &[u8]) {
        let write = Change::Write {
            at: self.live.len(),
            bytes: bytes.into(),
        };
        self.change(write);
    }

    pub fn cut(&mut self, len: usize) {
        self.change(Change::Cut { len });
    }

    fn change(&mut self, change: Change) {
        change.apply(Arc::make_mut(&mut self.live));
        self.pending.push(change);
    }

    pub fn sync(&mut self) {
        if !self.pending.is_empty() {
            let durable = Arc::make_mut(&mut self.durable);
            for change in self.pending.drain(..) {
                change.apply(durable);
            }
        }
    }

    /// Drops the pending changes, as a failed sync does: the dirty pages are marked clean and never written again.
    pub fn sync_failed(&mut self) {
        self.pending.clear();
        self.distrusted = true;
    }

    /// Whether a sync of the file failed since the power came on.
    pub fn is_distrusted(&self) -> bool {
        self.distrusted
    }

    /// The durable content with all pending changes applied.
    pub fn written_back(&self) -> Arc<Vec<u8>> {
        let mut durable = Arc::clone(&self.durable);
        if !self.pending.is_empty() {
            let content = Arc::make_mut(&mut durable);
            for change in &self.pending {
                change.apply(content);
            }
        }
        durable
    }

    /// Flips a bit of the live, pending and durable bytes. False if the file is not that long.
    pub fn flip(&mut self, bit: usize) -> bool {
        let (at, mask) = (bit / 8, 1 << (bit % 8));
        let turn = |content: &mut [u8], at: usize| content.get_mut(at).map(|byte| *byte ^= mask).is_some();
        for change in &mut self.pending {
            if let Change::Write { at: start, bytes } = change
                && let Some(offset) = at.checked_sub(*start)
            {
                turn(Arc::make_mut(bytes), offset);
            }
        }
        if at < self.durable.len() {
            turn(Arc::make_mut(&mut self.durable).as_mut_slice(), at);
        }
        at < self.live.len() && turn(Arc::make_mut(&mut self.live).as_mut_slice(), at)
    }
}

/// Writes `bytes` at `at`; a hole between the old end and `at` reads as zeros.
pub(super) fn overwrite(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    if let Some(target) = content.get_mut(at..end) {
        target.copy_from_slice(bytes);
    }
}
