//! An open store of one JavaScript thread: the handle, and the buffers that all calls reuse.

use crate::error::{Result, from_core};
use crate::results::{Results, Status, millis};
use crate::strings::{ObjectIn, TextIn};
use agai_session_core::{Commit, StoreHandle, TextBuffer};
use napi::bindgen_prelude::Float64Array;
use std::cell::RefCell;

/// Buffers that all calls reuse. One JavaScript thread uses them, one call at a time.
pub struct Buffers {
    pub data: ObjectIn,
    pub set: ObjectIn,
    pub removed: ObjectIn,
    /// A key, or a `Cookie` header.
    pub name: TextIn,
    pub form: TextIn,
    pub uid: TextIn,
    pub methods: TextIn,
    pub out: TextBuffer,
    pub results: Results,
}

/// An open store, shared by its JavaScript object and its functions.
pub struct Opened {
    pub handle: StoreHandle,
    buffers: RefCell<Buffers>,
}

impl Opened {
    pub fn new(handle: StoreHandle, results: Float64Array) -> Self {
        Self {
            handle,
            buffers: RefCell::new(Buffers {
                data: ObjectIn::default(),
                set: ObjectIn::default(),
                removed: ObjectIn::default(),
                name: TextIn::default(),
                form: TextIn::default(),
                uid: TextIn::default(),
                methods: TextIn::default(),
                out: TextBuffer::default(),
                results: Results::new(results),
            }),
        }
    }

    /// Runs a call on the store.
    pub fn call<T>(&self, body: impl FnOnce(&StoreHandle, &mut Buffers) -> Result<T>) -> Result<T> {
        body(&self.handle, &mut self.buffers.borrow_mut())
    }

    /// Returns `value`, the result for a text that is no id or handle; an error if the store is closed.
    pub fn check<T>(&self, value: T) -> Result<T> {
        self.handle
            .check_open()
            .map(|()| value)
            .map_err(|error| from_core(&error))
    }

    /// Runs a call that may write to the log, and puts the number of the record to wait for in the shared array.
    pub fn write<T>(&self, body: impl FnOnce(&StoreHandle, &mut Buffers) -> Result<T>) -> Result<T> {
        self.call(|handle, buffers| {
            let result = body(handle, buffers)?;
            buffers.results.lsn(handle.lsn());
            Ok(result)
        })
    }
}

/// The version that a change was made to; versions start at 1, and 0 stands for whichever is stored.
pub fn base_version(version: f64) -> Option<u64> {
    (version > 0.0).then(|| millis(version))
}

/// Writes the result of a commit to the shared array.
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
