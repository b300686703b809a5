//! `console`: one line to stderr.

use alloc::vec::Vec;

use crate::call::Call;
use crate::failure::{Failure, Outcome, checked};
use crate::{report, text};

/// `console.error(text)`, `warn`, `log`: the arguments as text, with spaces between.
pub fn line<'js>(call: &Call<'js>) -> Outcome<'js> {
    let mut line = Vec::new();
    for index in 0..call.count() {
        if index > 0 {
            line.push(b' ');
        }
        let value = call.value(index);
        // SAFETY: the value is alive; the new one is taken over.
        let raw = unsafe { rquickjs::qjs::JS_ToString(call.ctx.as_raw().as_ptr(), value.as_raw()) };
        let shown = checked(&call.ctx, raw)?;
        line.extend(match text::to_bytes(&shown) {
            Err(Failure::Errno(_)) => text::to_utf8(&shown)?,
            other => other?,
        });
    }
    line.push(b'\n');
    report::print(&[&line]);
    call.done()
}
