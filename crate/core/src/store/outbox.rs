//! The outbox: events waiting for their listeners.

use crate::model::event::{Event, EventMask};
use crate::model::text::OwnedText;
use smallvec::SmallVec;
use std::collections::VecDeque;

/// Events in a batch, the unit in which JavaScript receives them.
pub const BATCH: usize = 128;
/// Bytes of events kept for a slow listener, some 250,000 events. Beyond that, new events are dropped and counted.
pub const MAX_BYTES: usize = 16 << 20;

/// The events waiting for one listener, in batches, so that growing under the lock copies little.
#[derive(Debug, Default)]
pub struct EventQueue {
    mask: EventMask,
    batches: VecDeque<Vec<Event>>,
    bytes: usize,
    dropped: u64,
    /// True if the listener was notified and has not emptied the queue since.
    signalled: bool,
}

/// The bytes that an event occupies.
fn bytes_of(event: &Event) -> usize {
    let uid = event.uid.as_ref().map_or(0, |uid| match uid {
        OwnedText::Latin1(bytes) => bytes.len(),
        OwnedText::Utf16(units) => 2 * units.len(),
    });
    size_of::<Event>() + uid
}

impl EventQueue {
    pub fn mask(&self) -> EventMask {
        self.mask
    }

    pub fn set_mask(&mut self, mask: EventMask) {
        self.mask = mask;
    }

    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    pub fn push(&mut self, event: Event) {
        if !self.mask.has(event.kind) {
            return;
        }
        let bytes = bytes_of(&event);
        if self.bytes + bytes > MAX_BYTES {
            self.dropped += 1;
            return;
        }
        self.bytes += bytes;
        match self.batches.back_mut() {
            Some(batch) if batch.len() < BATCH => batch.push(event),
            _ => self.batches.push_back(vec![event]),
        }
    }

    /// Takes the oldest batch. Once this returns `None`, the next event signals again.
    pub fn take(&mut self) -> Option<Vec<Event>> {
        let batch = self.batches.pop_front();
        match &batch {
            Some(batch) => self.bytes -= batch.iter().map(bytes_of).sum::<usize>(),
            None => self.signalled = false,
        }
        batch
    }

    /// True if the listener must be notified now: once, until it has emptied the queue.
    pub fn take_signal(&mut self) -> bool {
        let signal = !self.batches.is_empty() && !self.signalled;
        self.signalled |= signal;
        signal
    }
}

/// The event queues of one store, by seat: each of its handles has a seat, and a queue if it listens.
#[derive(Debug, Default)]
pub struct Outbox {
    queues: SmallVec<[(u32, EventQueue); 1]>,
    /// The kinds that any of the listeners wants.
    mask: EventMask,
}

impl Outbox {
    pub fn mask(&self) -> EventMask {
        self.mask
    }

    pub fn set_mask(&mut self, seat: u32, mask: EventMask) {
        if self.queue(seat).is_none() {
            self.queues.push((seat, EventQueue::default()));
        }
        if let Some(queue) = self.queue(seat) {
            queue.set_mask(mask);
        }
        self.mask = EventMask(self.queues.iter().fold(0, |all, (_, queue)| all | queue.mask().0));
    }

    /// Removes the queue of a handle that is closed, and the events in it.
    pub fn leave(&mut self, seat: u32) {
        self.set_mask(seat, EventMask::default());
        self.queues.retain(|(at, _)| *at != seat);
    }

    pub fn push(&mut self, event: Event) {
        if let [(_, only)] = &mut self.queues[..] {
            return only.push(event);
        }
        for (_, queue) in &mut self.queues {
            queue.push(event.clone());
        }
    }

    pub fn take(&mut self, seat: u32) -> Option<Vec<Event>> {
        self.queue(seat)?.take()
    }

    pub fn take_signal(&mut self) -> bool {
        // Every queue is asked, because each records that it was signalled.
        self.queues
            .iter_mut()
            .fold(false, |any, (_, queue)| queue.take_signal() | any)
    }

    pub fn dropped(&self) -> u64 {
        self.queues.iter().map(|(_, queue)| queue.dropped()).sum()
    }

    fn queue(&mut self, seat: u32) -> Option<&mut EventQueue> {
        self.queues
            .iter_mut()
            .find(|(at, _)| *at == seat)
            .map(|(_, queue)| queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::{EventKind, Reason};
    use crate::model::id::Handle;

    fn event(kind: EventKind) -> Event {
        let handle = Handle::parse(b"AAAAAAAAAAAAAAAA").unwrap();
        Event {
            kind,
            reason: Reason::Create,
            handle,
            uid: None,
        }
    }

    #[test]
    fn signals_once_until_it_is_emptied() {
        let mut queue = EventQueue::default();
        queue.push(event(EventKind::Created));
        assert!(!queue.take_signal(), "no listener");
        queue.set_mask(EventMask(1));
        queue.push(event(EventKind::Expired));
        assert!(!queue.take_signal(), "no listener for this kind");
        for _ in 0..=BATCH {
            queue.push(event(EventKind::Created));
        }
        assert!(queue.take_signal() && !queue.take_signal());
        assert_eq!(queue.take().map(|batch| batch.len()), Some(BATCH));
        queue.push(event(EventKind::Created));
        assert!(!queue.take_signal());
        assert_eq!(queue.take().map(|batch| batch.len()), Some(2));
        assert_eq!(queue.take(), None);
        queue.push(event(EventKind::Created));
        assert!(queue.take_signal());
    }

    /// The bound once was a number of events, whatever the length of their user ids: 600 MiB for a slow listener.
    #[test]
    fn the_bytes_of_waiting_events_are_bounded_and_dropped_events_are_counted() {
        let mut queue = EventQueue::default();
        queue.set_mask(EventMask::ALL);
        let long = Event {
            uid: Some(OwnedText::Utf16(vec![0x416; 255].into())),
            ..event(EventKind::Expired)
        };
        let fits = MAX_BYTES / bytes_of(&long);
        for _ in 0..fits + 3 {
            queue.push(long.clone());
        }
        assert_eq!(queue.dropped(), 3);
        let mut taken = 0;
        while let Some(batch) = queue.take() {
            taken += batch.len();
        }
        assert_eq!((taken, queue.bytes), (fits, 0));
    }
}
