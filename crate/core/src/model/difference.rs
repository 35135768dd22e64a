//! A difference between the options of an open store and those of another opening of its directory.

use std::fmt;

/// An option whose value in an open store differs from the value that another opening of its directory gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its name in JavaScript.
    pub option: &'static str,
    /// The open store's value.
    pub open: String,
    /// The value that the other opening gave.
    pub given: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { option, open, given } = self;
        write!(f, "{option} is {open} there and {given} here")
    }
}
