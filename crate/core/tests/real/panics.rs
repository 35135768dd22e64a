//! Panics, planted in a call and in each thread of a store: nobody waits for ever, the directory is free again, and what was acknowledged
//! is in it.

#[cfg(feature = "testing")]
pub use with::everywhere;
#[cfg(not(feature = "testing"))]
pub use without::everywhere;

#[cfg(not(feature = "testing"))]
mod without {
    use crate::kit::Row;

    pub fn everywhere(_: u64) -> Result<Row, String> {
        Err("needs --features planted-faults".to_owned())
    }
}

#[cfg(feature = "testing")]
mod with {
    use crate::kit::{Row, Until, close, create, is_full_run, number, opened, until, wait};
    use crate::threads::assert_none_left;
    use agai_session_core::journal::panics::PanicAt;
    use agai_session_core::lock::status::{Health, News};
    use agai_session_core::{Error, NewSession, Reason, StoreHandle, Text};
    use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
    use std::time::{Duration, Instant};

    /// The user ids that the store itself panics at: in a call, and in its sweeper.
    const CALL: &str = "planted panic";
    const SWEEPER: &str = "planted sweeper panic";

    /// A millisecond to live, for the sweeper to find.
    fn store_for(store: &StoreHandle, uid: &str) -> Result<(), Error> {
        let new = NewSession {
            uid: Text::Latin1(uid.as_bytes()),
            form: Text::Latin1(b""),
            data: Text::Latin1(b"{}"),
            idle_timeout: (uid == SWEEPER).then_some(1),
            absolute_timeout: None,
        };
        store.create(&new).map(|_| ())
    }

    /// Has the store panic where the user id says. Afterwards somebody waits for the disk in vain, unless that was closed.
    fn panic_at(store: &StoreHandle, uid: &str) {
        if uid == CALL {
            assert!(catch_unwind(AssertUnwindSafe(|| store_for(store, uid))).is_err());
            return;
        }
        store_for(store, uid).unwrap();
        if uid == PanicAt::Synced.uid() {
            store.flush().unwrap();
        } else if uid == PanicAt::Close.uid() {
            assert!(wait(store, Until::Written));
            store.close();
        } else if uid == PanicAt::Checkpoint.uid() || uid == PanicAt::Slice.uid() {
            assert!(wait(store, Until::Written));
            store.checkpoint().unwrap();
        }
    }

    fn news(store: &StoreHandle) -> Vec<News> {
        std::iter::from_fn(|| store.take_news()).collect()
    }

    /// The story of each place: after a panic under the lock the journal's thread slept on, kept the directory, and whoever waited was told
    /// after two seconds; after one on a checkpoint's thread that was tried again for ever, on a store that could not be copied.
    pub fn everywhere(_: u64) -> Result<Row, String> {
        let hook = take_hook();
        set_hook(Box::new(|_| ()));
        let (mut faults, mut checked) = (0, 0);
        let in_the_journal = [
            PanicAt::Write,
            PanicAt::Written,
            PanicAt::Synced,
            PanicAt::Close,
            PanicAt::Checkpoint,
            PanicAt::Slice,
        ];
        let places = [CALL, SWEEPER]
            .into_iter()
            .chain(in_the_journal.map(PanicAt::uid));
        for uid in places {
            let mut fastest = Duration::MAX;
            for round in 0..if is_full_run() { 50 } else { 4 } {
                let directory = tempfile::tempdir().unwrap();
                let store = opened(directory.path());
                let other = opened(directory.path());
                let kept: Vec<_> = (0..50).map(|n| create(&store, n).unwrap()).collect();
                let ended = create(&store, 99).unwrap();
                assert!(wait(&store, Until::Written));
                store.destroy(&ended, Reason::Logout).unwrap();
                assert!(wait(&store, Until::EndsSynced), "{uid}");

                let started = Instant::now();
                panic_at(&store, uid);
                if uid == PanicAt::Close.uid() {
                    // The other one has the store still: it closes with the last.
                    close(&other);
                }
                until("the panic", || matches!(store.io_error(), Some(Error::Poisoned)));
                assert_eq!(store.reached().failed, u64::MAX, "{uid}: all who wait are told");
                assert_eq!(store.reached().ends_failed, u64::MAX, "{uid}");
                until("its end", || store.health() == Health::Closed);
                fastest = fastest.min(started.elapsed());
                if uid != PanicAt::Close.uid() {
                    assert!(matches!(store.has(&kept[0]), Err(Error::Poisoned)), "{uid}");
                    assert!(matches!(other.checkpoint(), Err(Error::Poisoned)), "{uid}");
                }
                for user in [&store, &other] {
                    let told = news(user);
                    let is_end = |news: &News| matches!(news, News::Closed(Some(Error::Poisoned)));
                    let is_alarm = |news: &News| matches!(news, News::Degraded(Error::Poisoned));
                    assert!(
                        told.iter().any(is_end) && told.iter().any(is_alarm),
                        "{uid}: {told:?}"
                    );
                }

                // Closed or not, the directory is free.
                if round % 2 == 0 {
                    close(&store);
                    close(&other);
                }
                let again = opened(directory.path());
                for (n, id) in (0..).zip(&kept) {
                    assert_eq!(number(&again, id), Some(n), "{uid}");
                }
                assert!(!again.has(&ended).unwrap(), "{uid}: what ended stays so");
                checked += 51;
                faults += 1;
                drop((store, other, again));
                assert_none_left();
            }
            // A busy machine may delay one of them.
            assert!(fastest < Duration::from_secs(2), "{uid}: promptly");
        }
        set_hook(hook);
        Ok(Row { faults, checked })
    }
}
