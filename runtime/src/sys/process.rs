//! This process.

use core::ffi::{CStr, c_char};

use crate::call::Call;
use crate::errno::check;
use crate::failure::Outcome;
use crate::program;
use crate::report;
use crate::single::Single;

/// Where `main` found its arguments.
static ARGUMENTS: Single<*const *const c_char> = Single::new(core::ptr::null());

unsafe extern "C" {
    #[link_name = "environ"]
    static ENVIRONMENT: *const *const c_char;
}

/// Keeps what `main` was given.
pub fn set_arguments(arguments: *const *const c_char) {
    // SAFETY: called once, before anything reads it.
    unsafe { *ARGUMENTS.get() = arguments }
}

/// The texts of a list that ends with a null pointer.
///
/// # Safety
/// `list` is null or such a list, and lives as long as the process.
unsafe fn texts(list: *const *const c_char) -> impl Iterator<Item = &'static [u8]> {
    // SAFETY: the caller's promise; the walk stops at the null.
    (0..).map_while(move |index| unsafe {
        let text = if list.is_null() { list.cast() } else { *list.add(index) };
        (!text.is_null()).then(|| CStr::from_ptr(text).to_bytes())
    })
}

/// `argv()`
pub fn argv<'js>(call: &Call<'js>) -> Outcome<'js> {
    // SAFETY: the kernel's list, ended by a null.
    call.texts(unsafe { texts(*ARGUMENTS.get()) })
}

/// `environ()`: as it came.
pub fn environ<'js>(call: &Call<'js>) -> Outcome<'js> {
    // SAFETY: the kernel's list, ended by a null; nobody calls setenv.
    call.texts(unsafe { texts(ENVIRONMENT) })
}

/// `exit(status)`: at once.
pub fn exit<'js>(call: &Call<'js>) -> Outcome<'js> {
    report::exit(call.integer(0, "status")?)
}

/// `getpid()`
pub fn getpid<'js>(call: &Call<'js>) -> Outcome<'js> {
    call.number(rustix::process::getpid().as_raw_nonzero().get())
}

/// `geteuid()`
pub fn geteuid<'js>(call: &Call<'js>) -> Outcome<'js> {
    call.number(rustix::process::geteuid().as_raw())
}

/// `kill(pid, signal)`: signal 0 only asks.
pub fn kill<'js>(call: &Call<'js>) -> Outcome<'js> {
    // SAFETY: takes numbers only.
    check(unsafe { libc::kill(call.integer(0, "pid")?, call.integer(1, "signal")?) })?;
    call.done()
}

/// `attachment()`: what the build put beside the program.
pub fn attachment<'js>(call: &Call<'js>) -> Outcome<'js> {
    super::buffer::into_array(call, program::attachment()?)
}
