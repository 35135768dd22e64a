//! The child process: works on the store, and prints what was acknowledged.

use crate::kit::{Until, close, create, data, opened, parts, try_open, until, wait};
use agai_session_core::face::open::open;
use agai_session_core::model::durability::Durability;
use agai_session_core::model::standing::Assurance;
use agai_session_core::testing::objects::object;
use agai_session_core::{
    Change, Commit, KeyChange, Login, ObjectText, Reason, Renewal, SessionId, StoreHandle, Text,
};
use parking_lot::RwLock;
use std::fs::File;
use std::io::{BufRead, IoSlice, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

pub const ROLE: &str = "AGAI_SESSION_CHILD";
const WORKERS: u64 = 2;

/// The command that starts this binary as a child.
pub fn command(role: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .env(ROLE, role)
        .env("AGAI_DIR", path)
        .stdout(Stdio::piped());
    command
}

/// Reads a child's output while it runs, so that the pipe does not fill up.
pub fn listen(child: &mut Child) -> JoinHandle<String> {
    let mut output = child.stdout.take().unwrap();
    std::thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        text
    })
}

fn variable(name: &str) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_default()
}

pub fn run(role: &str) {
    let path = PathBuf::from(std::env::var_os("AGAI_DIR").unwrap());
    match role {
        "work" => work(&path),
        "hold" => hold(&path),
        "try" => match try_open(&path) {
            Ok(_) => println!("opened"),
            Err(error) => println!("{}: {error}", error.code()),
        },
        "short" => short(&path),
        "limit" => crate::full::limited(&path),
        "recover" => crate::bench::recover(&path),
        _ => panic!("{role}"),
    }
}

/// Prints a line in one piece, so that a kill leaves whole lines.
pub fn say(line: &str) {
    let mut out = File::from(std::io::stdout().as_fd().try_clone_to_owned().unwrap());
    let line = format!("{line}\n");
    // Not by `write(2)`, which the tests make fail.
    let said = out.write_vectored(&[IoSlice::new(line.as_bytes())]).unwrap();
    assert_eq!(said, line.len());
}

/// Opens the store, prints the id of a synced session, and waits for the end of its input.
fn hold(path: &Path) {
    let store = opened(path);
    let id = create(&store, 1).unwrap();
    store.flush().unwrap();
    assert!(wait(&store, Until::Synced));
    say(&id.to_text());
    std::io::stdin().lock().lines().for_each(drop);
}

/// Runs a few operations, always the same, with rotations and checkpoints.
fn short(path: &Path) {
    let (store, _) = match open(path, parts(Durability::Disk, 1 << 10), &mut ()) {
        Ok(opened) => opened,
        Err(error) => {
            println!("{}", error.code());
            std::process::exit(3);
        }
    };
    let mut ids = Vec::new();
    for n in 0..12 {
        let Ok(id) = create(&store, n) else { continue };
        if wait(&store, Until::Synced) {
            say(&format!("alive {} {n}", id.to_text()));
        }
        ids.push(id);
        if n % 3 == 2 {
            let gone = ids.remove(0);
            say(&format!("try {}", gone.to_text()));
            store.destroy(&gone, Reason::Logout).unwrap();
            if wait(&store, Until::EndsSynced) {
                say(&format!("dead {}", gone.to_text()));
            }
        }
        if n == 7 {
            let ticket = store.checkpoint().unwrap();
            until("a checkpoint ends", || store.reached().checkpoints >= ticket);
        }
    }
    close(&store);
}

/// Runs random operations on several threads until it is killed.
fn work(path: &Path) {
    let seed = variable("AGAI_SEED");
    let mut random = fastrand::Rng::with_seed(seed);
    let any = [Durability::Os, Durability::Disk, Durability::None][random.usize(..3)];
    let durability = if variable("AGAI_DISK") == 1 {
        Durability::Disk
    } else {
        any
    };
    let checkpoint_bytes = [1 << 12, 1 << 14, 1 << 16][random.usize(..3)];
    let opened = open(path, parts(durability, checkpoint_bytes), &mut ());
    let (store, _) = opened.unwrap_or_else(|error| panic!("{error}"));
    let known = std::env::var("AGAI_IDS").unwrap_or_default();
    let mut known: Vec<_> = known
        .split(';')
        .filter_map(|entry| entry.split_once(','))
        .collect();
    // A clear must not run while another thread is between an operation and printing that it was acknowledged.
    let gate = RwLock::new(());
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let mine = known.split_off(known.len() / 2 * usize::from(worker + 1 < WORKERS));
            let id = |text: &str| SessionId::parse(text.as_bytes()).unwrap();
            let ids = mine
                .iter()
                .map(|(text, n)| (id(text), n.parse().unwrap()))
                .collect();
            let worker = Worker {
                store: &store,
                gate: &gate,
                random: fastrand::Rng::with_seed(seed ^ (worker + 1) << 40),
                ids,
                durability,
                said: Vec::new(),
            };
            scope.spawn(move || worker.run());
        }
    });
}

