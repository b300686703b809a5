//! Sockets. Addresses are raw sockaddr bytes, which TypeScript encodes.

use core::ffi::c_void;
use rquickjs::Array;
use rustix::fd::AsRawFd;
use rustix::io::Errno;

use crate::call::Call;
use crate::errno::{check, retry};
use crate::failure::Outcome;

/// Larger than sockaddr_storage and than any sockaddr the kernel gives.
pub const ADDRESS_MAX: usize = 256;

/// `socket(domain, type, protocol)`
pub fn socket<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (domain, kind) = (call.integer(0, "domain")?, call.integer::<i32>(1, "type")?);
    let protocol = call.integer(2, "protocol")?;
    // SAFETY: takes numbers only.
    call.number(check(unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol) })?)
}

/// `socketpair(domain, type, protocol)`: two descriptors.
pub fn socketpair<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (domain, kind) = (call.integer(0, "domain")?, call.integer::<i32>(1, "type")?);
    let protocol = call.integer(2, "protocol")?;
    let mut pair = [0; 2];
    // SAFETY: the kernel writes two numbers there.
    check(unsafe {
        libc::socketpair(domain, kind | libc::SOCK_CLOEXEC, protocol, pair.as_mut_ptr())
    })?;
    let array = Array::new(call.ctx.clone())?;
    for (index, fd) in pair.into_iter().enumerate() {
        array.set(index, fd)?;
    }
    Ok(array.into_value())
}

/// `bind(fd, address)`
pub fn bind<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, address) = (call.fd(0)?, call.bytes(1, "address")?);
    // SAFETY: pointer and length are those of a live slice.
    check(unsafe { libc::bind(fd.as_raw_fd(), address.as_ptr().cast(), address.len() as u32) })?;
    call.done()
}

/// `connect(fd, address)`. After EINTR it goes on by itself: waits for its end as POSIX says.
pub fn connect<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, address) = (call.fd(0)?, call.bytes(1, "address")?);
    // SAFETY: pointer and length are those of a live slice.
    match check(unsafe {
        libc::connect(fd.as_raw_fd(), address.as_ptr().cast(), address.len() as u32)
    }) {
        Err(Errno::INTR) => finish_connect(fd)?,
        other => drop(other?),
    }
    call.done()
}

fn finish_connect(fd: rustix::fd::BorrowedFd) -> Result<(), Errno> {
    let mut fds = [rustix::event::PollFd::from_borrowed_fd(fd, rustix::event::PollFlags::OUT)];
    super::wait::wait(&mut fds, None)?;
    rustix::net::sockopt::socket_error(fd)?
}

/// `listen(fd, backlog)`
pub fn listen<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, backlog) = (call.fd(0)?, call.integer(1, "backlog")?);
    // SAFETY: takes numbers only.
    check(unsafe { libc::listen(fd.as_raw_fd(), backlog) })?;
    call.done()
}

/// `accept(fd)`: `{ fd, address }`
pub fn accept<'js>(call: &Call<'js>) -> Outcome<'js> {
    let fd = call.fd(0)?;
    let mut address = [0; ADDRESS_MAX];
    let mut length = ADDRESS_MAX as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes there.
    let accepted = retry(|| unsafe {
        length = ADDRESS_MAX as libc::socklen_t;
        libc::accept4(fd.as_raw_fd(), address.as_mut_ptr().cast(), &mut length, libc::SOCK_CLOEXEC)
    })?;
    let object = call.new_object()?;
    object.set("fd", accepted)?;
    object.set("address", call.array_of(filled(&address, length))?)?;
    Ok(object.into_value())
}

/// What the kernel wrote of a buffer, when it tells a length that may be longer.
fn filled(buffer: &[u8], length: libc::socklen_t) -> &[u8] {
    &buffer[..(length as usize).min(buffer.len())]
}

type Name = unsafe extern "C" fn(i32, *mut libc::sockaddr, *mut libc::socklen_t) -> i32;

fn name<'js>(call: &Call<'js>, ask: Name) -> Outcome<'js> {
    let fd = call.fd(0)?;
    let mut address = [0; ADDRESS_MAX];
    let mut length = ADDRESS_MAX as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes there.
    check(unsafe { ask(fd.as_raw_fd(), address.as_mut_ptr().cast(), &mut length) })?;
    call.array_of(filled(&address, length))
}

/// `getsockname(fd)`
pub fn getsockname<'js>(call: &Call<'js>) -> Outcome<'js> {
    name(call, libc::getsockname)
}

/// `getpeername(fd)`
pub fn getpeername<'js>(call: &Call<'js>) -> Outcome<'js> {
    name(call, libc::getpeername)
}

/// `getsockopt(fd, level, name, length)`
pub fn getsockopt<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, level) = (call.fd(0)?, call.integer(1, "level")?);
    let (name, wanted) = (call.integer(2, "name")?, call.integer::<u32>(3, "length")?);
    super::buffer::receive(call, wanted as usize, |buffer| {
        let mut length = wanted;
        let value = buffer.as_mut_ptr().cast::<c_void>();
        // SAFETY: the kernel writes at most `length` bytes there.
        check(unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, value, &mut length) })?;
        Ok(length.min(wanted) as usize)
    })
}

/// `setsockopt(fd, level, name, value)`: a number is written as a C int.
pub fn setsockopt<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, level) = (call.fd(0)?, call.integer(1, "level")?);
    let name = call.integer(2, "name")?;
    let number;
    let value = if call.value(3).is_number() {
        number = call.integer::<i32>(3, "value")?.to_ne_bytes();
        &number[..]
    } else {
        call.bytes(3, "value")?
    };
    // SAFETY: pointer and length are those of a live slice.
    check(unsafe {
        libc::setsockopt(fd.as_raw_fd(), level, name, value.as_ptr().cast(), value.len() as u32)
    })?;
    call.done()
}

/// `attachFilter(fd, program)`: setsockopt(2) SO_ATTACH_FILTER, whose argument holds a pointer.
pub fn attach_filter<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, program) = (call.fd(0)?, call.bytes(1, "program")?);
    const INSTRUCTION: usize = size_of::<libc::sock_filter>();
    if program.is_empty() || program.len() % INSTRUCTION != 0 {
        return Err(Errno::INVAL.into());
    }
    let count = u16::try_from(program.len() / INSTRUCTION).map_err(|_| Errno::INVAL)?;
    let filter = libc::sock_fprog { len: count, filter: program.as_mut_ptr().cast() };
    let (value, length) = ((&raw const filter).cast(), size_of::<libc::sock_fprog>() as u32);
    // SAFETY: the filter points to `count` instructions, which the kernel copies at any alignment.
    check(unsafe {
        libc::setsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, value, length)
    })?;
    call.done()
}

/// `shutdown(fd, how)`
pub fn shutdown<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, how) = (call.fd(0)?, call.integer(1, "how")?);
    // SAFETY: takes numbers only.
    check(unsafe { libc::shutdown(fd.as_raw_fd(), how) })?;
    call.done()
}
