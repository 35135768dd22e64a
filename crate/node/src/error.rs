//! Errors and panics, as JavaScript errors with a stable `code`.

use agai_session_core::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The status type is the `code` that JavaScript sees.
pub type Result<T> = napi::Result<T, &'static str>;

pub const INTERNAL: &str = "ERR_SESSION_INTERNAL";

/// The one place where the core's errors become Node's.
pub fn from_core(error: &Error) -> napi::Error<&'static str> {
    napi::Error::new(error.code(), error.to_string())
}

/// Node-API itself refused something, which only a shutting down environment does.
pub fn from_napi(error: &napi::Error) -> napi::Error<&'static str> {
    napi::Error::new(INTERNAL, format!("Node-API: {}", error.reason))
}

/// Runs an export's body. A panic becomes an error: it never crosses into the engine.
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
