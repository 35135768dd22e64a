//! A difference between two sets of options.

use std::fmt;

/// An option that an open store has and an opening of the same directory has otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The name that JavaScript users know it by.
    pub option: &'static str,
    /// The open store's value.
    pub open: String,
    /// The value that the opening was given.
    pub given: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { option, open, given } = self;
        write!(f, "{option} is {open} there and {given} here")
    }
}
