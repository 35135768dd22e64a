//! Test support: a disk that loses power on command, stores on it, and the fuzzer's entry points. Behind the feature `testing`, which no
//! published binary has.

pub mod disk;
#[cfg(feature = "testing")]
pub mod fuzzing;
pub mod objects;
pub mod simulation;
pub mod waiting;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod journal_tests;
