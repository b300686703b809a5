//! Open files.

use rustix::fd::IntoRawFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use super::buffer::receive;
use crate::call::Call;
use crate::errno::check;
use crate::failure::Outcome;

/// `open(path, flags, mode = 0)`: O_CLOEXEC is always added.
pub fn open<'js>(call: &Call<'js>) -> Outcome<'js> {
    let path = call.path(0, "path")?;
    let flags = OFlags::from_bits_retain(call.integer(1, "flags")?) | OFlags::CLOEXEC;
    let mode = Mode::from_bits_retain(call.optional(2, "mode")?.unwrap_or(0));
    let fd = retry_on_intr(|| rustix::fs::open(path.as_c_str(), flags, mode))?;
    call.number(fd.into_raw_fd())
}

/// `close(fd)`. Not repeated after EINTR: Linux has closed it by then.
pub fn close<'js>(call: &Call<'js>) -> Outcome<'js> {
    let fd: i32 = call.integer(0, "fd")?;
    // SAFETY: the number is the script's own; the host keeps none that it could mean but the program file's.
    let closed = check(unsafe { libc::close(fd) });
    match closed {
        Ok(_) | Err(Errno::INTR) => call.done(),
        Err(errno) => Err(errno.into()),
    }
}

/// `read(fd, length)`: at most that many bytes; none at the end.
pub fn read<'js>(call: &Call<'js>) -> Outcome<'js> {
    let fd = call.fd(0)?;
    receive(call, call.integer(1, "length")?, |buffer| {
        retry_on_intr(|| rustix::io::read(fd, &mut *buffer))
    })
}

/// `write(fd, bytes)`: how many were written.
pub fn write<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, bytes) = (call.fd(0)?, call.bytes(1, "bytes")?);
    call.number(retry_on_intr(|| rustix::io::write(fd, bytes))?)
}

/// `fsync(fd)`
pub fn fsync<'js>(call: &Call<'js>) -> Outcome<'js> {
    let fd = call.fd(0)?;
    retry_on_intr(|| rustix::fs::fsync(fd))?;
    call.done()
}

/// `fdatasync(fd)`
pub fn fdatasync<'js>(call: &Call<'js>) -> Outcome<'js> {
    let fd = call.fd(0)?;
    retry_on_intr(|| rustix::fs::fdatasync(fd))?;
    call.done()
}

/// `ftruncate(fd, length)`
pub fn ftruncate<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, length) = (call.fd(0)?, call.integer(1, "length")?);
    retry_on_intr(|| rustix::fs::ftruncate(fd, length))?;
    call.done()
}
