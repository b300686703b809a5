//! The table of all functions that TypeScript can call, and where in the global scope each stands.

use core::ffi::CStr;
use core::ptr::NonNull;
use rquickjs::{Ctx, Object, qjs};

use crate::call::Call;
use crate::exception::throw;
use crate::failure::{Failure, Outcome, checked};
use crate::native::{Native, Owner};
use crate::property::{HIDDEN, define};
use crate::{globals, sys};

/// All functions; their places here are what the engine calls them by.
pub static TABLE: [Native; sys::FUNCTIONS.len() + globals::FUNCTIONS.len()] = {
    let mut table = [const { Native::host(c"", 0, globals::nothing) };
        sys::FUNCTIONS.len() + globals::FUNCTIONS.len()];
    let mut index = 0;
    while index < table.len() {
        table[index] = if index < sys::FUNCTIONS.len() {
            sys::FUNCTIONS[index].copy()
        } else {
            globals::FUNCTIONS[index - sys::FUNCTIONS.len()].copy()
        };
        index += 1;
    }
    table
};

/// Puts every function where it belongs.
pub fn install(ctx: &Ctx) -> Result<(), Failure> {
    let globals = ctx.globals();
    let host = add_all(&Object::new(ctx.clone())?, Owner::Host)?;
    globals.set("netloomHost", host)?;
    globals.set("console", add_all(&Object::new(ctx.clone())?, Owner::Console)?)?;
    let math: Object = globals.get("Math")?;
    add_all(&math, Owner::Math)?;
    let encoder = add_all(&Object::new(ctx.clone())?, Owner::TextEncoder)?;
    let decoder = add_all(&Object::new(ctx.clone())?, Owner::TextDecoder)?;
    for (name, prototype) in [(c"TextEncoder", encoder), (c"TextDecoder", decoder)] {
        prototype.set("encoding", "utf-8")?;
        add_constructor(&globals, name, &prototype)?;
    }
    Ok(())
}

fn add_all<'js>(object: &Object<'js>, owner: Owner) -> Result<Object<'js>, Failure> {
    for (place, native) in TABLE.iter().enumerate().filter(|(_, native)| native.owner == owner) {
        define(object, native.name, function(object.ctx(), place, native, false)?, HIDDEN)?;
    }
    Ok(object.clone())
}

fn add_constructor<'js>(
    globals: &Object<'js>,
    name: &CStr,
    prototype: &Object<'js>,
) -> Result<(), Failure> {
    let found = TABLE.iter().enumerate().find(|(_, n)| n.owner == Owner::Global && n.name == name);
    let Some((place, native)) = found else { return Ok(()) };
    let constructor = function(globals.ctx(), place, native, true)?;
    // SAFETY: both values are alive.
    let linked = unsafe {
        qjs::JS_SetConstructor(
            globals.ctx().as_raw().as_ptr(),
            constructor.as_raw(),
            prototype.as_raw(),
        )
    };
    if linked < 0 { Err(Failure::Thrown) } else { define(globals, name, constructor, HIDDEN) }
}

fn function<'js>(ctx: &Ctx<'js>, place: usize, native: &Native, constructor: bool) -> Outcome<'js> {
    let kind = if constructor {
        qjs::JSCFunctionEnum_JS_CFUNC_constructor_magic
    } else {
        qjs::JSCFunctionEnum_JS_CFUNC_generic_magic
    };
    let call = qjs::JSCFunctionType { generic_magic: Some(dispatch) };
    // SAFETY: both kinds are called with the signature of `dispatch`; the name lives for ever.
    let raw = unsafe {
        let ctx = ctx.as_raw().as_ptr();
        qjs::JS_NewCFunction2(
            ctx,
            call.generic,
            native.name.as_ptr(),
            native.length,
            kind,
            place as i32,
        )
    };
    checked(ctx, raw)
}

/// What the engine calls for every function of the host; `magic` is its place in the table.
///
/// # Safety
/// Called by the engine, with `count` arguments.
unsafe extern "C" fn dispatch(
    ctx: *mut qjs::JSContext,
    this: qjs::JSValue,
    count: core::ffi::c_int,
    arguments: *mut qjs::JSValue,
    magic: core::ffi::c_int,
) -> qjs::JSValue {
    let (Some(native), Some(context)) = (TABLE.get(magic as usize), NonNull::new(ctx)) else {
        return qjs::JS_UNDEFINED;
    };
    // SAFETY: the engine calls us, and keeps `this` and the arguments alive meanwhile.
    let call = unsafe { Call::new(context, this, count, arguments, native.name) };
    match native.run(&call) {
        // SAFETY: the reference that `value` holds goes to the engine.
        Ok(value) => unsafe { qjs::JS_DupValue(ctx, value.as_raw()) },
        Err(failure) => {
            throw(&call, failure);
            qjs::JS_EXCEPTION
        }
    }
}
