//! The binding: converts, calls the core, converts back. No decision about sessions is made here.

mod background;
mod calls;
mod clock;
mod cookie_reader;
mod error;
mod events;
mod function;
mod inspect;
mod inspected;
mod journal;
mod opened;
mod options;
mod results;
mod store;
mod strings;