struct Worker<'a> {
    store: &'a StoreHandle,
    gate: &'a RwLock<()>,
    random: fastrand::Rng,
    ids: Vec<(SessionId, u64)>,
    durability: Durability,
    /// Lines to print once the last operation is durable.
    said: Vec<String>,
}

impl Worker<'_> {
    fn run(mut self) {
        loop {
            let gate = self.gate;
            if self.random.u32(..1_500) == 0 {
                let _alone = gate.write();
                say("try-all");
                self.store.clear().unwrap();
                assert!(wait(self.store, Until::EndsSynced));
                say("all-dead");
                self.ids.clear();
            }
            let _shared = gate.read();
            let mut ended = false;
            for _ in 0..self.random.u32(1..12) {
                ended |= self.step();
            }
            self.acknowledge(ended);
            if self.random.u32(..40) == 0 {
                self.store.checkpoint().unwrap();
            }
        }
    }

    /// Prints what was done, once it is as durable as the mode promises.
    fn acknowledge(&mut self, ended: bool) {
        if ended {
            assert!(wait(self.store, Until::EndsSynced));
        }
        match self.durability {
            Durability::Os => assert!(wait(self.store, Until::Written)),
            Durability::Disk => assert!(wait(self.store, Until::Synced)),
            // Nothing is promised, except by an end, which syncs everything before it.
            Durability::None if ended => {}
            Durability::None => self.said.clear(),
        }
        for line in self.said.drain(..) {
            say(&line);
        }
    }

    /// Runs one operation. True if it is the end of an id.
    fn step(&mut self) -> bool {
        let dice = self.random.u32(..100);
        if dice < 40 || self.ids.is_empty() {
            let id = create(self.store, 1).unwrap();
            self.said.push(format!("alive {} 1", id.to_text()));
            self.ids.push((id, 1));
            return false;
        }
        let at = self.random.usize(..self.ids.len());
        if dice < 70 {
            let (id, n) = &mut self.ids[at];
            *n += 1;
            let text = data(*n, 100);
            let set = format!("{{\"n\":{n:010}}}");
            let keys = KeyChange::new(object(&set), ObjectText::EMPTY);
            let whole = self.random.bool().then(|| object(&text));
            let change = Change {
                data: whole,
                keys: whole.is_none().then_some(&keys),
                ..Change::default()
            };
            match self.store.commit(id, None, &change).unwrap() {
                Commit::Done(_) => self.said.push(format!("alive {} {n}", id.to_text())),
                _ => drop(self.ids.swap_remove(at)),
            }
            return false;
        }
        if dice < 75 {
            self.store.touch(&self.ids[at].0, None).unwrap();
            return false;
        }
        let (id, n) = self.ids.swap_remove(at);
        let name = id.to_text();
        say(&format!("try {name}"));
        // Earlier lines of this batch about the old id do not count any more.
        self.said.retain(|line| !line.contains(&name));
        if dice < 90 {
            self.store.destroy(&id, Reason::Logout).unwrap();
            self.said.push(format!("dead {name}"));
            return true;
        }
        // As the same user, whose session gets a new secret, or as another, whose session takes the place of this one.
        let text = data(n, 100);
        let renewal = Renewal {
            change: Change {
                data: Some(object(&text)),
                ..Change::default()
            },
            login: Some(Login {
                uid: Text::Latin1(if n.is_multiple_of(2) { b"ann" } else { b"bob" }),
                absolute_timeout: None,
                assurance: Assurance::PLAIN,
            }),
        };
        let (commit, new) = self.store.regenerate(&id, None, &renewal).unwrap();
        if matches!(commit, Commit::Done(_)) {
            self.said.push(format!("dead {name}"));
            self.said.push(format!("alive {} {n}", new.to_text()));
            self.ids.push((new, n));
        }
        true
    }
}
