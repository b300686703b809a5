//! `TextEncoder` and `TextDecoder`, UTF-8 only.

use alloc::string::String;
use rquickjs::{Ctx, Object, Value, qjs};

use crate::call::{Call, bytes};
use crate::failure::{Failure, Outcome, checked};
use crate::text;

/// An object with the prototype of the constructor it is made by.
fn instance<'js>(call: &Call<'js>) -> Result<Object<'js>, Failure> {
    let ctx = call.ctx.as_raw().as_ptr();
    // SAFETY: `this` is new.target and alive; both results are taken over.
    let raw = unsafe {
        let prototype = qjs::JS_GetPropertyStr(ctx, call.this.as_raw(), c"prototype".as_ptr());
        let prototype = checked(&call.ctx, prototype)?;
        qjs::JS_NewObjectProto(ctx, prototype.as_raw())
    };
    Ok(Object::from_value(checked(&call.ctx, raw)?)?)
}

/// `new TextEncoder()`
pub fn new_encoder<'js>(call: &Call<'js>) -> Outcome<'js> {
    Ok(instance(call)?.into_value())
}

/// `encode(text = "")`: a new Uint8Array; lone surrogates become U+FFFD.
pub fn encode<'js>(call: &Call<'js>) -> Outcome<'js> {
    let value = call.value(0);
    if value.is_undefined() {
        return call.array_of(&[]);
    }
    call.array_of(&text::to_utf8(&to_string(&call.ctx, &value)?)?)
}

fn to_string<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Outcome<'js> {
    // SAFETY: the value is alive; the new one is taken over.
    checked(ctx, unsafe { qjs::JS_ToString(ctx.as_raw().as_ptr(), value.as_raw()) })
}

/// `new TextDecoder(label = "utf-8", { fatal = false, ignoreBOM = false })`
pub fn new_decoder<'js>(call: &Call<'js>) -> Outcome<'js> {
    let label = call.value(0);
    if !label.is_undefined() {
        let label = text::to_utf8(&to_string(&call.ctx, &label)?)?;
        let name = String::from_utf8_lossy(&label);
        if !["utf-8", "utf8"].iter().any(|known| name.trim().eq_ignore_ascii_case(known)) {
            return Err(Failure::Type(alloc::format!("want label \"utf-8\", got \"{name}\"")));
        }
    }
    let decoder = instance(call)?;
    let options = call.value(1);
    for name in ["fatal", "ignoreBOM"] {
        let set = match options.as_object() {
            Some(options) => is_true(&options.get::<_, Value>(name)?),
            None => false,
        };
        decoder.set(name, set)?;
    }
    Ok(decoder.into_value())
}

fn is_true(value: &Value) -> bool {
    // SAFETY: the value is alive.
    unsafe { qjs::JS_ToBool(value.ctx().as_raw().as_ptr(), value.as_raw()) > 0 }
}

/// `decode(bytes)`: text; with `fatal` a TypeError for what is not UTF-8, else U+FFFD in its place.
pub fn decode<'js>(call: &Call<'js>) -> Outcome<'js> {
    let Some(decoder) = call.this.as_object() else {
        return Err(Failure::Type("not called on a TextDecoder".into()));
    };
    let options = call.value(1);
    if options
        .as_object()
        .is_some_and(|options| options.get("stream").is_ok_and(|value| is_true(&value)))
    {
        return Err(Failure::Type("the option \"stream\" is not supported".into()));
    }
    let input = call.value(0);
    let mut bytes: &[u8] = if input.is_undefined() { &[] } else { input_bytes(&input)? };
    if !is_true(&decoder.get("ignoreBOM")?) {
        bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    }
    match core::str::from_utf8(bytes) {
        Ok(valid) => text::from_utf8(&call.ctx, valid),
        Err(error) if is_true(&decoder.get("fatal")?) => {
            Err(Failure::Type(alloc::format!("not UTF-8 at byte {}", error.valid_up_to())))
        }
        Err(_) => text::from_utf8(&call.ctx, &String::from_utf8_lossy(bytes)),
    }
}

/// The bytes of a Uint8Array or of an ArrayBuffer.
fn input_bytes<'js>(input: &Value<'js>) -> Result<&'js [u8], Failure> {
    // SAFETY: the value is alive; the caller holds the buffer while the call runs.
    unsafe {
        if !qjs::JS_IsArrayBuffer(input.as_raw()) {
            return Ok(bytes(input, "input")?);
        }
        let mut length = 0;
        let start =
            qjs::JS_GetArrayBuffer(input.ctx().as_raw().as_ptr(), &mut length, input.as_raw());
        if start.is_null() {
            return if length == 0 { Ok(&[]) } else { Err(Failure::Thrown) };
        }
        Ok(core::slice::from_raw_parts(start, length as usize))
    }
}
