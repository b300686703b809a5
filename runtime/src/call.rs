//! One call from TypeScript: its arguments, its value, its failure. Checks types; the kernel judges the rest.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::cell::Cell;
use core::ffi::CStr;
use core::ptr::NonNull;
use rquickjs::{Array, Ctx, Object, Value, qjs};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;

use crate::failure::{Failure, Outcome, checked};
use crate::text;

/// A call and what it was given.
pub struct Call<'js> {
    pub ctx: Ctx<'js>,
    /// The receiver; for a constructor, `new.target`.
    pub this: Value<'js>,
    /// Name of the function.
    pub name: &'static CStr,
    arguments: &'js [qjs::JSValue],
    path: Cell<Option<Value<'js>>>,
}

impl<'js> Call<'js> {
    /// # Safety
    /// What the engine hands to a function that it calls: alive until that returns, `count` arguments.
    pub unsafe fn new(
        ctx: NonNull<qjs::JSContext>,
        this: qjs::JSValue,
        count: core::ffi::c_int,
        arguments: *const qjs::JSValue,
        name: &'static CStr,
    ) -> Self {
        // SAFETY: the caller's promise; the new reference is counted.
        unsafe {
            let this = qjs::JS_DupValue(ctx.as_ptr(), this);
            let ctx = Ctx::from_raw(ctx);
            let arguments = match usize::try_from(count) {
                Ok(count) if count > 0 => core::slice::from_raw_parts(arguments, count),
                _ => &[],
            };
            let this = Value::from_raw(ctx.clone(), this);
            Self { ctx, this, name, arguments, path: Cell::new(None) }
        }
    }

    /// What argument `index` is; undefined when it was left out.
    pub fn value(&self, index: usize) -> Value<'js> {
        match self.arguments.get(index) {
            // SAFETY: arguments live as long as the call; the new reference is counted.
            Some(raw) => unsafe {
                let raw = qjs::JS_DupValue(self.ctx.as_raw().as_ptr(), *raw);
                Value::from_raw(self.ctx.clone(), raw)
            },
            None => self.undefined(),
        }
    }

    /// How many arguments there are.
    pub fn count(&self) -> usize {
        self.arguments.len()
    }

    pub fn integer<T: TryFrom<i64>>(&self, index: usize, name: &str) -> Result<T, Failure> {
        integer(&self.value(index), name)
    }

    /// A number that may be left out.
    pub fn optional<T: TryFrom<i64>>(
        &self,
        index: usize,
        name: &str,
    ) -> Result<Option<T>, Failure> {
        let value = self.value(index);
        if value.is_undefined() { Ok(None) } else { integer(&value, name).map(Some) }
    }

    /// A time; `u64::MAX` nanoseconds is the most.
    pub fn milliseconds(&self, index: usize, name: &str) -> Result<f64, Failure> {
        let value = self.value(index);
        value
            .as_number()
            .filter(|number| !number.is_nan())
            .ok_or_else(|| wants(name, "a number", &value))
    }

    /// A descriptor; EBADF for a negative one. Whether it is open the kernel tells.
    pub fn fd(&self, index: usize) -> Result<BorrowedFd<'static>, Failure> {
        borrow_fd(self.integer(index, "fd")?)
    }

    /// A path, and the one the error names when the call fails.
    pub fn path(&self, index: usize, name: &str) -> Result<CString, Failure> {
        let value = self.value(index);
        self.name_path(value.clone());
        c_string(&value, name)
    }

    /// Sets the path that the error names when the call fails.
    pub fn name_path(&self, path: Value<'js>) {
        self.path.set(path.is_string().then_some(path));
    }

    pub fn take_path(&self) -> Option<Value<'js>> {
        self.path.take()
    }

    pub fn c_string(&self, index: usize, name: &str) -> Result<CString, Failure> {
        c_string(&self.value(index), name)
    }

    /// The bytes of a Uint8Array. They stay where they are: only the caller of this function could move them.
    pub fn bytes(&self, index: usize, name: &str) -> Result<&'js mut [u8], Failure> {
        bytes(&self.value(index), name)
    }

    pub fn object(&self, index: usize, name: &str) -> Result<Object<'js>, Failure> {
        let value = self.value(index);
        value.as_object().cloned().ok_or_else(|| wants(name, "an object", &value))
    }

    pub fn undefined(&self) -> Value<'js> {
        Value::new_undefined(self.ctx.clone())
    }

    /// Nothing, as the value of a call that went well.
    pub fn done(&self) -> Outcome<'js> {
        Ok(self.undefined())
    }

    pub fn number<T: TryInto<i32> + Copy>(&self, number: T) -> Outcome<'js>
    where
        f64: LossyFrom<T>,
    {
        Ok(match number.try_into() {
            Ok(small) => Value::new_int(self.ctx.clone(), small),
            Err(_) => self.float(f64::lossy_from(number)),
        })
    }

    pub fn float(&self, number: f64) -> Value<'js> {
        Value::new_number(self.ctx.clone(), number)
    }

    /// A Uint8Array with a copy of the bytes.
    pub fn array_of(&self, bytes: &[u8]) -> Outcome<'js> {
        // SAFETY: pointer and length are those of a live slice.
        let raw = unsafe {
            qjs::JS_NewUint8ArrayCopy(self.ctx.as_raw().as_ptr(), bytes.as_ptr(), bytes.len() as _)
        };
        checked(&self.ctx, raw)
    }

    pub fn text(&self, bytes: &[u8]) -> Outcome<'js> {
        text::from_bytes(&self.ctx, bytes)
    }

    pub fn new_object(&self) -> Result<Object<'js>, Failure> {
        Ok(Object::new(self.ctx.clone())?)
    }

    /// An array of texts.
    pub fn texts<'a>(&self, items: impl Iterator<Item = &'a [u8]>) -> Outcome<'js> {
        let array = Array::new(self.ctx.clone())?;
        for (index, item) in items.enumerate() {
            array.set(index, self.text(item)?)?;
        }
        Ok(array.into_value())
    }
}

