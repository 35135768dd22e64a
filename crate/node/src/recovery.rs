//! The report of an opening, as a JavaScript object.

use crate::results::number;
use agai_session_core::face::Report;
use napi_derive::napi;

/// The report of an opening: what it found in the directory and what became of it.
#[napi(object)]
pub struct NativeRecovery {
    /// True if the directory held no store.
    pub created: bool,
    pub generation: f64,
    pub sessions: f64,
    pub expired: f64,
    pub evicted: f64,
    pub records: f64,
    /// The number of bytes of an unfinished write that were cut off, and the file they were copied to.
    pub torn_bytes: f64,
    pub torn_file: Option<String>,
    /// The names of the damaged files, which were kept aside.
    pub damaged: Vec<String>,
    /// Descriptions of the damaged places that were skipped.
    pub damages: Vec<String>,
    /// By how many milliseconds the system clock had been set back.
    pub clock_set_back: f64,
    pub duration_ms: f64,
}

impl From<&Report> for NativeRecovery {
    fn from(report: &Report) -> Self {
        Self {
            created: report.created,
            generation: number(report.generation),
            sessions: number(report.sessions),
            expired: number(report.expired),
            evicted: number(report.evicted),
            records: number(report.records),
            torn_bytes: number(report.torn_bytes),
            torn_file: report.torn_file.clone(),
            damaged: report.kept.clone(),
            damages: report.damages.iter().map(ToString::to_string).collect(),
            clock_set_back: number(report.clock_set_back),
            duration_ms: number(report.millis),
        }
    }
}
