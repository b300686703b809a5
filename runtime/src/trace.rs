//! Uncaught exceptions, on stderr.

use alloc::vec::Vec;
use rquickjs::{Ctx, Value, qjs};

use crate::failure::checked;
use crate::{property, report, text};

/// How far a chain of causes is followed.
const CAUSES: usize = 8;

/// Prints the waiting exception, with its stack and its causes, and ends the process.
pub fn fatal_exception(ctx: &Ctx) -> ! {
    let mut error = ctx.catch();
    if error.is_null() || error.is_undefined() {
        report::fatal(&[b"out of memory"]);
    }
    report::print(&[b"netloom: uncaught "]);
    for _ in 0..CAUSES {
        report::print(&[&describe(&error), b"\n"]);
        if let Some(stack) = property::text_of(&error, c"stack") {
            report::print(&[&stack]);
        }
        let Some(cause) = cause(&error) else { break };
        report::print(&[b"caused by "]);
        error = cause;
    }
    report::exit(report::FAILURE)
}

/// `name: message`
fn describe(error: &Value) -> Vec<u8> {
    let ctx = error.ctx();
    // SAFETY: the value is alive; the new one is taken over.
    let shown = checked(ctx, unsafe { qjs::JS_ToString(ctx.as_raw().as_ptr(), error.as_raw()) });
    shown
        .and_then(|shown| text::to_utf8(&shown))
        .unwrap_or_else(|_| b"exception that has no text".to_vec())
}

fn cause<'js>(error: &Value<'js>) -> Option<Value<'js>> {
    let cause: Value = error.as_object()?.get("cause").ok()?;
    (!cause.is_undefined() && !cause.is_null()).then_some(cause)
}
