//! Namespaces and mounts.

use rustix::fd::AsRawFd;

use crate::call::Call;
use crate::errno::check;
use crate::failure::Outcome;

/// `setns(fd, type)`
pub fn setns<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, kind) = (call.fd(0)?, call.integer(1, "type")?);
    // SAFETY: takes numbers only; the process has one thread.
    check(unsafe { libc::setns(fd.as_raw_fd(), kind) })?;
    call.done()
}

/// `unshare(flags)`
pub fn unshare<'js>(call: &Call<'js>) -> Outcome<'js> {
    let flags: u32 = call.integer(0, "flags")?;
    // SAFETY: takes a number only; the process has one thread.
    check(unsafe { libc::unshare(flags as i32) })?;
    call.done()
}

/// `mount(source, target, type, flags, data)`: empty texts for what a kind of mount does not look at.
pub fn mount<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (source, target) = (call.c_string(0, "source")?, call.path(1, "target")?);
    let (kind, data) = (call.c_string(2, "type")?, call.c_string(4, "data")?);
    let flags: u32 = call.integer(3, "flags")?;
    // SAFETY: all four are C strings that outlive the call.
    check(unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            kind.as_ptr(),
            flags.into(),
            data.as_ptr().cast(),
        )
    })?;
    call.done()
}

/// `umount2(target, flags)`
pub fn umount2<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (target, flags) = (call.path(0, "target")?, call.integer(1, "flags")?);
    // SAFETY: a C string that outlives the call.
    check(unsafe { libc::umount2(target.as_ptr(), flags) })?;
    call.done()
}
