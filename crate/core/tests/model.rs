//! The handle, the sweeper and shutdown under every interleaving, with loom's model checker.
//!
//! A model has no time, so a wait ends only by a notification: a lost wake-up shows as a deadlock.
//! Run: `cargo test -p agai-session-core --features loom,testing --release --test model`.
#![cfg(all(feature = "loom", feature = "testing"))]
#![expect(clippy::unwrap_used, reason = "a test")]

use agai_session_core::model::clock::ManualClock;
use agai_session_core::model::lsn::Lsn;
use agai_session_core::model::random::OsRandom;
use agai_session_core::model::standing::Assurance;
use agai_session_core::testing::waiting::Waiting;
use agai_session_core::{
    AtUserLimit, EventKind, EventMask, NewSession, ObjectText, Options, Reason, SessionId, StoreHandle, Text,
    TextBuffer, UNLIMITED,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const OPTIONS: Options = Options {
    max_sessions: 10,
    max_bytes: 10_000,
    max_session_bytes: 1_000,
    idle_timeout: 100,
    guest_idle_timeout: 100,
    absolute_timeout: 1_000,
    max_sessions_per_user: UNLIMITED,
    at_user_limit: AtUserLimit::EvictOldest,
};

const EXPIRED: EventMask = EventMask(1 << EventKind::Expired as u8);

fn open(clock: &Arc<ManualClock>) -> StoreHandle {
    StoreHandle::open(OPTIONS, Arc::clone(clock) as _, Box::new(OsRandom)).unwrap()
}

fn new_session() -> NewSession<'static> {
    let empty = Text::Latin1(b"");
    NewSession {
        uid: empty,
        form: empty,
        data: ObjectText::EMPTY,
        idle_timeout: None,
        absolute_timeout: None,
        assurance: Assurance::PLAIN,
    }
}

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(check);
}

#[test]
fn shutdown_joins_the_sweeper_wherever_it_is() {
    model(|| {
        let clock = Arc::new(ManualClock::new(1));
        let store = open(&clock);
        store.create(&new_session()).unwrap();
        drop(store);
    });
}

/// A listener that waits for the store's signal of pending events.
struct Listener {
    signal: Arc<loom::sync::Notify>,
    times: Arc<AtomicUsize>,
}

impl Listener {
    fn of(store: &StoreHandle, mask: EventMask) -> Self {
        let listener = Self {
            signal: Arc::new(loom::sync::Notify::new()),
            times: Arc::new(AtomicUsize::new(0)),
        };
        let (signal, times) = (Arc::clone(&listener.signal), Arc::clone(&listener.times));
        store.on_signal(move || {
            times.fetch_add(1, Ordering::SeqCst);
            signal.notify();
        });
        store.listen(mask).unwrap();
        listener
    }

    fn wait(&self) {
        // A wait may end spuriously.
        while self.times.load(Ordering::SeqCst) == 0 {
            self.signal.wait();
        }
        assert_eq!(
            self.times.load(Ordering::SeqCst),
            1,
            "one signal for all pending events"
        );
    }
}

/// The sweeper may be before its first look, sweeping, or asleep when the clock moves. It once read the clock before it took the
/// lock, and slept through a jump in between.
#[test]
fn no_jump_of_the_clock_is_missed() {
    model(|| {
        let clock = Arc::new(ManualClock::new(1));
        let store = open(&clock);
        let listener = Listener::of(&store, EXPIRED);
        store.create(&new_session()).unwrap();
        clock.advance(200);
        listener.wait();
        let events = store.take_events().unwrap();
        assert_eq!(
            (events.len(), events.first().unwrap().reason),
            (1, Reason::IdleTimeout)
        );
        assert_eq!(store.stats().unwrap().sessions, 0);
    });
}

#[test]
fn a_deadline_earlier_than_the_sweepers_wakes_it() {
    model(|| {
        let store = open(&Arc::new(ManualClock::new(1)));
        let listener = Listener::of(&store, EXPIRED);
        store
            .create(&NewSession {
                idle_timeout: Some(0),
                ..new_session()
            })
            .unwrap();
        listener.wait();
        assert_eq!(store.stats().unwrap().expired, 1);
    });
}

#[test]
fn a_cleared_store_wakes_the_sweeper_to_free_its_sessions_and_send_their_events() {
    model(|| {
        let store = open(&Arc::new(ManualClock::new(1)));
        store.create(&new_session()).unwrap();
        let listener = Listener::of(&store, EventMask(1 << EventKind::Destroyed as u8));
        assert_eq!(store.clear().unwrap(), 1);
        listener.wait();
        assert_eq!(
            store.take_events().unwrap().first().unwrap().reason,
            Reason::Clear
        );
    });
}

#[test]
fn a_reader_beside_the_sweeper_sees_the_session_whole_or_not_at_all() {
    model(|| {
        let clock = Arc::new(ManualClock::new(1));
        let store = Arc::new(open(&clock));
        let (id, _) = store.create(&new_session()).unwrap();
        let (reader, read) = (Arc::clone(&store), id.clone());
        let thread = loom::thread::spawn(move || {
            let mut buffer = TextBuffer::default();
            if reader.load(&read, true, &mut buffer).unwrap().is_some() {
                assert_eq!(buffer.text(), Text::Latin1(b"{}"));
            }
        });
        clock.advance(200);
        thread.join().unwrap();
        assert!(!store.has(&id).unwrap() || store.stats().unwrap().sessions == 1);
    });
}

#[test]
fn after_a_close_beside_a_writer_calls_return_closed_and_the_sweeper_ends() {
    model(|| {
        let clock = Arc::new(ManualClock::new(1));
        let store = Arc::new(open(&clock));
        let writer = Arc::clone(&store);
        let thread = loom::thread::spawn(move || match writer.create(&new_session()) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.code(), "ERR_SESSION_CLOSED"),
        });
        store.close();
        thread.join().unwrap();
        let anything = SessionId::generate(&OsRandom).unwrap();
        assert_eq!(store.has(&anything).unwrap_err().code(), "ERR_SESSION_CLOSED");
        assert!(store.take_events().is_none());
    });
}

/// A write while the journal's thread is about to sleep is never missed: the thread sees it before it sleeps, or is woken.
#[test]
fn the_journal_wakes_for_every_record() {
    model(|| {
        let (store, waiting) = Waiting::open(OPTIONS, Arc::new(ManualClock::new(1)));
        let thread = loom::thread::spawn(move || {
            let mut newest = Lsn::default();
            while newest < Lsn::new(2) {
                newest = waiting.take().unwrap();
            }
        });
        let (id, _) = store.create(&new_session()).unwrap();
        store.destroy(&id, Reason::Logout).unwrap();
        thread.join().unwrap();
    });
}

#[test]
fn a_waiting_journal_ends_when_its_store_stops() {
    model(|| {
        let (_store, waiting) = Waiting::open(OPTIONS, Arc::new(ManualClock::new(1)));
        let waiting = Arc::new(waiting);
        let journal = Arc::clone(&waiting);
        let thread = loom::thread::spawn(move || assert_eq!(journal.take(), None));
        waiting.stop();
        thread.join().unwrap();
    });
}
