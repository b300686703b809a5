//! Where the kernel writes what is received: small pieces through one buffer that stays warm, and copied out at their
//! true length; large ones straight into the memory of the new array.

use alloc::vec::Vec;
use core::ffi::c_void;
use rquickjs::qjs;
use rustix::io::Errno;

use crate::call::Call;
use crate::failure::{Failure, Outcome, checked};
use crate::single::Single;

const SCRATCH: usize = 128 << 10;

#[repr(align(64))]
struct Scratch([u8; SCRATCH]);

static BUFFER: Single<Scratch> = Single::new(Scratch([0; SCRATCH]));

/// Calls `fill` with room for `length` bytes; it returns how many it filled, and those become a Uint8Array.
pub fn receive<'js>(
    call: &Call<'js>,
    length: usize,
    fill: impl FnOnce(&mut [u8]) -> Result<usize, Errno>,
) -> Outcome<'js> {
    if length <= SCRATCH {
        // SAFETY: one thread, and `fill` makes a system call and nothing else.
        let scratch = unsafe { &mut *BUFFER.get() };
        let buffer = &mut scratch.0[..length];
        let filled = fill(buffer)?;
        return call.array_of(&buffer[..filled]);
    }
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(length)?;
    // SAFETY: that much was reserved; the kernel writes there before anybody reads, and only that part is kept.
    unsafe { buffer.set_len(length) };
    let filled = fill(&mut buffer)?;
    buffer.truncate(filled);
    into_array(call, buffer)
}

/// A Uint8Array over the bytes, without copying them.
pub fn into_array<'js>(call: &Call<'js>, mut bytes: Vec<u8>) -> Outcome<'js> {
    bytes.shrink_to_fit();
    if bytes.is_empty() {
        return call.array_of(&[]);
    }
    let bytes = bytes.leak();
    // SAFETY: the array owns the bytes from here; they came from the allocator that `release` gives them back to.
    let raw = unsafe {
        let ctx = call.ctx.as_raw().as_ptr();
        qjs::JS_NewUint8Array(
            ctx,
            bytes.as_mut_ptr(),
            bytes.len() as _,
            RELEASE,
            core::ptr::null_mut(),
            false,
        )
    };
    checked(&call.ctx, raw).map_err(|_| Failure::Thrown)
}

const RELEASE: qjs::JSReallocArrayBufferDataFunc = Some(release);

/// What the engine calls to free a buffer (length 0) or to resize it.
unsafe extern "C" fn release(
    _runtime: *mut qjs::JSRuntime,
    _opaque: *mut c_void,
    bytes: *mut c_void,
    length: qjs::size_t,
) -> *mut c_void {
    use rquickjs_core::allocator::Allocator;
    let mut allocator = crate::allocator::EngineAllocator;
    // SAFETY: `bytes` came from Rust's allocator, which is the engine's.
    unsafe {
        if length == 0 {
            allocator.dealloc(bytes.cast());
            return core::ptr::null_mut();
        }
        allocator.realloc(bytes.cast(), length as usize).cast()
    }
}
