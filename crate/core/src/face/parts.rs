//! The parts that a store is opened with.

use crate::journal::options::JournalOptions;
use crate::model::change::Options;
use crate::model::clock::Clock;
use crate::model::random::Random;
use std::sync::Arc;

/// Everything that a store is opened with, except its directory.
pub struct Parts {
    pub options: Options,
    pub journal: JournalOptions,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}
