//! What a call from TypeScript comes to when it gives no value.

use alloc::string::String;
use rquickjs::{Ctx, Value, qjs};
use rustix::io::Errno;

/// Why a call gave no value.
pub enum Failure {
    /// The kernel refused: becomes a `HostError`.
    Errno(Errno),
    /// Not the kind of value it wants: becomes a `TypeError`.
    Type(String),
    /// Memory ran out: the engine's own error.
    Memory,
    /// An exception waits already.
    Thrown,
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<rquickjs::Error> for Failure {
    fn from(error: rquickjs::Error) -> Self {
        match error {
            rquickjs::Error::Exception => Self::Thrown,
            rquickjs::Error::Allocation => Self::Memory,
            other => Self::Type(alloc::format!("{other}")),
        }
    }
}

impl From<alloc::collections::TryReserveError> for Failure {
    fn from(_: alloc::collections::TryReserveError) -> Self {
        Self::Memory
    }
}

pub type Outcome<'js> = Result<Value<'js>, Failure>;

/// Takes over a value that the engine made, or its exception.
pub fn checked<'js>(ctx: &Ctx<'js>, raw: qjs::JSValue) -> Outcome<'js> {
    // SAFETY: `raw` was returned to us, so we own one reference; an exception needs none.
    unsafe {
        if qjs::JS_IsException(raw) {
            return Err(Failure::Thrown);
        }
        Ok(Value::from_raw(ctx.clone(), raw))
    }
}
