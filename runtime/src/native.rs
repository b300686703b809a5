//! The table of all functions that TypeScript can call, and where in the global scope each stands.

use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, Ordering};
use rquickjs::{Ctx, Object, Value, qjs};

use crate::call::{Call, Failure, Outcome, checked, dispatch};
use crate::{globals, sys};

type Run = for<'js> fn(&Call<'js>) -> Outcome<'js>;

/// The object a function belongs to.
#[derive(Clone, Copy, PartialEq)]
pub enum Owner {
    Host,
    Console,
    Math,
    TextEncoder,
    TextDecoder,
    /// A constructor in the global scope; the functions of its prototype have the owner of its name.
    Global,
}

/// One function.
pub struct Native {
    owner: Owner,
    name: &'static CStr,
    length: i32,
    run: Run,
    /// May run while the image is made: touches nothing outside.
    pure: bool,
}

impl Native {
    /// A function of the host.
    pub const fn host(name: &'static CStr, length: i32, run: Run) -> Self {
        Self { owner: Owner::Host, name, length, run, pure: false }
    }

    /// A function of another object, that may be called while the image is made.
    pub const fn pure(owner: Owner, name: &'static CStr, length: i32, run: Run) -> Self {
        Self { owner, name, length, run, pure: true }
    }

    /// A function of another object, that may not.
    pub const fn impure(owner: Owner, name: &'static CStr, length: i32, run: Run) -> Self {
        Self { owner, name, length, run, pure: false }
    }

    pub fn name(&self) -> &'static str {
        self.name.to_str().unwrap_or("?")
    }

    pub fn run<'js>(&self, call: &Call<'js>) -> Outcome<'js> {
        if !self.pure && BUILDING.load(Ordering::Relaxed) {
            return Err(Failure::Type("called while the program is built".into()));
        }
        (self.run)(call)
    }
}

/// Set while modules are evaluated: then they may touch nothing.
static BUILDING: AtomicBool = AtomicBool::new(false);

pub fn set_building(building: bool) {
    BUILDING.store(building, Ordering::Relaxed);
}

pub fn is_building() -> bool {
    BUILDING.load(Ordering::Relaxed)
}

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

impl Native {
    const fn copy(&self) -> Self {
        Self {
            owner: self.owner,
            name: self.name,
            length: self.length,
            run: self.run,
            pure: self.pure,
        }
    }
}

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
        define(object, native.name, function(object.ctx(), place, native, false)?)?;
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
    if linked < 0 { Err(Failure::Thrown) } else { define(globals, name, constructor) }
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

/// Defines a property that does not show up when the object is listed.
fn define(object: &Object, name: &CStr, value: Value) -> Result<(), Failure> {
    let ctx = object.ctx().as_raw().as_ptr();
    let flags = qjs::JS_PROP_CONFIGURABLE | qjs::JS_PROP_WRITABLE;
    // SAFETY: the engine takes over the reference to the value that it is given.
    let defined = unsafe {
        let value = qjs::JS_DupValue(ctx, value.as_raw());
        qjs::JS_DefinePropertyValueStr(ctx, object.as_raw(), name.as_ptr(), value, flags as i32)
    };
    if defined < 0 { Err(Failure::Thrown) } else { Ok(()) }
}
