//! The Node-API binding: converts arguments, calls the core, converts results. It decides nothing about sessions.

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
mod recovery;
mod results;
mod store;
mod strings;
