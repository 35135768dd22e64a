//! The thread of the journal's writer.

use super::{Turn, Writer};
use crate::lock::shared::{NotifyOfPanic, Shared};
use crate::lock::status::{Health, News};
use crate::model::error::Error;

/// A guard that reports the store as closed if the writer panics. Otherwise the writer does so itself.
struct CloseOnPanic<'a>(&'a Shared);

impl Drop for CloseOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.status.set_health(Health::Closed);
            self.0.publish(&News::Closed(Some(Error::Poisoned)));
        }
    }
}

/// What the journal's thread does until the store is closed or stops.
pub fn run(shared: &Shared, writer: Writer) {
    let _close = CloseOnPanic(shared);
    // Dropped before `_close` reports the close, and the directory's lock with it.
    let mut writer = writer;
    // Dropped before the writer, so that waiting callers fail before it joins the checkpoint's thread.
    let _tell = NotifyOfPanic(shared);
    loop {
        match writer.turn() {
            Turn::Again => {}
            Turn::Ended => return,
            Turn::Idle(timeout) => {
                if !shared.wait_for_work(timeout) {
                    return;
                }
            }
        }
    }
}
