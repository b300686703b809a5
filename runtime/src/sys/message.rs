//! Sending and receiving.

use alloc::vec::Vec;
use core::ffi::c_void;
use core::mem::zeroed;
use core::ptr::null_mut;
use rquickjs::{Array, Value};
use rustix::fd::AsRawFd;

use super::buffer::receive;
use super::socket::ADDRESS_MAX;
use crate::call::{Call, integer};
use crate::errno::retry;
use crate::failure::{Failure, Outcome};

/// SCM_MAX_FD of the kernel: the most one message carries.
const FDS_MAX: usize = 253;

/// Room for a control message with that many descriptors, aligned as struct cmsghdr is.
#[repr(align(8))]
struct Control([u8; 16 + 4 * FDS_MAX + 4]);

/// `send(fd, bytes, flags = 0)`: how many were sent; never SIGPIPE.
pub fn send<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, bytes) = (call.fd(0)?, call.bytes(1, "bytes")?);
    let flags = call.optional::<i32>(2, "flags")?.unwrap_or(0) | libc::MSG_NOSIGNAL;
    // SAFETY: pointer and length are those of a live slice.
    call.number(retry(|| unsafe {
        libc::send(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags)
    })?)
}

/// `recv(fd, length, flags = 0)`
pub fn recv<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, length) = (call.fd(0)?, call.integer(1, "length")?);
    let flags = call.optional(2, "flags")?.unwrap_or(0);
    receive(call, length, |buffer| {
        // With MSG_TRUNC the kernel tells the true length, which may be more than there is room for.
        // SAFETY: pointer and length are those of a live slice.
        let count = retry(|| unsafe {
            libc::recv(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), flags)
        })?;
        Ok((count as usize).min(buffer.len()))
    })
}

/// `sendmsg(fd, data, address?, fds?, flags = 0)`
pub fn sendmsg<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, data) = (call.fd(0)?, call.bytes(1, "data")?);
    let address = if call.value(2).is_undefined() { &mut [] } else { call.bytes(2, "address")? };
    let fds = descriptors(&call.value(3))?;
    let flags = call.optional::<i32>(4, "flags")?.unwrap_or(0) | libc::MSG_NOSIGNAL;
    let mut part = libc::iovec { iov_base: data.as_mut_ptr().cast(), iov_len: data.len() };
    let mut control = Control([0; _]);
    // SAFETY: a header is plain data, its pointers are to live slices; the control message fits, as FDS_MAX is kept.
    let sent = unsafe {
        let mut message = header(&mut part, address);
        if !fds.is_empty() {
            message.msg_control = control.0.as_mut_ptr().cast();
            message.msg_controllen = libc::CMSG_SPACE(4 * fds.len() as u32) as _;
            let rights = libc::CMSG_FIRSTHDR(&message);
            (*rights).cmsg_level = libc::SOL_SOCKET;
            (*rights).cmsg_type = libc::SCM_RIGHTS;
            (*rights).cmsg_len = libc::CMSG_LEN(4 * fds.len() as u32) as _;
            core::ptr::copy_nonoverlapping(fds.as_ptr(), libc::CMSG_DATA(rights).cast(), fds.len());
        }
        retry(|| libc::sendmsg(fd.as_raw_fd(), &message, flags))?
    };
    call.number(sent)
}

fn header(part: &mut libc::iovec, address: &mut [u8]) -> libc::msghdr {
    // SAFETY: plain data.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = part;
    message.msg_iovlen = 1;
    message.msg_name =
        if address.is_empty() { null_mut() } else { address.as_mut_ptr().cast::<c_void>() };
    message.msg_namelen = address.len() as u32;
    message
}

fn descriptors(value: &Value) -> Result<Vec<i32>, Failure> {
    if value.is_undefined() {
        return Ok(Vec::new());
    }
    let Some(array) = value.as_array() else {
        return Err(Failure::Type("fds: want an array".into()));
    };
    if array.len() > FDS_MAX {
        return Err(Failure::Type(alloc::format!(
            "fds: want at most {FDS_MAX}, got {}",
            array.len()
        )));
    }
    array.iter::<Value>().map(|item| integer(&item?, "fds")).collect()
}

/// `recvmsg(fd, length, flags = 0)`: `{ data, address, flags, fds }`
pub fn recvmsg<'js>(call: &Call<'js>) -> Outcome<'js> {
    let (fd, length) = (call.fd(0)?, call.integer(1, "length")?);
    let flags = call.optional::<i32>(2, "flags")?.unwrap_or(0) | libc::MSG_CMSG_CLOEXEC;
    let mut address = [0; ADDRESS_MAX];
    let mut control = Control([0; _]);
    // SAFETY: plain data.
    let mut message: libc::msghdr = unsafe { zeroed() };
    let data = receive(call, length, |buffer| {
        let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
        // SAFETY: the header's pointers are to live buffers of the lengths it tells.
        let count = retry(|| unsafe {
            message = header(&mut part, &mut address);
            message.msg_control = control.0.as_mut_ptr().cast();
            message.msg_controllen = control.0.len() as _;
            libc::recvmsg(fd.as_raw_fd(), &mut message, flags)
        })?;
        Ok((count as usize).min(buffer.len()))
    })?;
    let object = call.new_object()?;
    object.set("data", data)?;
    let address = &address[..(message.msg_namelen as usize).min(ADDRESS_MAX)];
    object.set("address", call.array_of(address)?)?;
    object.set("flags", message.msg_flags)?;
    object.set("fds", received(call, &message)?)?;
    Ok(object.into_value())
}

/// The descriptors of SCM_RIGHTS messages.
fn received<'js>(call: &Call<'js>, message: &libc::msghdr) -> Outcome<'js> {
    let fds = Array::new(call.ctx.clone())?;
    // SAFETY: the kernel filled `msg_controllen` bytes with whole control messages; they are still alive.
    unsafe {
        let mut part = libc::CMSG_FIRSTHDR(message);
        while !part.is_null() {
            if (*part).cmsg_level == libc::SOL_SOCKET && (*part).cmsg_type == libc::SCM_RIGHTS {
                let count = ((*part).cmsg_len as usize - libc::CMSG_LEN(0) as usize) / 4;
                let data = libc::CMSG_DATA(part).cast::<i32>();
                for index in 0..count {
                    fds.set(fds.len(), data.add(index).read_unaligned())?;
                }
            }
            part = libc::CMSG_NXTHDR(message, part);
        }
    }
    Ok(fds.into_value())
}
