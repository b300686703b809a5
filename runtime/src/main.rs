//! netloom's host: see the library.
#![no_std]
#![no_main]

use core::ffi::{c_char, c_int};

/// Where the C library starts us.
#[unsafe(no_mangle)]
extern "C" fn main(count: c_int, arguments: *const *const c_char) -> c_int {
    netloom_host::leave(netloom_host::host(count, arguments))
}
