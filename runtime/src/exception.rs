//! A failure as the exception that TypeScript sees.

use alloc::vec::Vec;
use core::ffi::CStr;
use rquickjs::{Value, qjs};
use rustix::io::Errno;

use crate::call::Call;
use crate::errno;
use crate::failure::{Failure, checked};
use crate::property::{HIDDEN, LISTED, define};
use crate::text;

/// Leaves the exception with the engine.
pub fn throw(call: &Call, failure: Failure) {
    let error = match failure {
        Failure::Thrown => return,
        Failure::Errno(errno) => host_error(call, errno),
        Failure::Type(message) => type_error(call, &message),
        Failure::Memory => Err(Failure::Memory),
    };
    let ctx = call.ctx.as_raw().as_ptr();
    // SAFETY: JS_Throw takes over the reference it is given.
    unsafe {
        match error {
            Ok(error) => qjs::JS_Throw(ctx, qjs::JS_DupValue(ctx, error.as_raw())),
            Err(Failure::Thrown) => return,
            Err(_) => qjs::JS_ThrowOutOfMemory(ctx),
        };
    }
}

/// `{ name: "HostError", message, errno, code, syscall, path? }`
fn host_error<'js>(call: &Call<'js>, errno: Errno) -> Result<Value<'js>, Failure> {
    let path = call.take_path();
    let (code, words) = errno::describe(errno);
    let ctx = call.ctx.as_raw().as_ptr();
    // SAFETY: makes a new error object, which `checked` takes over.
    let error = checked(&call.ctx, unsafe { qjs::JS_NewError(ctx) })?;
    let message = message(call, path.as_ref(), code, words)?;
    define(&error, c"name", text::from_utf8(&call.ctx, "HostError")?, HIDDEN)?;
    define(&error, c"message", text::from_bytes(&call.ctx, &message)?, HIDDEN)?;
    define(&error, c"errno", call.number(errno.raw_os_error())?, LISTED)?;
    define(&error, c"code", text::from_utf8(&call.ctx, code)?, LISTED)?;
    define(&error, c"syscall", text::from_utf8(&call.ctx, name_of(call))?, LISTED)?;
    if let Some(path) = path {
        define(&error, c"path", path, LISTED)?;
    }
    Ok(error)
}

/// `open "/x": ENOENT: no such file or directory`
fn message(
    call: &Call,
    path: Option<&Value>,
    code: &str,
    words: &[u8],
) -> Result<Vec<u8>, Failure> {
    let mut message = Vec::from(name_of(call));
    if let Some(path) = path {
        message.extend(b" \"");
        // A path that has no bytes (a lone surrogate) is what the call failed for.
        message.extend(text::to_bytes(path).or_else(|_| text::to_utf8(path))?);
        message.extend(b"\"");
    }
    message.extend(b": ");
    message.extend(code.as_bytes());
    message.extend(b": ");
    let sentence = words.get(1).is_some_and(u8::is_ascii_lowercase);
    message
        .extend(words.iter().take(1).map(|c| if sentence { c.to_ascii_lowercase() } else { *c }));
    message.extend(words.iter().skip(1));
    Ok(message)
}

fn name_of(call: &Call) -> &'static str {
    call.name.to_str().unwrap_or("?")
}

fn type_error<'js>(call: &Call<'js>, message: &str) -> Result<Value<'js>, Failure> {
    let message = alloc::format!("{}: {message}\0", name_of(call));
    let message = CStr::from_bytes_until_nul(message.as_bytes()).unwrap_or(c"wrong argument");
    // SAFETY: the format takes one C string.
    let raw = unsafe {
        qjs::JS_NewTypeError(call.ctx.as_raw().as_ptr(), c"%s".as_ptr(), message.as_ptr())
    };
    checked(&call.ctx, raw)
}
