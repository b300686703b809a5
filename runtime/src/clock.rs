//! The C library's clocks, as the engine calls them. While the program is built they stand still, and that they were
//! asked is noted: a time, or a seed made of it, must not get into the image.

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicBool, Ordering};

use crate::building;

static READ: AtomicBool = AtomicBool::new(false);
/// Set from the first line of an image's making: the engine seeds itself with the time.
static STOPPED: AtomicBool = AtomicBool::new(false);

#[cfg(not(feature = "daemon"))]
pub fn stop() {
    STOPPED.store(true, Ordering::Relaxed);
}

pub fn forget_reads() {
    READ.store(false, Ordering::Relaxed);
}

pub fn was_read() -> bool {
    READ.load(Ordering::Relaxed)
}

unsafe extern "C" {
    #[link_name = "__real_gettimeofday"]
    fn real_gettimeofday(time: *mut libc::timeval, zone: *mut c_void) -> c_int;
    #[link_name = "__real_clock_gettime"]
    fn real_clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int;
}

fn stands_still() -> bool {
    if building::is_set() {
        READ.store(true, Ordering::Relaxed);
    }
    STOPPED.load(Ordering::Relaxed)
}

/// gettimeofday(2); the linker leads calls of it here (`--wrap`).
///
/// # Safety
/// As the C function.
#[unsafe(export_name = "__wrap_gettimeofday")]
pub unsafe extern "C" fn gettimeofday(time: *mut libc::timeval, zone: *mut c_void) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        if stands_still() && !time.is_null() {
            time.write(libc::timeval { tv_sec: 0, tv_usec: 0 });
            return 0;
        }
        real_gettimeofday(time, zone)
    }
}

/// clock_gettime(2), likewise.
///
/// # Safety
/// As the C function.
#[unsafe(export_name = "__wrap_clock_gettime")]
pub unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        if stands_still() && !time.is_null() {
            time.write(libc::timespec { tv_sec: 0, tv_nsec: 0 });
            return 0;
        }
        real_clock_gettime(clock, time)
    }
}
