//! The build's files: inputs are mapped, outputs get their name when they are whole.

use alloc::vec::Vec;
use core::ffi::{CStr, c_int};
use core::ptr::null_mut;
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, SeekFrom};
use rustix::io::{Errno, retry_on_intr};
use rustix::mm::{MapFlags, ProtFlags, mmap};

use crate::report;

/// A file's bytes, mapped: they must not lie in the arena, which becomes the image.
pub fn contents(path: &CStr) -> &'static [u8] {
    map_file(path).unwrap_or_else(|errno| report::fatal_errno("read", path.to_bytes(), errno))
}

fn map_file(path: &CStr) -> Result<&'static [u8], Errno> {
    let fd =
        retry_on_intr(|| rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()))?;
    let length = rustix::fs::fstat(&fd)?.st_size as usize;
    if length == 0 {
        return Ok(&[]);
    }
    // SAFETY: a private mapping that is never undone; the build does not change its inputs while it runs.
    unsafe {
        let start = mmap(null_mut(), length, ProtFlags::READ, MapFlags::PRIVATE, &fd, 0)?;
        Ok(core::slice::from_raw_parts(start.cast::<u8>(), length))
    }
}

/// Bytes, and how many zeros follow them.
type Bytes<'a> = (&'a [u8], usize);

/// Writes beside the file and renames over it: the old one may be running.
pub fn write_file(path: &CStr, mode: u32, parts: &[Bytes]) -> c_int {
    let beside: Vec<u8> = [path.to_bytes(), b".new"].concat();
    let written = write_parts(&beside, mode, parts)
        .and_then(|()| rustix::fs::rename(beside.as_slice(), path));
    match written {
        Ok(()) => 0,
        Err(errno) => report::fatal_errno("write", path.to_bytes(), errno),
    }
}

fn write_parts(path: &[u8], mode: u32, parts: &[Bytes]) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    let fd: OwnedFd = rustix::fs::open(path, flags, Mode::from_raw_mode(mode))?;
    for (bytes, gap) in parts {
        let mut rest = *bytes;
        while !rest.is_empty() {
            rest = &rest[retry_on_intr(|| rustix::io::write(&fd, rest))?..];
        }
        rustix::fs::seek(&fd, SeekFrom::Current(*gap as i64))?;
    }
    Ok(())
}
