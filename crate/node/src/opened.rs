//! A store as one JavaScript thread has it open: the handle, and the buffers that every call uses again.

use crate::error::{Result, from_core};
use crate::results::{Results, Status, millis};
use crate::strings::TextIn;
use agai_session_core::{Commit, StoreHandle, TextBuffer};
use napi::bindgen_prelude::Float64Array;
use std::cell::RefCell;

/// Buffers that every call uses again. One JavaScript thread uses them, one call at a time.
pub struct Buffers {
    pub data: TextIn,
    pub form: TextIn,
    pub uid: TextIn,
    pub out: TextBuffer,
    pub results: Results,
}

/// The open store, shared by its JavaScript object and its functions.
pub struct Opened {
    pub handle: StoreHandle,
    buffers: RefCell<Buffers>,
}

impl Opened {
    pub fn new(handle: StoreHandle, results: Float64Array) -> Self {
        Self {
            handle,
            buffers: RefCell::new(Buffers {
                data: TextIn::default(),
                form: TextIn::default(),
                uid: TextIn::default(),
                out: TextBuffer::default(),
                results: Results::new(results),
            }),
        }
    }

    pub fn call<T>(&self, body: impl FnOnce(&StoreHandle, &mut Buffers) -> Result<T>) -> Result<T> {
        body(&self.handle, &mut self.buffers.borrow_mut())
    }

    /// Returns `value`, the answer to a text that is no id or handle, unless the store is closed.
    pub fn check<T>(&self, value: T) -> Result<T> {
        self.handle
            .check_open()
            .map(|()| value)
            .map_err(|error| from_core(&error))
    }

    /// For calls whose effect is to survive: the record to wait for goes to the shared array.
    pub fn write<T>(&self, body: impl FnOnce(&StoreHandle, &mut Buffers) -> Result<T>) -> Result<T> {
        self.call(|handle, buffers| {
            let answer = body(handle, buffers)?;
            buffers.results.lsn(handle.lsn());
            Ok(answer)
        })
    }
}

/// A version to commit from; versions start at 1, and 0 stands for whichever is stored.
pub fn base_version(version: f64) -> Option<u64> {
    (version > 0.0).then(|| millis(version))
}

/// Puts what became of a commit in the shared array.
pub fn set_outcome(results: &mut Results, commit: Commit) -> Status {
    let status = match commit {
        Commit::Done(facts) => {
            results.facts(&facts);
            Status::Ok
        }
        Commit::Conflict => Status::Conflict,
        Commit::Gone => Status::Gone,
    };
    results.status(status);
    status
}
