//! Names of files, arguments and environment entries as text. Linux has bytes there; those that are not UTF-8 become
//! lone surrogates U+DC80…U+DCFF (PEP 383) and turn back into the same bytes.

use alloc::vec::Vec;
use rquickjs::{Ctx, Value, qjs};
use rustix::io::Errno;

use crate::failure::{Failure, checked};

/// A JavaScript string of bytes that should be UTF-8.
pub fn from_bytes<'js>(ctx: &Ctx<'js>, bytes: &[u8]) -> Result<Value<'js>, Failure> {
    match core::str::from_utf8(bytes) {
        Ok(text) => from_utf8(ctx, text),
        Err(_) => from_utf16(ctx, &escape(bytes)),
    }
}

/// A JavaScript string of Rust's.
pub fn from_utf8<'js>(ctx: &Ctx<'js>, text: &str) -> Result<Value<'js>, Failure> {
    // SAFETY: pointer and length are those of a live `str`.
    let raw = unsafe {
        qjs::JS_NewStringLen(ctx.as_raw().as_ptr(), text.as_ptr().cast(), text.len() as _)
    };
    checked(ctx, raw)
}

fn from_utf16<'js>(ctx: &Ctx<'js>, units: &[u16]) -> Result<Value<'js>, Failure> {
    // SAFETY: pointer and length are those of a live slice.
    let raw =
        unsafe { qjs::JS_NewStringUTF16(ctx.as_raw().as_ptr(), units.as_ptr(), units.len() as _) };
    checked(ctx, raw)
}

fn escape(bytes: &[u8]) -> Vec<u16> {
    let mut units = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        units.extend(chunk.valid().encode_utf16());
        units.extend(chunk.invalid().iter().map(|byte| 0xdc00 | u16::from(*byte)));
    }
    units
}

/// The bytes of a JavaScript string, with lone surrogates in the three bytes that UTF-8 would give them.
fn wtf8<'js>(value: &Value<'js>) -> Result<Vec<u8>, Failure> {
    let ctx = value.ctx().as_raw().as_ptr();
    let mut length = 0;
    // SAFETY: the text is copied before it is freed.
    unsafe {
        let text = qjs::JS_ToCStringLen2(ctx, &mut length, value.as_raw(), false);
        if text.is_null() {
            return Err(Failure::Thrown);
        }
        let bytes = core::slice::from_raw_parts(text.cast::<u8>(), length as usize).to_vec();
        qjs::JS_FreeCString(ctx, text);
        Ok(bytes)
    }
}

/// The bytes that [`from_bytes`] had made the string of. EILSEQ for other lone surrogates.
pub fn to_bytes(value: &Value) -> Result<Vec<u8>, Failure> {
    let bytes = wtf8(value)?;
    if core::str::from_utf8(&bytes).is_ok() { Ok(bytes) } else { Ok(unescape(&bytes)?) }
}

fn unescape(bytes: &[u8]) -> Result<Vec<u8>, Errno> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        rest = match (first, tail) {
            // U+DC80…U+DCFF are ED B2 80…ED B3 BF
            (0xed, [second @ 0xb2..=0xb3, third, tail @ ..]) => {
                out.push((second << 6) | (third & 0x3f));
                tail
            }
            (0xed, [0xa0..=0xff, ..]) => return Err(Errno::ILSEQ),
            _ => {
                out.push(first);
                tail
            }
        };
    }
    Ok(out)
}

/// UTF-8 as `TextEncoder` makes it: lone surrogates become U+FFFD.
pub fn to_utf8(value: &Value) -> Result<Vec<u8>, Failure> {
    let mut bytes = wtf8(value)?;
    if core::str::from_utf8(&bytes).is_err() {
        let mut at = 0;
        while at + 2 < bytes.len() {
            if bytes[at] == 0xed && bytes[at + 1] >= 0xa0 {
                bytes[at..at + 3].copy_from_slice("\u{fffd}".as_bytes());
            }
            at += 1;
        }
    }
    Ok(bytes)
}
