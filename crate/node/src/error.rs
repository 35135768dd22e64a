//! Errors and panics as JavaScript errors with a stable `code`.

use agai_session_core::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A result whose error carries the `code` that JavaScript sees.
pub type Result<T> = napi::Result<T, &'static str>;

pub const INTERNAL: &str = "ERR_SESSION_INTERNAL";

/// Converts an error of the core.
pub fn from_core(error: &Error) -> napi::Error<&'static str> {
    napi::Error::new(error.code(), error.to_string())
}

/// Converts an error of Node-API, which fails only while its environment shuts down.
pub fn from_napi(error: &napi::Error) -> napi::Error<&'static str> {
    napi::Error::new(INTERNAL, format!("Node-API: {}", error.reason))
}

/// Runs the body of an export, and turns a panic into an error. Each export runs under it (`scripts/guarded.mjs` checks that): a panic that
/// crosses into the engine aborts the process.
pub fn guard<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Err(napi::Error::new(
            INTERNAL,
            format!("panic: {}", message.unwrap_or("without a message")),
        ))
    })
}
