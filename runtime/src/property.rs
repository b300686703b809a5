//! Properties of objects, past what the engine's crate offers.

use alloc::vec::Vec;
use core::ffi::CStr;
use rquickjs::{Value, qjs};

use crate::failure::{Failure, checked};
use crate::text;

/// Of a property that does not show up when the object is listed.
pub const HIDDEN: u32 = qjs::JS_PROP_CONFIGURABLE | qjs::JS_PROP_WRITABLE;
/// Of one that does.
pub const LISTED: u32 = qjs::JS_PROP_C_W_E;

/// Defines a property, [`HIDDEN`] or [`LISTED`].
pub fn define(object: &Value, name: &CStr, value: Value, flags: u32) -> Result<(), Failure> {
    let ctx = object.ctx().as_raw().as_ptr();
    // SAFETY: the engine takes over the reference to the value that it is given.
    let defined = unsafe {
        let value = qjs::JS_DupValue(ctx, value.as_raw());
        qjs::JS_DefinePropertyValueStr(ctx, object.as_raw(), name.as_ptr(), value, flags as i32)
    };
    if defined < 0 { Err(Failure::Thrown) } else { Ok(()) }
}

/// A property of an object as text; `None` if it is not there.
pub fn text_of(value: &Value, name: &CStr) -> Option<Vec<u8>> {
    let ctx = value.ctx();
    // SAFETY: the value is alive; what comes is taken over.
    let raw =
        unsafe { qjs::JS_GetPropertyStr(ctx.as_raw().as_ptr(), value.as_raw(), name.as_ptr()) };
    let text = checked(ctx, raw).ok()?;
    if text.is_string() { text::to_utf8(&text).ok() } else { None }
}