/// 64-bit numbers as doubles: exact up to 2^53, as the contract says.
pub trait LossyFrom<T> {
    fn lossy_from(number: T) -> Self;
}

macro_rules! lossy {
    ($($type:ty),*) => { $(impl LossyFrom<$type> for f64 {
        fn lossy_from(number: $type) -> f64 { number as f64 }
    })* };
}
lossy!(i32, u32, i64, u64, usize, isize);

fn wants(name: &str, what: &str, value: &Value) -> Failure {
    Failure::Type(alloc::format!("{name}: want {what}, got {}", value.type_name()))
}

pub fn integer<T: TryFrom<i64>>(value: &Value, name: &str) -> Result<T, Failure> {
    let number = match value.as_int() {
        Some(small) => Some(i64::from(small)),
        None => value.as_number().filter(|float| is_whole(*float)).map(|float| float as i64),
    };
    let number = number.ok_or_else(|| wants(name, "an integer", value))?;
    number.try_into().map_err(|_| Failure::Type(alloc::format!("{name}: {number} is out of range")))
}

fn is_whole(float: f64) -> bool {
    float.abs() <= 9_007_199_254_740_992.0 && (float as i64) as f64 == float
}

pub fn borrow_fd(fd: i32) -> Result<BorrowedFd<'static>, Failure> {
    if fd < 0 {
        return Err(Errno::BADF.into());
    }
    // SAFETY: not -1. The number is the script's; if nothing is open there the kernel answers EBADF.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// Text for the kernel; EINVAL if a NUL is inside.
pub fn c_string(value: &Value, name: &str) -> Result<CString, Failure> {
    if !value.is_string() {
        return Err(wants(name, "a string", value));
    }
    CString::new(text::to_bytes(value)?).map_err(|_| Errno::INVAL.into())
}

pub fn c_strings(value: &Value, name: &str) -> Result<Vec<CString>, Failure> {
    let array = value.as_array().ok_or_else(|| wants(name, "an array", value))?;
    array.iter::<Value>().map(|item| c_string(&item?, name)).collect()
}

/// The bytes of a Uint8Array; valid until script runs again.
pub fn bytes<'js>(value: &Value<'js>, name: &str) -> Result<&'js mut [u8], Failure> {
    let mut length = 0;
    // SAFETY: the engine checks type and state; the memory lives as long as the array, which the caller of the
    // host function holds, and nothing else touches it before the call returns.
    unsafe {
        if qjs::JS_GetTypedArrayType(value.as_raw())
            != qjs::JSTypedArrayEnum_JS_TYPED_ARRAY_UINT8 as i32
        {
            return Err(wants(name, "a Uint8Array", value));
        }
        let start =
            qjs::JS_GetUint8Array(value.ctx().as_raw().as_ptr(), &mut length, value.as_raw());
        match NonNull::new(start) {
            Some(start) => Ok(core::slice::from_raw_parts_mut(start.as_ptr(), length as usize)),
            None if length == 0 && !qjs::JS_HasException(value.ctx().as_raw().as_ptr()) => {
                Ok(&mut [])
            }
            None => Err(Failure::Thrown),
        }
    }
}

/// A property of an options object, or `None` when it is undefined.
pub fn property<'js, T>(
    object: &Object<'js>,
    name: &str,
    convert: impl FnOnce(&Value<'js>, &str) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    let value: Value = object.get(name)?;
    if value.is_undefined() { Ok(None) } else { convert(&value, name).map(Some) }
}
