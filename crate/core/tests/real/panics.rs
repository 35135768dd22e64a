//! Panics, planted in a call and in each thread of a store: no call waits for ever, the directory is free again, and what was acknowledged
//! is in it.

use crate::kit::{Row, Until, close, create, is_full_run, number, opened, until, wait};
use crate::threads::assert_none_left;
use agai_session_core::lock::status::{Health, News};
use agai_session_core::model::lsn::Lsn;
use agai_session_core::model::standing::Assurance;
use agai_session_core::planted::PanicAt;
use agai_session_core::{Error, NewSession, ObjectText, Reason, StoreHandle, Text};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::time::{Duration, Instant};

/// Stores the session that makes the store panic at a place. For the sweeper, it expires after a millisecond.
fn store_for(store: &StoreHandle, place: PanicAt) -> Result<(), Error> {
    let new = NewSession {
        uid: Text::Latin1(place.uid().as_bytes()),
        form: Text::Latin1(b""),
        data: ObjectText::EMPTY,
        idle_timeout: (place == PanicAt::Expire).then_some(1),
        absolute_timeout: None,
        assurance: Assurance::PLAIN,
    };
    store.create(&new).map(|_| ())
}

/// Makes the store panic at a place.
fn panic_at(store: &StoreHandle, place: PanicAt) {
    if place == PanicAt::Create {
        assert!(catch_unwind(AssertUnwindSafe(|| store_for(store, place))).is_err());
        return;
    }
    store_for(store, place).unwrap();
    match place {
        PanicAt::Synced => store.flush().unwrap(),
        PanicAt::Close => {
            assert!(wait(store, Until::Written));
            store.close();
        }
        PanicAt::Checkpoint | PanicAt::Slice => {
            assert!(wait(store, Until::Written));
            store.checkpoint().unwrap();
        }
        _ => {}
    }
}

fn news(store: &StoreHandle) -> Vec<News> {
    std::iter::from_fn(|| store.take_news()).collect()
}

/// After a panic under the lock, the journal's thread slept on and kept the directory, and waiting calls were notified after two seconds.
/// After one on a checkpoint's thread, the checkpoint was tried again for ever, on a store that could not be copied.
pub fn everywhere(_: u64) -> Result<Row, String> {
    let hook = take_hook();
    set_hook(Box::new(|_| ()));
    let (mut faults, mut checked) = (0, 0);
    for place in [
        PanicAt::Create,
        PanicAt::Expire,
        PanicAt::Write,
        PanicAt::Written,
        PanicAt::Synced,
        PanicAt::Close,
        PanicAt::Checkpoint,
        PanicAt::Slice,
    ] {
        let mut fastest = Duration::MAX;
        for round in 0..if is_full_run() { 50 } else { 4 } {
            let directory = tempfile::tempdir().unwrap();
            let store = opened(directory.path());
            let other = opened(directory.path());
            let kept: Vec<_> = (0..50).map(|n| create(&store, n).unwrap()).collect();
            let ended = create(&store, 99).unwrap();
            assert!(wait(&store, Until::Written));
            store.destroy(&ended, Reason::Logout).unwrap();
            assert!(wait(&store, Until::EndsSynced), "{place:?}");

            let started = Instant::now();
            panic_at(&store, place);
            if place == PanicAt::Close {
                // The other handle still has the store, which closes with its last handle.
                close(&other);
            }
            until("the panic", || matches!(store.io_error(), Some(Error::Poisoned)));
            assert_eq!(
                store.reached().failed,
                Lsn::MAX,
                "{place:?}: all waiting calls are notified"
            );
            assert_eq!(store.reached().ends_failed, Lsn::MAX, "{place:?}");
            until("its end", || store.health() == Health::Closed);
            fastest = fastest.min(started.elapsed());
            if place != PanicAt::Close {
                assert!(matches!(store.has(&kept[0]), Err(Error::Poisoned)), "{place:?}");
                assert!(matches!(other.checkpoint(), Err(Error::Poisoned)), "{place:?}");
            }
            for user in [&store, &other] {
                let told = news(user);
                let is_end = |news: &News| matches!(news, News::Closed(Some(Error::Poisoned)));
                let is_alarm = |news: &News| matches!(news, News::Degraded(Error::Poisoned));
                assert!(
                    told.iter().any(is_end) && told.iter().any(is_alarm),
                    "{place:?}: {told:?}"
                );
            }

            // Closed or not, the directory is free.
            if round % 2 == 0 {
                close(&store);
                close(&other);
            }
            let again = opened(directory.path());
            for (n, id) in (0..).zip(&kept) {
                assert_eq!(number(&again, id), Some(n), "{place:?}");
            }
            assert!(
                !again.has(&ended).unwrap(),
                "{place:?}: an ended session stays ended"
            );
            checked += 51;
            faults += 1;
            drop((store, other, again));
            assert_none_left();
        }
        // A busy machine may delay some of the rounds.
        assert!(fastest < Duration::from_secs(2), "{place:?}: promptly");
    }
    set_hook(hook);
    Ok(Row { faults, checked })
}
